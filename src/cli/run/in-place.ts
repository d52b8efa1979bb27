// A picture in the place of its original: the original is kept first where that is asked for, then replaced in one
// step, with its permissions. What changed since it was read is not replaced.
import { randomUUID } from 'node:crypto';
import { copyFile, link, lstat, open, realpath, rename, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { FlowDenoiseError, messageOf } from '../../core/errors.js';
import { writeFileAtomic } from '../../image/index.js';
import type { Job } from './inputs.js';

/** How a file was when it was read. */
export interface Stamp {
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ino: bigint;
  readonly mode: bigint;
}

export async function stampOf(path: string): Promise<Stamp> {
  const { size, mtimeNs, ino, mode } = await stat(path, { bigint: true });
  return { size, mtimeNs, ino, mode };
}

/** @throws  FlowDenoiseError BAD_OPTION where a backup of an earlier run lies: it is nearer to the original */
export async function refuseTakenBackups(jobs: readonly Job[], backup: string): Promise<void> {
  for (const { input } of jobs) {
    const path = `${await realpath(input)}${backup}`;
    if (await lstat(path).catch(() => undefined)) {
      throw new FlowDenoiseError(
        'BAD_OPTION',
        `${input}: its backup ${path} is there already; move it away, or give --backup another suffix`,
      );
    }
  }
}

/**
 * Puts a result where its original lies; a symbolic link stays one.
 *
 * @param before  how the original was when it was read
 * @param backup  added to the original's name to keep it
 * @throws        FlowDenoiseError WRITE_FAILED, the original as it was; the signal's reason when aborted
 */
export async function replaceOriginal(
  path: string,
  bytes: Uint8Array,
  before: Stamp,
  { backup, signal }: { readonly backup: string | undefined; readonly signal: AbortSignal },
): Promise<void> {
  const file = await realpath(path);
  const { size, mtimeNs, ino } = await stampOf(file);
  if (size !== before.size || mtimeNs !== before.mtimeNs || ino !== before.ino)
    throw failed(path, 'it was changed while it was in work, and is left as it is; denoise it again');
  signal.throwIfAborted();
  if (backup !== undefined) {
    await keep(file, `${file}${backup}`).catch((error: unknown) => {
      throw failed(path, `its backup ${path}${backup} could not be made (${messageOf(error)})`, error);
    });
  }
  await writeFileAtomic(file, bytes, { signal, mode: Number(before.mode & 0o7777n) });
}

/** A second name for the file, which then outlives the first; a copy where the file system has no such names. */
async function keep(file: string, backup: string): Promise<void> {
  try {
    await link(file, backup);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') throw error;
    await copyWhole(file, backup);
  }
}

async function copyWhole(file: string, backup: string): Promise<void> {
  const temporary = join(dirname(backup), `.flow-denoise-${randomUUID()}.tmp`);
  try {
    await copyFile(file, temporary);
    const handle = await open(temporary, 'r+');
    await handle.sync().finally(() => handle.close());
    await rename(temporary, backup);
  } finally {
    await rm(temporary, { force: true });
  }
}

function failed(path: string, what: string, cause?: unknown): FlowDenoiseError {
  return new FlowDenoiseError('WRITE_FAILED', `${path}: ${what}`, { cause });
}
