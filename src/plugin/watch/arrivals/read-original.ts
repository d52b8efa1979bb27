// Reading an original: whole, and only the file that was waited for. Not following a link that has taken its place.
import { createHash } from 'node:crypto';
import { constants, open, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isSameSnapshot, type Snapshot, snapshotFrom } from './snapshot.js';

export interface Original {
  readonly bytes: Buffer;
  /** SHA-256, hexadecimal. */
  readonly hash: string;
}

// A pipe in the file's place is not waited for. Windows has neither flag.
const FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/**
 * Reads an original.
 *
 * @param root      the input folder, a real path
 * @param path      relative to it
 * @param snapshot  what it looked like while it was waited for
 * @returns         undefined where it has gone, changed, or been moved out of the folder by a link
 * @throws          the system's error when it cannot be read
 */
export async function readOriginal(
  root: string,
  path: string,
  snapshot: Snapshot,
): Promise<Original | undefined> {
  const file = join(root, path);
  const folder = dirname(file);
  const real = await realpath(folder).catch(() => undefined);
  if (real !== folder) return undefined;
  const handle = await open(file, FLAGS).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT' || error.code === 'ELOOP') return undefined;
    throw error;
  });
  if (handle === undefined) return undefined;
  try {
    if (!isSameSnapshot(snapshotFrom(await handle.stat()), snapshot)) return undefined;
    const bytes = await handle.readFile();
    if (!isSameSnapshot(snapshotFrom(await handle.stat()), snapshot)) return undefined;
    return { bytes, hash: createHash('sha256').update(bytes).digest('hex') };
  } finally {
    await handle.close();
  }
}
