// An original: what identifies its state, reading it, and moving it when it is finished. Only the file that was waited for is
// read or moved, and it never goes over another file.
import { hash } from 'node:crypto';
import { constants, type Stats } from 'node:fs';
import { lstat, mkdir, open, realpath, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { codeOf } from '../../core/errors.js';
import { copyFileAtomic, writeFileAtomic } from '../../core/files.js';
import { appendedPath, versionedPath } from './names.js';
import { isThere } from './outputs.js';

/** A file's state: enough to notice that it was written to or replaced. */
export interface Snapshot {
  readonly size: number;
  readonly mtimeMs: number;
  readonly ino: number;
}

export interface Original {
  /** Relative to the input folder, with forward slashes. */
  readonly path: string;
  readonly snapshot: Snapshot;
}

/** Undefined if there is no regular file (nothing, a link, a pipe). */
export async function snapshotOf(path: string): Promise<Snapshot | undefined> {
  const stats = await lstat(path).catch(() => undefined);
  return stats?.isFile() ? snapshotFrom(stats) : undefined;
}

export function snapshotFrom({ size, mtimeMs, ino }: Stats): Snapshot {
  return { size, mtimeMs, ino };
}

export function isSameSnapshot(one: Snapshot | undefined, other: Snapshot | undefined): boolean {
  return one?.size === other?.size && one?.mtimeMs === other?.mtimeMs && one?.ino === other?.ino;
}

// O_NONBLOCK: do not wait for a pipe in the file's place. Windows has neither flag.
const FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/**
 * Reads a whole original. Does not follow a link that has replaced it.
 *
 * @param root  the input folder, a real path
 * @returns     its bytes and their SHA-256; undefined if it is gone, has changed, or a link has moved it out of the folder
 */
export async function readOriginal(root: string, { path, snapshot }: Original) {
  const file = join(root, path);
  const real = await realpath(dirname(file)).catch(() => undefined);
  if (real !== dirname(file)) return undefined;
  const handle = await open(file, FLAGS).catch((error: unknown) => {
    if (['ENOENT', 'ELOOP'].includes(codeOf(error) ?? '')) return undefined;
    throw error;
  });
  if (handle === undefined) return undefined;
  try {
    if (!isSameSnapshot(await handle.stat(), snapshot)) return undefined;
    const bytes = await handle.readFile();
    if (!isSameSnapshot(await handle.stat(), snapshot)) return undefined;
    return { bytes, hash: hash('sha256', bytes) };
  } finally {
    await handle.close();
  }
}

/**
 * Moves an original to `.done` or, with `why`, to `.error`; its path below the input folder stays.
 *
 * @param why  the reason, written to a `.txt` beside the original
 * @returns    the new path, relative to the input folder; undefined if the original is gone or was replaced
 */
export async function moveOriginal(
  root: string,
  { path, snapshot }: Original,
  why?: string,
): Promise<string | undefined> {
  const from = join(root, path);
  const isThis = async (file: string) => isSameSnapshot(await snapshotOf(file), snapshot);
  if (!(await isThis(from))) return undefined;
  const moved = await freePath(root, `${why === undefined ? '.done' : '.error'}/${path}`);
  const [to, words] = [join(root, moved), join(root, wordsOf(moved))];
  await mkdir(dirname(to), { recursive: true });
  // The reason first, so that an original in .error always has one.
  if (why !== undefined) await writeFileAtomic(words, Buffer.from(`${why}\n`));
  try {
    await rename(from, to);
  } catch (error) {
    if (codeOf(error) !== 'EXDEV') throw error;
    // `.done` may link to an archive: the copy is complete and flushed before the original is removed.
    await copyFileAtomic(from, to, async () => {
      if (!(await isThis(from))) throw new Error(`${from} changed while it was copied`);
    });
    await rm(from);
    return moved;
  }
  if (await isThis(to)) return moved;
  // Replaced just before the move, so it is a new picture: move it back, beside a newer one if there is one.
  if (why !== undefined) await rm(words, { force: true });
  await rename(to, join(root, await freePath(root, path)));
  return undefined;
}

/** The file with the reason, beside an original in `.error`. */
function wordsOf(path: string): string {
  return appendedPath(path, '.txt');
}

async function freePath(root: string, path: string): Promise<string> {
  for (let version = 1; ; version++) {
    const each = versionedPath(path, version);
    if (!(await isThere(join(root, each))) && !(await isThere(join(root, wordsOf(each))))) return each;
  }
}
