// The pair of folders: where they really are, and that neither lies inside the other.
import { mkdir, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { FlowDenoiseError, messageOf } from '../../core/errors.js';

/** The folder of ours in each of them. */
export const STATE_FOLDER = '.flow-denoise';

export interface Folders {
  /** Real, absolute. */
  readonly input: string;
  readonly output: string;
}

/**
 * Finds the folders and makes the output folder.
 *
 * @throws  FlowDenoiseError BAD_OPTION when the input is no folder, or one lies inside the other or is the other,
 *          whatever links lead there; WRITE_FAILED when the output folder cannot be made
 */
export async function openFolders(input: string, output: string): Promise<Folders> {
  const status = await stat(input).catch(() => undefined);
  if (!status?.isDirectory()) {
    throw new FlowDenoiseError(
      'BAD_OPTION',
      `Expected a folder for input but received '${input}', which is ${status === undefined ? 'not there' : 'no folder'}`,
    );
  }
  const realInput = await realpath(input);
  const wanted = await realpathOfNew(resolve(output));
  if ((await isInside(wanted, realInput)) || (await isInside(realInput, wanted))) {
    throw new FlowDenoiseError(
      'BAD_OPTION',
      `Expected two folders apart for input and output but received '${input}' and '${output}' ` +
        `(${realInput} and ${wanted}), of which one holds the other: what is written would be taken again`,
    );
  }
  try {
    await mkdir(wanted, { recursive: true });
  } catch (error) {
    throw new FlowDenoiseError(
      'WRITE_FAILED',
      `${output}: the folder could not be made (${messageOf(error)})`,
      {
        cause: error,
      },
    );
  }
  return { input: realInput, output: wanted };
}

/** The real path that something has, or will have once it is made. */
async function realpathOfNew(path: string): Promise<string> {
  const real = await realpath(path).catch(() => undefined);
  if (real !== undefined) return real;
  const parent = dirname(path);
  return parent === path ? path : join(await realpathOfNew(parent), basename(path));
}

/**
 * Whether `path` is `folder` or lies below it. Compared by device and inode too, so that letter case and bind mounts
 * cannot hide that two names are one folder.
 */
export async function isInside(path: string, folder: string): Promise<boolean> {
  const id = await folderId(folder);
  for (let each = path; ; each = dirname(each)) {
    if (each === folder || (id !== undefined && (await folderId(each)) === id)) return true;
    if (dirname(each) === each) return false;
  }
}

async function folderId(path: string): Promise<string | undefined> {
  const status = await stat(path, { bigint: true }).catch(() => undefined);
  return status && `${status.dev}:${status.ino}`;
}
