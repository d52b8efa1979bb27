// A Vinyl file as a picture: whether it is one, its bytes, and how the file changes with them. Its path stays.

import { Readable } from 'node:stream';
import Vinyl from 'vinyl';
import { badOption, FlowDenoiseError, messageOf } from '../core/errors.js';
import { printable } from '../core/printable.js';
import { isSupportedExtension } from '../image/index.js';
import { checkLength, collectBytes, wasDecodedAsText } from './encoded-picture.js';

/** A file without a path has no extension to judge by; it was put here on purpose, so it is taken for a picture. */
export function isPicture(file: Vinyl): boolean {
  return !file.isNull() && (file.history.length === 0 || isSupportedExtension(file.path));
}

/** What messages call it. */
export function nameOf(file: Vinyl): string {
  return file.history.length === 0 ? 'a file without a path' : printable(file.path);
}

/**
 * The file's bytes; contents that are a stream are read, and the bytes take its place.
 *
 * @param maxBytes  larger files are refused, those that are streams while they are read
 * @throws          FlowDenoiseError BAD_IMAGE for bytes that cannot be read or were decoded as text, UNSUPPORTED_IMAGE
 */
export async function readContents(file: Vinyl, maxBytes: number): Promise<Buffer> {
  // A stream is spent by reading it.
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
    // Wrapped, because vinyl-fs hands out duplex streams whose async iterator never ends.
    return await collectBytes(new Readable().wrap(contents), name, maxBytes);
  } catch (error) {
    // What wraps it does not close it.
    if ('destroy' in contents && typeof contents.destroy === 'function') contents.destroy();
    if (error instanceof FlowDenoiseError) throw error;
    throw new FlowDenoiseError('BAD_IMAGE', `${name}: cannot be read (${messageOf(error)})`, {
      cause: error,
    });
  }
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
  return badOption(
    `Expected Vinyl files, as gulp.src makes them, but received ${value?.constructor?.name ?? typeof value}`,
  );
}
