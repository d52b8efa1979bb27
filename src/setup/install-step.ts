// A piece of an installation: a folder that is whole or absent, made beside and renamed. Pieces survive a later
// failure, so the next attempt goes on from them.
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const PARTIAL = '.partial-';
/** Says what the piece was made from; written last. */
const SPEC_FILE = 'piece.txt';

/** A tool whose caller was killed may write for a moment longer. */
const REMOVAL = { recursive: true, force: true, maxRetries: 10, retryDelay: 200 };

/** Whether the folder is a whole piece made to this specification. */
export async function isStepDone(folder: string, spec: string): Promise<boolean> {
  return (await readFile(join(folder, SPEC_FILE), 'utf8').catch(() => undefined)) === spec;
}

/**
 * Makes a piece; one that is there is replaced. Nothing is left of it when `make` throws.
 *
 * @param make  fills an empty folder whose name will change: what it writes holds no absolute path into it
 */
export async function makeStep(
  folder: string,
  spec: string,
  make: (partial: string) => Promise<void>,
): Promise<void> {
  const partial = `${folder}${PARTIAL}${process.pid}`;
  await mkdir(partial, { recursive: true });
  try {
    await make(partial);
    await writeFile(join(partial, SPEC_FILE), spec);
    await rm(folder, { recursive: true, force: true });
    await rename(partial, folder);
  } finally {
    await rm(partial, REMOVAL);
  }
}

/** Removes what killed attempts have left. Nobody else may be at work in the folder. */
export async function removePartial(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names.filter((each) => each.includes(PARTIAL))) await rm(join(folder, name), REMOVAL);
}
