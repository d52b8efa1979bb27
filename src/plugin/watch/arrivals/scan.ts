// Every picture below a folder, by walking it. Events can be lost (a queue of the system's overflows; chokidar #1471);
// a walk forgets nothing.
import { lstat, readdir } from 'node:fs/promises';
import { join, posix } from 'node:path';
import { FlowDenoiseError } from '../../../core/errors.js';
import { isPictureName, isVisibleFolder } from '../names.js';
import { type Snapshot, snapshotFrom } from './snapshot.js';

const STATS_AT_ONCE = 32;

export interface ScanResult {
  /** Relative to the root, with forward slashes. */
  readonly path: string;
  /** Undefined for a symbolic link, which is not followed. */
  readonly snapshot: Snapshot | undefined;
}

/**
 * Walks a folder. Symbolic links are named, never followed: they may lead out of the folder, or in circles.
 *
 * @param below      where to begin, relative to the root
 * @param onProblem  takes why a folder could not be read; the walk goes on beside it
 * @throws           FlowDenoiseError BAD_OPTION when the root has gone
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
    // A folder that has gone since it was listed is no problem.
    if (!isGone) onProblem(error, folder);
    return [];
  }
}

/** Undefined for what has gone, and for pipes, sockets and devices. */
async function look(root: string, path: string): Promise<ScanResult | undefined> {
  const stats = await lstat(join(root, path)).catch(() => undefined);
  if (stats?.isSymbolicLink()) return { path, snapshot: undefined };
  return stats?.isFile() ? { path, snapshot: snapshotFrom(stats) } : undefined;
}
