// A shared folder as a queue's storage. Links are followed only if they lead to a place below the root.
import { hash } from 'node:crypto';
import { lstat, mkdir, readdir, realpath, rm, stat } from 'node:fs/promises';
import { basename, dirname, join, relative, resolve, sep } from 'node:path';
import { badOption, codeOf, FlowDenoiseError, messageOf } from '../../core/errors.js';
import {
  filesBelow,
  hashOfFile,
  isBelow,
  readRegularFile,
  refuseSpecialFile,
  writeFileAtomic,
} from '../../core/files.js';
import { printable } from '../../core/printable.js';
import { isSupportedExtension } from '../../image/index.js';
import { checkLength } from '../../plugin/encoded-picture.js';
import { checkPath, refuseMissing, refuseOutside, type Storage, type StoredPicture } from './storage.js';

/** @throws FlowDenoiseError BAD_OPTION if it is not a folder */
export async function openFolderStorage(folder: string): Promise<Storage> {
  const named = resolve(folder);
  const root = await realpath(named).catch(() => '');
  if (root === '' || !(await stat(root)).isDirectory()) {
    throw badOption(
      `Expected a folder for jobsDir but received ${printable(folder)}; make it, or mount it first`,
    );
  }
  const locationOf = (path: string) => join(named, path);

  /** The real path of an existing file. */
  async function placeOf(path: string): Promise<string> {
    checkPath(path);
    const place = await realpath(join(root, path)).catch((error: unknown) => {
      if (codeOf(error) === 'ENOENT') refuseMissing(locationOf(path), 'gone');
      throw unreachable(locationOf(path), error);
    });
    if (!isBelow(place, root)) refuseOutside(locationOf(path), named);
    return place;
  }

  /** The real path of a file to write; makes its folder. */
  async function newPlaceOf(path: string): Promise<string> {
    checkPath(path);
    const folder = dirname(join(root, path));
    // Resolve the part that exists, so that nothing is created through a link that leads out.
    let above = folder;
    while (!(await isThere(above))) above = dirname(above);
    const isInside = async (place: string) => {
      const real = await realpath(place);
      return real === root || isBelow(real, root);
    };
    if (!(await isInside(above))) refuseOutside(locationOf(path), named);
    await mkdir(folder, { recursive: true });
    if (!(await isInside(folder))) refuseOutside(locationOf(path), named);
    return join(folder, basename(path));
  }

  async function find(path: string): Promise<StoredPicture> {
    const place = await placeOf(path);
    await refuseSpecialFile(place, { name: locationOf(path) });
    const { hash: content, bytes } = await hashOfFile(place);
    return { path, content, bytes };
  }

  return {
    id: 'folder',
    shown: printable(named),
    locationOf,
    find,
    async *list(path) {
      const place = await placeOf(path);
      if (!(await stat(place)).isDirectory()) {
        yield await find(path);
        return;
      }
      for (const name of (await filesBelow(place)).sort())
        if (isSupportedExtension(name)) yield await find(`${path}/${name}`);
    },
    async read(path, { most, content, signal }) {
      const place = await placeOf(path);
      const { size } = await stat(place);
      checkLength(size, locationOf(path), most);
      const bytes = await readRegularFile(place, { signal, name: locationOf(path), code: 'BAD_IMAGE' }).catch(
        (error: unknown) => {
          signal?.throwIfAborted();
          throw error instanceof FlowDenoiseError ? error : unreachable(locationOf(path), error);
        },
      );
      if (content !== undefined && hash('sha256', bytes) !== content)
        refuseMissing(locationOf(path), 'changed');
      return bytes;
    },
    async write(path, bytes, { id, isAgain, keepsExisting, signal }) {
      const place = await newPlaceOf(path);
      if (keepsExisting && (await isThere(place))) return;
      const start = `.flow-denoise-${id}-`;
      const names = isAgain ? await readdir(dirname(place)) : [];
      for (const name of names)
        if (name.startsWith(start)) await rm(join(dirname(place), name), { force: true });
      // The name is unique: an earlier run that still writes cannot replace this file by its own.
      await writeFileAtomic(place, bytes, { signal, temporary: `${start}${process.pid}-${Date.now()}.tmp` });
    },
    async pathOf(location) {
      const absolute = resolve(location);
      const places = [
        [named, absolute],
        [root, absolute],
        [root, await realpath(absolute).catch(() => absolute)],
      ] as const;
      const inside = places.find(([above, place]) => isBelow(place, above));
      if (!inside) refuseOutside(location, named);
      const path = relative(inside[0], inside[1]).split(sep).join('/');
      checkPath(path);
      return path;
    },
    async exists(path) {
      checkPath(path);
      return isThere(join(root, path));
    },
    close() {},
  };
}

async function isThere(place: string): Promise<boolean> {
  return (await lstat(place).catch(() => undefined)) !== undefined;
}

/** The storage is at fault; another try may succeed. */
function unreachable(location: string, error: unknown): FlowDenoiseError {
  const message = `${printable(location)}: cannot be read (${messageOf(error)}). Check that the folder is mounted and may be read.`;
  return new FlowDenoiseError('STORAGE_FAILED', message, { cause: error });
}
