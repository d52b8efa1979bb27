// Moves originals of finished pictures within the input folder, never over another file, and only if the file is still the
// one that was read.

import { mkdir, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { copyFileAtomic, writeFileAtomic } from '../../../core/files.js';
import { isSameSnapshot, type Snapshot, snapshotOf } from '../arrivals/snapshot.js';
import { appendedPath, versionedPath } from '../names.js';
import { isThere } from './outputs.js';

export const DONE_FOLDER = '.done';
export const ERROR_FOLDER = '.error';

/**
 * Moves an original to `.done` or, with `why`, to `.error`; its path below the input folder stays.
 *
 * @param root      the input folder
 * @param path      relative to it
 * @param snapshot  the file that was read
 * @param why       the reason for `.error`, written to a `.txt` beside the original
 * @returns         the new path, relative to the input folder; undefined if the original is gone or was replaced
 * @throws          the system's error
 */
export async function moveOriginal(
  root: string,
  path: string,
  snapshot: Snapshot,
  why?: string,
): Promise<string | undefined> {
  const from = join(root, path);
  if (!isSameSnapshot(await snapshotOf(from), snapshot)) return undefined;
  const to = await freePath(root, `${why === undefined ? DONE_FOLDER : ERROR_FOLDER}/${path}`);
  await mkdir(dirname(join(root, to)), { recursive: true });
  // The reason first, so that an original in .error always has one.
  if (why !== undefined) await writeFileAtomic(join(root, wordsOf(to)), Buffer.from(`${why}\n`));
  const mover = await moveFile(from, join(root, to), snapshot);
  if (mover === 'copied' || isSameSnapshot(await snapshotOf(join(root, to)), snapshot)) return to;

  // Replaced just before the move, so it is a new picture: move it back, beside a newer one if there is one.
  if (why !== undefined) await rm(join(root, wordsOf(to)), { force: true });
  await rename(join(root, to), join(root, await freePath(root, path)));
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

async function moveFile(from: string, to: string, snapshot: Snapshot): Promise<'renamed' | 'copied'> {
  try {
    await rename(from, to);
    return 'renamed';
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EXDEV') throw error;
    await copyAway(from, to, snapshot);
    return 'copied';
  }
}

/** Across file systems (`.done` may link to an archive): the copy is complete and flushed before the original is removed. */
async function copyAway(from: string, to: string, snapshot: Snapshot): Promise<void> {
  await copyFileAtomic(from, to, async () => {
    if (!isSameSnapshot(await snapshotOf(from), snapshot))
      throw new Error(`${from} changed while it was copied`);
  });
  await rm(from);
}
