// What identifies a file's state: enough to notice that it was written to or replaced.
import type { Stats } from 'node:fs';
import { lstat } from 'node:fs/promises';

export interface Snapshot {
  readonly size: number;
  readonly mtimeMs: number;
  readonly ino: number;
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
