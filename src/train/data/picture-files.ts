// Finds the pictures of training folders, reads their sizes, and splits the files into training and validation.
import { createHash } from 'node:crypto';
import { realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { badImage, badOption, type FlowDenoiseError, messageOf } from '../../core/errors.js';
import { filesBelow, isBelow, refuseSpecialFile } from '../../core/files.js';
import type { Size } from '../../core/picture.js';
import { plural } from '../../core/printable.js';
import { DEFAULT_MAX_PIXELS, isPhotographExtension, supportedExtensions } from '../../image/index.js';
import { mapInOrder } from '../../tile/in-order.js';
import type { TrainingSettings } from '../options.js';

/** A file with a picture, or a contact sheet of several. Its size is that of the upright picture. */
export interface PictureFile extends Size {
  /** Path below the folder, with forward slashes. */
  readonly name: string;
  readonly path: string;
  readonly bytes: number;
}

export interface SkippedFile {
  readonly path: string;
  readonly reason: string;
}

export interface FoundPictures {
  readonly folder: string;
  /** By name. Either part may have too few. */
  readonly training: readonly PictureFile[];
  readonly validation: readonly PictureFile[];
  /** Too small for a crop, or for one tile of a contact sheet. */
  readonly tooSmall: readonly PictureFile[];
  readonly unreadable: readonly SkippedFile[];
  /** Whether subfolders define the split into training and validation. */
  readonly isDivided: boolean;
}

export interface PictureSearch extends Pick<TrainingSettings, 'folders' | 'crop' | 'sheetTile'> {
  readonly signal?: AbortSignal | undefined;
}

/** If both subfolders exist, they are the split. */
const TRAIN = 'train/';
const VALIDATION = 'validation/';
const VALIDATION_SHARE = 0.05;
/** Headers are a few hundred bytes each; this many parallel reads hide the disk's latency. */
const LOOKS_AT_ONCE = 8;

/**
 * Finds the pictures of each folder.
 *
 * @throws  FlowDenoiseError BAD_OPTION (no such folder; a folder in another; no picture, or only too small ones),
 *          BAD_IMAGE (none can be read); the signal's reason
 */
export async function findPictures(search: PictureSearch): Promise<FoundPictures[]> {
  const { folders, crop, sheetTile = crop } = search;
  if (sheetTile < crop)
    throw badOption(
      `Expected pictures of at least ${crop} pixels, the size of a crop, on the contact sheets but received ${sheetTile}`,
    );
  for (const folder of folders) {
    const status = await stat(folder).catch(() => undefined);
    if (!status?.isDirectory())
      throw badOption(`Expected a folder with pictures but found no folder ${folder}`);
  }
  await refuseOverlap(folders);
  const found: FoundPictures[] = [];
  for (const folder of folders) found.push(await findInFolder(folder, search));
  return found;
}

/** A picture that came twice would count twice, and could be both trained on and validated with. */
async function refuseOverlap(folders: readonly string[]): Promise<void> {
  const places = await Promise.all(folders.map((folder) => realpath(folder)));
  for (const [i, place] of places.entries()) {
    const j = places.findIndex((other, j) => i !== j && (place === other || isBelow(place, other)));
    if (j === -1) continue;
    const relation = place === places[j] ? 'the same folder as' : 'inside';
    throw badOption(
      `Expected folders that share no pictures but received ${folders[i]}, which is ${relation} ${folders[j]}; pass only one of them`,
    );
  }
}

async function findInFolder(
  folder: string,
  { crop, sheetTile, signal }: PictureSearch,
): Promise<FoundPictures> {
  const names = (await filesBelow(folder)).filter(isPhotographExtension).sort();
  const parts = [TRAIN, VALIDATION];
  const isDivided = parts.every((part) => names.some((name) => name.startsWith(part)));
  const wanted = isDivided ? names.filter((name) => parts.some((part) => name.startsWith(part))) : names;
  if (wanted.length === 0)
    throw badOption(
      `${folder}: found no picture; looked for ${supportedExtensions.join(' ')}, in subfolders too`,
    );

  const side = sheetTile ?? crop;
  const good: PictureFile[] = [];
  const tooSmall: PictureFile[] = [];
  const unreadable: SkippedFile[] = [];
  for await (const look of mapInOrder(wanted, LOOKS_AT_ONCE, (name) => lookAt(folder, name))) {
    signal?.throwIfAborted();
    if ('reason' in look) unreadable.push(look);
    else if (sideOf(look) < side) tooSmall.push(look);
    else good.push(look);
  }
  if (good.length === 0) throw nothingLeft(folder, side, tooSmall, unreadable);
  const kept = new Set(
    isDivided
      ? good.filter(({ name }) => name.startsWith(VALIDATION))
      : lowest(good, sheetTile !== undefined),
  );
  return {
    folder,
    training: good.filter((file) => !kept.has(file)),
    validation: good.filter((file) => kept.has(file)),
    tooSmall,
    unreadable,
    isDivided,
  };
}

async function lookAt(folder: string, name: string): Promise<PictureFile | SkippedFile> {
  const path = join(folder, name);
  try {
    await refuseSpecialFile(path);
    const { size } = await stat(path);
    const { autoOrient, pages = 1 } = await sharp(path, { limitInputPixels: false }).metadata();
    const { width, height } = autoOrient;
    if (pages > 1) return { path, reason: `it has ${pages} pages` };
    if (width * height > DEFAULT_MAX_PIXELS)
      return { path, reason: `its ${width} x ${height} pixels are more than ${DEFAULT_MAX_PIXELS}` };
    return { name, path, width, height, bytes: size };
  } catch (error) {
    return { path, reason: firstLine(error) };
  }
}

/** sharp's messages may have a line for every part of the decoder that failed. */
export function firstLine(error: unknown): string {
  return messageOf(error).trim().split('\n')[0] ?? '';
}

/**
 * The files to keep for validation: those whose names hash lowest, at least one and never all. A name alone decides (except
 * in a folder with few files), so that new pictures do not move others.
 */
function lowest(files: readonly PictureFile[], isSheets: boolean): PictureFile[] {
  const wanted = files.filter(({ name }) => placeOf(name) < VALIDATION_SHARE).length;
  return byPlace(files).slice(0, Math.max(1, Math.min(wanted, files.length - leastTraining(isSheets))));
}

/** A contact sheet holds many pictures, so one is enough to train on. */
const leastTraining = (isSheets: boolean) => (isSheets ? 1 : 2);

/** In an order that depends on the hashes of the names. */
export function byPlace(files: readonly PictureFile[]): PictureFile[] {
  const places = files.map((file) => ({ file, place: placeOf(file.name) }));
  return places.sort((a, b) => a.place - b.place).map(({ file }) => file);
}

/** A number in [0, 1) that depends on the name only. */
function placeOf(name: string): number {
  return createHash('sha256').update(name).digest().readUInt32LE(0) / 2 ** 32;
}

/** A hash over the files' names and lengths, by which a resumed training sees whether its folders have changed. */
export function hashOfFiles(found: readonly FoundPictures[]): string {
  const hash = createHash('sha256');
  for (const { name, bytes } of found.flatMap(({ training, validation }) => [...training, ...validation]))
    hash.update(`${name}\n${bytes}\n`);
  return hash.digest('hex');
}

/** @throws  FlowDenoiseError BAD_OPTION if a folder has too few pictures to train on */
export function refuseTooFew(
  { folder, training, validation, tooSmall, unreadable }: FoundPictures,
  isSheets: boolean,
): void {
  const least = leastTraining(isSheets);
  if (training.length >= least && validation.length > 0) return;
  const noun = isSheets ? 'contact sheet' : 'picture';
  const skipped = tooSmall.length + unreadable.length;
  const left = skipped > 0 ? ` (${skipped} more are too small or cannot be read)` : '';
  throw badOption(
    `${folder}: found ${plural(training.length + validation.length, noun)}${left}, ${training.length} to train on and ${validation.length} ` +
      `for validation, which is too few: expected at least ${plural(least, noun)} to train on and 1 for validation, and hundreds ` +
      'for a prior that is of use. Put more pictures there.',
  );
}

function nothingLeft(
  folder: string,
  side: number,
  tooSmall: readonly PictureFile[],
  unreadable: readonly SkippedFile[],
): FlowDenoiseError {
  const [largest] = [...tooSmall].sort((a, b) => sideOf(b) - sideOf(a));
  if (largest !== undefined)
    return badOption(
      `${folder}: none of its ${tooSmall.length} pictures has ${side} x ${side} pixels, the size of a crop; the largest, ` +
        `${largest.name}, has ${largest.width} x ${largest.height}. Take larger pictures, or a smaller crop.`,
    );
  const [first] = unreadable;
  return badImage(
    `${folder}: none of its ${unreadable.length} pictures can be read (${first?.path}: ${first?.reason}). Expected PNG, JPEG, ` +
      'WebP or TIFF files; copy or export them again.',
  );
}

/** The error if files with good headers turn out to be damaged, all of them. */
export function noneDecodable(folders: readonly string[], files: number): FlowDenoiseError {
  return badImage(
    `${folders.join(', ')}: none of the ${files} pictures can be decoded, or there is nothing on any. Expected whole files; copy or export them again.`,
  );
}

function sideOf({ width, height }: Size): number {
  return Math.min(width, height);
}
