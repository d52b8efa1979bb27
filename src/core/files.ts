// Reading files that somebody names: regular ones only. Opening a named pipe waits for whoever writes to it, and a thread
// that waits there ends at no signal; a device may never end.
import type { Stats } from 'node:fs';
import { constants, type FileHandle, open, stat } from 'node:fs/promises';
import { FlowDenoiseError, type FlowDenoiseErrorCode } from './errors.js';

/** Opening returns at once whatever the file is. Windows has no such flag and needs none. */
const FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

export interface ReadOptions {
  readonly signal?: AbortSignal | undefined;
  /** Bytes that the file has at most. */
  readonly most?: number;
  /** Of the error for a larger one, and for what is no regular file. */
  readonly code?: FlowDenoiseErrorCode;
  /** What messages call the file; its path unless given. */
  readonly name?: string;
}

function kindOf(status: Stats): string {
  if (status.isDirectory()) return 'a folder';
  if (status.isFIFO()) return 'a named pipe';
  return status.isSocket() ? 'a socket' : 'a device';
}

function refuse(status: Stats, options: ReadOptions): void {
  const { name, code = 'BAD_OPTION', most = Number.POSITIVE_INFINITY } = options;
  if (!status.isFile())
    throw new FlowDenoiseError(
      code,
      `${name}: found ${kindOf(status)}, expected a file. Copy what it holds into a file first.`,
    );
  if (status.size > most)
    throw new FlowDenoiseError(
      code,
      `${name}: found ${status.size} bytes, expected at most ${most}. Fetch the file again.`,
    );
}

/** @throws FlowDenoiseError BAD_OPTION (or `code`) for a folder, a pipe, a socket or a device; the system's error */
export async function refuseSpecialFile(path: string, options: ReadOptions = {}): Promise<void> {
  refuse(await stat(path), { name: path, ...options });
}

/** For reading; throws as `readRegularFile` does. Close what it returns. */
export async function openRegularFile(path: string, options: ReadOptions = {}): Promise<FileHandle> {
  const handle = await open(path, FLAGS);
  try {
    refuse(await handle.stat(), { name: path, ...options });
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/**
 * A regular file's bytes.
 *
 * @throws  FlowDenoiseError BAD_OPTION (or `code`) for anything else, or a larger one, unread; the system's error; the signal's reason
 */
export async function readRegularFile(path: string, options: ReadOptions = {}): Promise<Buffer> {
  const handle = await openRegularFile(path, options);
  try {
    return await handle.readFile(options.signal === undefined ? {} : { signal: options.signal });
  } finally {
    await handle.close();
  }
}
