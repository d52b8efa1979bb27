// Vinyl files as pictures: whether a file is one, its bytes, and writing new ones. The path stays.

import { Readable } from 'node:stream';
import Vinyl from 'vinyl';
import { badOption, FlowDenoiseError, messageOf } from '../core/errors.js';
import { printable } from '../core/printable.js';
import { isSupportedExtension } from '../image/index.js';
import { checkLength, collectBytes, wasDecodedAsText } from './encoded-picture.js';

/** Judged by the extension. A file without a path was passed on purpose, so it counts as a picture. */
export function isPicture(file: Vinyl): boolean {
  return !file.isNull() && (file.history.length === 0 || isSupportedExtension(file.path));
}

/** The file's name in messages. */
export function nameOf(file: Vinyl): string {
  return file.history.length === 0 ? 'a file without a path' : printable(file.path);
}

/**
 * The file's bytes. If its contents are a stream, the bytes replace it.
 *
 * @param maxBytes  larger files are refused; a stream, while it is read
 * @throws          FlowDenoiseError BAD_IMAGE for bytes that cannot be read or were decoded as text, UNSUPPORTED_IMAGE
 */
export async function readContents(file: Vinyl, maxBytes: number): Promise<Buffer> {
  // A stream can be read only once.
  const contents = file.isStream() ? await readStream(file.contents, nameOf(file), maxBytes) : file.contents;
  if (!Buffer.isBuffer(contents)) throw notVinyl(contents);
  checkLength(contents.length, nameOf(file), maxBytes);
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

async function readStream(contents: NodeJS.ReadableStream, name: string, maxBytes: number): Promise<Buffer> {
  try {
    // Wrapped, since the async iterator of vinyl-fs's duplex streams never ends.
    return await collectBytes(new Readable().wrap(contents), name, maxBytes);
  } catch (error) {
    // The wrapper does not close the stream.
    if ('destroy' in contents && typeof contents.destroy === 'function') contents.destroy();
    if (error instanceof FlowDenoiseError) throw error;
    throw new FlowDenoiseError('BAD_IMAGE', `${name}: cannot be read (${messageOf(error)})`, {
      cause: error,
    });
  }
}

/** Replaces the file's bytes and updates its modification time. */
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
  return badOption(
    `Expected Vinyl files, as gulp.src makes them, but received ${value?.constructor?.name ?? typeof value}`,
  );
}
