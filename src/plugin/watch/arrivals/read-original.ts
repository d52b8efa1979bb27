// Reads an original: the whole file, and only the one that was waited for. Does not follow a link that has replaced it.
import { createHash } from 'node:crypto';
import { constants, open, realpath } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { isSameSnapshot, type Snapshot, snapshotFrom } from './snapshot.js';

export interface Original {
  readonly bytes: Buffer;
  /** SHA-256, hexadecimal. */
  readonly hash: string;
}

// O_NONBLOCK: do not wait for a pipe in the file's place. Windows has neither flag.
const FLAGS = constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0);

/**
 * @param root      the input folder, a real path
 * @param path      relative to it
 * @param snapshot  the file that was waited for
 * @returns         undefined if it is gone, has changed, or a link has moved it out of the folder
 * @throws          the system's error if it cannot be read
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
