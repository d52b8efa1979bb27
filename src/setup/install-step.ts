// A step of an installation: makes a folder that is complete or absent, by renaming. Finished steps survive a later failure,
// so the next attempt continues after them.
import { mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const PARTIAL = '.partial-';
/** The specification of the step; written last. */
const SPEC_FILE = 'piece.txt';

/** A tool whose caller was killed may go on writing for a moment. */
const REMOVAL = { recursive: true, force: true, maxRetries: 10, retryDelay: 200 };

export async function isStepDone(folder: string, spec: string): Promise<boolean> {
  return (await readFile(join(folder, SPEC_FILE), 'utf8').catch(() => undefined)) === spec;
}

/**
 * Makes a folder, or replaces it. If `make` throws, nothing is left.
 *
 * @param make  fills an empty folder, which is renamed afterwards: it must not write absolute paths into it
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

/** Removes what killed attempts have left. Nobody else may be working in the folder. */
export async function removePartial(folder: string): Promise<void> {
  const names = await readdir(folder).catch(() => []);
  for (const name of names.filter((each) => each.includes(PARTIAL))) await rm(join(folder, name), REMOVAL);
}
