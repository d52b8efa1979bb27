// Writing a file whole or not at all: a temporary name in the same folder, flushed, then renamed.
import { randomUUID } from 'node:crypto';
import { constants, copyFile, lstat, mkdir, open, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FlowDenoiseError, messageOf } from '../core/errors.js';

export interface WriteOptions {
  /** Name of the file that is written first; a new one unless given. */
  readonly temporary?: string | undefined;
  /** Aborting before the rename leaves the path as it was. */
  readonly signal?: AbortSignal;
  /** Permissions of the new file; the system's default unless given. */
  readonly mode?: number;
  /** Called last before the file takes its name; what it throws prevents that. */
  readonly beforeRename?: () => Promise<void>;
}

/**
 * Writes bytes to a path; readers see the old file or the new one, never a part. Missing folders are made.
 *
 * @param path     where to; a file that is there is replaced
 * @param bytes    the whole content
 * @throws         FlowDenoiseError WRITE_FAILED; the signal's reason when aborted. Neither leaves a temporary file.
 */
export async function writeFileAtomic(
  path: string,
  bytes: Uint8Array,
  { signal, mode, beforeRename, temporary: name }: WriteOptions = {},
): Promise<void> {
  signal?.throwIfAborted();
  const folder = dirname(path);
  const temporary = temporaryIn(folder, name);
  try {
    await mkdir(folder, { recursive: true });
    await writeFlushed(temporary, bytes, signal, mode);
    signal?.throwIfAborted();
    await beforeRename?.();
    await rename(temporary, path);
  } catch (error) {
    // Where the folder could not be made, there is nothing to remove.
    await rm(temporary, { force: true }).catch(() => undefined);
    if (signal?.aborted) throw signal.reason;
    if (error instanceof FlowDenoiseError) throw error;
    throw writeFailed(path, 'could not be written', error);
  }
}

/** Does work that writes to a path. @throws FlowDenoiseError WRITE_FAILED for whatever fails: `what`, and what to check */
export async function orWriteFailed<Result>(
  path: string,
  what: string,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw writeFailed(path, what, error);
  }
}

function writeFailed(path: string, what: string, cause: unknown): FlowDenoiseError {
  return new FlowDenoiseError(
    'WRITE_FAILED',
    `${path}: ${what} (${messageOf(cause)}). Expected a folder that can be written to, with space left; check both.`,
    { cause },
  );
}

async function writeFlushed(
  path: string,
  bytes: Uint8Array,
  signal: AbortSignal | undefined,
  mode: number | undefined,
): Promise<void> {
  const handle = await open(path, 'wx');
  try {
    if (mode !== undefined) await handle.chmod(mode);
    await handle.writeFile(bytes, signal === undefined ? {} : { signal });
    await handle.sync();
  } finally {
    await handle.close();
  }
}

/**
 * Copies a file: the copy is whole and on the disk, with the file's times, before it takes its name.
 *
 * @param beforeRename  called last; what it throws prevents that
 * @throws              the system's error; no temporary file is left
 */
export async function copyFileAtomic(
  from: string,
  to: string,
  beforeRename: () => Promise<void>,
): Promise<void> {
  const { atime, mtime } = await lstat(from);
  const temporary = temporaryIn(dirname(to));
  try {
    await copyFile(from, temporary, constants.COPYFILE_EXCL);
    const handle = await open(temporary, 'r+');
    try {
      await handle.utimes(atime, mtime);
      await handle.sync();
    } finally {
      await handle.close();
    }
    await beforeRename();
    await rename(temporary, to);
  } catch (error) {
    await rm(temporary, { force: true });
    throw error;
  }
}

function temporaryIn(folder: string, name = `.flow-denoise-${randomUUID()}.tmp`): string {
  return join(folder, name);
}

/** Brings the names in a folder to the disk, so that they survive a power cut; Windows has no such thing. */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path).catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}
