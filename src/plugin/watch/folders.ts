// Finds the real paths of the two folders, and checks that neither is inside the other.
import { mkdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { badOption } from '../../core/errors.js';
import { fileId, orWriteFailed } from '../../core/files.js';

/** Our folder in each of them. */
export const STATE_FOLDER = '.flow-denoise';

export interface Folders {
  /** Real, absolute. */
  readonly input: string;
  readonly output: string;
}

/**
 * Finds the folders and makes the output folder.
 *
 * @throws  FlowDenoiseError BAD_OPTION if the input is not a folder, or one contains or is the other, also through links;
 *          WRITE_FAILED if the output folder cannot be made
 */
export async function openFolders(input: string, output: string): Promise<Folders> {
  const status = await stat(input).catch(() => undefined);
  if (!status?.isDirectory()) {
    throw badOption(
      `Expected a folder for input but received '${input}', which is ${status === undefined ? 'not there' : 'no folder'}`,
    );
  }
  const realInput = await realpath(input);
  const wanted = await realpathOfNew(resolve(output));
  if ((await isInside(wanted, realInput)) || (await isInside(realInput, wanted))) {
    throw badOption(
      `Expected separate folders for input and output but received '${input}' and '${output}' ` +
        `(${realInput} and ${wanted}), one inside the other; results would be taken as new pictures`,
    );
  }
  await orWriteFailed(output, 'the folder could not be made', () => mkdir(wanted, { recursive: true }));
  return { input: realInput, output: wanted };
}

/** The real path of something that may not exist yet. */
async function realpathOfNew(path: string): Promise<string> {
  const real = await realpath(path).catch(() => undefined);
  if (real !== undefined) return real;
  const parent = dirname(path);
  return parent === path ? path : join(await realpathOfNew(parent), basename(path));
}

/**
 * Whether `path` is `folder` or lies below it. Compares device and inode too, since letter case and bind mounts give one
 * folder several names.
 */
export async function isInside(path: string, folder: string): Promise<boolean> {
  const id = (await fileId(folder))?.id;
  for (let each = path; ; each = dirname(each)) {
    if (each === folder || (id !== undefined && (await fileId(each))?.id === id)) return true;
    if (dirname(each) === each) return false;
  }
}
