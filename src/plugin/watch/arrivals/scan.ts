// Finds every picture below a folder by walking it. Events can be lost (the system's queue overflows; chokidar #1471), a walk
// misses nothing.
import { lstat, readdir } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { FlowDenoiseError } from '../../../core/errors.js';
import { isPictureName, isVisibleFolder } from '../names.js';
import { type Snapshot, snapshotFrom } from './snapshot.js';

const STATS_AT_ONCE = 32;

export interface ScanResult {
  /** Relative to the root, with forward slashes. */
  readonly path: string;
  /** Undefined for a symbolic link. Links are not followed. */
  readonly snapshot: Snapshot | undefined;
}

/**
 * Walks a folder. Reports symbolic links but does not follow them: they may lead out of the folder, or in circles.
 *
 * @param below      where to begin, relative to the root
 * @param onProblem  called for a folder that cannot be read; the walk goes on
 * @throws           FlowDenoiseError BAD_OPTION if the root is gone
 */
export async function* scanFolder(
  root: string,
  below: string,
  onProblem: (error: unknown, folder: string) => void,
): AsyncGenerator<ScanResult, void, void> {
  const folders = [below];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const entries = await readFolder(root, folder, onProblem);
    const files: string[] = [];
    for (const entry of entries) {
      const path = posix.join(folder, entry.name);
      if (entry.isDirectory()) {
        if (isVisibleFolder(entry.name)) folders.push(path);
      } else if (isPictureName(path) || (entry.isSymbolicLink() && isVisibleFolder(entry.name))) {
        files.push(path);
      }
    }
    for (let i = 0; i < files.length; i += STATS_AT_ONCE) {
      const looked = await Promise.all(files.slice(i, i + STATS_AT_ONCE).map((path) => look(root, path)));
      for (const result of looked) if (result) yield result;
    }
  }
}

async function readFolder(root: string, folder: string, onProblem: (error: unknown, folder: string) => void) {
  try {
    return await readdir(join(root, folder), { withFileTypes: true });
  } catch (error) {
    const isGone = ['ENOENT', 'ENOTDIR'].includes((error as NodeJS.ErrnoException).code ?? '');
    if (folder === '' && isGone) {
      throw new FlowDenoiseError(
        'BAD_OPTION',
        `${root}: the watched folder is gone; make it again and start again`,
        { cause: error },
      );
    }
    // A folder removed since it was listed is not a problem.
    if (!isGone) onProblem(error, folder);
    return [];
  }
}

/** Undefined if it is gone, or a pipe, socket or device. */
async function look(root: string, path: string): Promise<ScanResult | undefined> {
  const stats = await lstat(join(root, path)).catch(() => undefined);
  if (stats?.isSymbolicLink()) return { path, snapshot: undefined };
  return stats?.isFile() ? { path, snapshot: snapshotFrom(stats) } : undefined;
}
