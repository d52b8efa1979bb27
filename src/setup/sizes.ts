// How big and how long, in words.

import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { sum } from '../core/metrics/index.js';

/** What a folder's files hold together, in bytes. Links are not followed; a file with several names counts for each. */
export async function folderSize(folder: string): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  const files = entries.filter((entry) => entry.isFile());
  return sum(
    await Promise.all(files.map(async ({ parentPath, name }) => (await lstat(join(parentPath, name))).size)),
  );
}

export function sizeWords(bytes: number): string {
  if (bytes < 1e6) return `${Math.ceil(bytes / 1e3)} kB`;
  return bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

/** Starts a clock; what is returned tells the seconds since, in words. */
export function startClock(): () => string {
  const started = performance.now();
  return () => {
    const seconds = (performance.now() - started) / 1000;
    return seconds < 10 ? `${seconds.toFixed(1)} s` : `${Math.round(seconds)} s`;
  };
}
