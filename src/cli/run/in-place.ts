// Replaces an original atomically, with its permissions, after making a backup if asked. A file that has changed since it was
// read is not replaced. A backup equal to the original means "not denoised yet", a different one "done". However the process
// ends, the original exists under one of its two names.

import { link, lstat, open, realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import sharp from 'sharp';
import { codeOf, FlowDenoiseError, messageOf } from '../../core/errors.js';
import { copyFileAtomic, syncFolder, writeFileAtomic } from '../../core/files.js';
import { formatOfFile } from '../../image/index.js';

/** Identifies the state of a file when it was read. */
interface Stamp {
  readonly size: bigint;
  readonly mtimeNs: bigint;
  readonly ino: bigint;
  readonly mode: bigint;
}

export async function stampOf(path: string): Promise<Stamp> {
  const { size, mtimeNs, ino, mode } = await stat(path, { bigint: true });
  return { size, mtimeNs, ino, mode };
}

/**
 * Whether the picture was denoised before, judged by its backup.
 *
 * @throws  FlowDenoiseError WRITE_FAILED if the file with the backup's name is not an original of it
 */
export async function isDoneBefore(path: string, backup: string): Promise<boolean> {
  const file = await realpath(path);
  const kept = `${file}${backup}`;
  const status = await lstat(kept).catch(() => undefined);
  if (status === undefined || (await isSameFile(file, kept))) return false;
  // A link would be followed, perhaps to the picture itself.
  if (!status.isFile()) throw taken(path, backup);
  if (await isSameKind(file, kept)) return true;
  throw taken(path, backup);
}

/**
 * Replaces an original by its result; a symbolic link stays one.
 *
 * @param before  the original's state when it was read
 * @param backup  suffix for the backup
 * @throws        FlowDenoiseError WRITE_FAILED, the original unchanged; the signal's reason when aborted
 */
export async function replaceOriginal(
  path: string,
  bytes: Uint8Array,
  before: Stamp,
  { backup, signal }: { readonly backup: string | undefined; readonly signal: AbortSignal },
): Promise<void> {
  const file = await realpath(path);
  async function refuseChanged(): Promise<void> {
    const { size, mtimeNs, ino } = await stampOf(file);
    if (size !== before.size || mtimeNs !== before.mtimeNs || ino !== before.ino)
      throw failed(path, 'it was changed while it was in work, and is left as it is; denoise it again');
  }
  await refuseChanged();
  signal.throwIfAborted();
  if (backup !== undefined) {
    await keep(file, `${file}${backup}`).catch((error: unknown) => {
      if (codeOf(error) === 'EEXIST') throw taken(path, backup);
      throw failed(path, `its backup ${path}${backup} could not be made (${messageOf(error)})`, error);
    });
    // Flush the backup's name before the original's is reused.
    await syncFolder(dirname(file));
  }
  const mode = Number(before.mode & 0o7777n);
  await writeFileAtomic(file, bytes, { signal, mode, beforeRename: refuseChanged });
}

/** Makes a hard link to keep the file; a copy if the file system has no hard links. */
async function keep(file: string, backup: string): Promise<void> {
  try {
    await link(file, backup);
  } catch (error) {
    if (await isSameFile(file, backup)) return;
    if (codeOf(error) === 'EEXIST') throw error;
    await copyFileAtomic(file, backup, async () => {
      if (await lstat(backup).catch(() => undefined))
        throw Object.assign(new Error('it already exists'), { code: 'EEXIST' });
    });
  }
}

/** Two names of one file, or a complete copy. */
async function isSameFile(path: string, other: string): Promise<boolean> {
  const [one, two] = await Promise.all(
    [path, other].map((each) => lstat(each, { bigint: true }).catch(() => undefined)),
  );
  if (!one?.isFile() || !two?.isFile() || one.size !== two.size) return false;
  if (one.dev === two.dev && one.ino === two.ino) return true;
  return hasSameBytes(path, other);
}

const COMPARED_BYTES = 1 << 20;

async function hasSameBytes(path: string, other: string): Promise<boolean> {
  const [one, two] = [await open(path), await open(other)];
  try {
    const [a, b] = [Buffer.alloc(COMPARED_BYTES), Buffer.alloc(COMPARED_BYTES)];
    for (;;) {
      const [{ bytesRead }, { bytesRead: others }] = await Promise.all([one.read(a), two.read(b)]);
      if (bytesRead !== others || a.compare(b, 0, bytesRead, 0, bytesRead) !== 0) return false;
      if (bytesRead === 0) return true;
    }
  } finally {
    await Promise.all([one.close(), two.close()]);
  }
}

/** Same format and size, as a result and its original have. */
async function isSameKind(path: string, other: string): Promise<boolean> {
  const [one, two] = await Promise.all([path, other].map(kindOf));
  return one !== undefined && one === two;
}

async function kindOf(path: string): Promise<string | undefined> {
  const format = await formatOfFile(path);
  if (format === undefined) return undefined;
  const header = sharp(path, { limitInputPixels: false }).metadata();
  return header.then(
    ({ width, height }) => `${format} ${width} ${height}`,
    () => undefined,
  );
}

function taken(path: string, backup: string): FlowDenoiseError {
  return failed(
    path,
    `its backup ${path}${backup} already exists and is not its original; move it away, or pass another suffix to --backup`,
  );
}

function failed(path: string, what: string, cause?: unknown): FlowDenoiseError {
  return new FlowDenoiseError('WRITE_FAILED', `${path}: ${what}`, { cause });
}
