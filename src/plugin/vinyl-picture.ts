// A Vinyl file as a picture: whether it is one, its bytes, and what becomes of the file when they change. Where a file
// is written is its path's business, which is never touched here.
import { isUtf8 } from 'node:buffer';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import Vinyl from 'vinyl';
import { FlowDenoiseError, messageOf } from '../core/errors.js';
import { isSupportedExtension } from '../image/index.js';

/** A file without a path has no extension to judge by; it was put here on purpose, so it is taken for a picture. */
export function isPicture(file: Vinyl): boolean {
  return !file.isNull() && (file.history.length === 0 || isSupportedExtension(file.path));
}

export function nameOf(file: Vinyl): string {
  return file.history.length === 0 ? 'a file without a path' : file.path;
}

/**
 * The file's bytes; contents that are a stream are read, and the bytes take its place.
 *
 * @throws  FlowDenoiseError BAD_IMAGE for bytes that cannot be read or were decoded as text
 */
export async function readContents(file: Vinyl): Promise<Buffer> {
  // A stream is spent by reading it.
  const contents = file.isStream() ? await readStream(file.contents, nameOf(file)) : file.contents;
  if (!Buffer.isBuffer(contents)) throw notVinyl(contents);
  file.contents = contents;
  if (wasDecodedAsText(contents)) {
    throw new FlowDenoiseError(
      'BAD_IMAGE',
      `${nameOf(file)}: its bytes were decoded as text before they came here, which destroys a picture; ` +
        'read it with gulp.src(..., { encoding: false })',
    );
  }
  return contents;
}

async function readStream(contents: NodeJS.ReadableStream, name: string): Promise<Buffer> {
  try {
    // Wrapped, because vinyl-fs hands out duplex streams whose async iterator never ends.
    return await buffer(new Readable().wrap(contents));
  } catch (error) {
    throw new FlowDenoiseError('BAD_IMAGE', `${name}: cannot be read (${messageOf(error)})`, {
      cause: error,
    });
  }
}

/** No picture is valid UTF-8; one that is, and has U+FFFD in it, was read as text and written back. */
function wasDecodedAsText(bytes: Buffer): boolean {
  return isUtf8(bytes) && bytes.includes('\ufffd');
}

/** Gives the file new bytes, and a time of change that says so. */
export function replaceContents(file: Vinyl, bytes: Buffer): void {
  file.contents = bytes;
  if (!file.stat) return;
  file.stat.mtime = new Date();
  file.stat.mtimeMs = file.stat.mtime.getTime();
}

export function checkVinyl(value: unknown): asserts value is Vinyl {
  if (!Vinyl.isVinyl(value)) throw notVinyl(value);
}

function notVinyl(value: unknown): FlowDenoiseError {
  return new FlowDenoiseError(
    'BAD_OPTION',
    `Expected Vinyl files, as gulp.src makes them, but received ${value?.constructor?.name ?? typeof value}`,
  );
}
