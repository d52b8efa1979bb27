// What a file looked like when it was looked at: enough to see that it has been written to or replaced since.
import type { Stats } from 'node:fs';
import { lstat } from 'node:fs/promises';

export interface Snapshot {
  readonly size: number;
  readonly mtimeMs: number;
  readonly ino: number;
}

/** The snapshot of a file; undefined where there is none, or something that is no regular file (a link, a pipe). */
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
