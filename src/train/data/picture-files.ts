// Finds the pictures of training folders, reads their sizes, and splits the files into training and validation.
import { createHash } from 'node:crypto';
import { realpath, stat } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { badOption, FlowDenoiseError, messageOf } from '../../core/errors.js';
import { filesBelow, isBelow, refuseSpecialFile } from '../../core/files.js';
import { DEFAULT_MAX_PIXELS, isPhotographExtension, supportedExtensions } from '../../image/index.js';
import { mapInOrder } from '../../tile/in-order.js';

/** A file with a picture, or a contact sheet of several. */
export interface PictureFile {
  /** Path below the folder, with forward slashes. */
  readonly name: string;
  readonly path: string;
  /** Size of the upright picture, pixels. */
  readonly width: number;
  readonly height: number;
  readonly bytes: number;
}

export interface SkippedFile {
  readonly path: string;
  readonly reason: string;
}

export interface FoundPictures {
  readonly folder: string;
  /** By name. */
  readonly good: readonly PictureFile[];
  /** Too small for a crop, or for one tile of a contact sheet. */
  readonly tooSmall: readonly PictureFile[];
  readonly unreadable: readonly SkippedFile[];
  /** Whether subfolders define the split into training and validation. */
  readonly isDivided: boolean;
}

export interface DividedPictures {
  readonly training: readonly PictureFile[];
  readonly validation: readonly PictureFile[];
}

interface Division {
  /** Whether a file holds many pictures; then one file is enough to train on. */
  readonly isSheets: boolean;
  readonly validationShare: number;
}

/** If both subfolders exist, they are the split. */
const TRAIN = 'train';
const VALIDATION = 'validation';

/** Headers are a few hundred bytes each; this many parallel reads hide the disk's latency. */
const LOOKS_AT_ONCE = 8;

/**
 * Finds the pictures of each folder.
 *
 * @param side  the least width and height, pixels
 * @throws      FlowDenoiseError BAD_OPTION (no such folder; a folder in another; no picture, or only too small ones),
 *              BAD_IMAGE (none can be read); the signal's reason
 */
export async function findPictures(
  folders: readonly string[],
  side: number,
  signal?: AbortSignal | undefined,
): Promise<FoundPictures[]> {
  for (const folder of folders) {
    const status = await stat(folder).catch(() => undefined);
    if (!status?.isDirectory())
      throw badOption(`Expected a folder with pictures but found no folder ${folder}`);
  }
  await refuseOverlap(folders);
  const found: FoundPictures[] = [];
  for (const folder of folders) found.push(await findInFolder(folder, side, signal));
  return found;
}

/** A picture that came twice would count twice, and could be both trained on and validated with. */
async function refuseOverlap(folders: readonly string[]): Promise<void> {
  const places = await Promise.all(folders.map((folder) => realpath(folder)));
  for (const [i, place] of places.entries())
    for (const [j, other] of places.entries())
      if (i !== j && (place === other || isBelow(place, other)))
        throw badOption(
          `Expected folders that share no pictures but received ${folders[i]}, which is ${place === other ? 'the same folder as' : 'inside'} ${folders[j]}; pass only one of them`,
        );
}

async function findInFolder(
  folder: string,
  side: number,
  signal: AbortSignal | undefined,
): Promise<FoundPictures> {
  const names = (await filesBelow(folder)).filter(isPhotographExtension).sort();
  const isDivided = [TRAIN, VALIDATION].every((part) => names.some((name) => name.startsWith(`${part}/`)));
  const wanted = isDivided ? names.filter((name) => /^(?:train|validation)\//.test(name)) : names;
  if (wanted.length === 0)
    throw badOption(
      `${folder}: found no picture; looked for ${supportedExtensions.join(' ')}, in subfolders too`,
    );

  const good: PictureFile[] = [];
  const tooSmall: PictureFile[] = [];
  const unreadable: SkippedFile[] = [];
  for await (const look of mapInOrder(wanted, LOOKS_AT_ONCE, (name) => lookAt(folder, name, signal))) {
    if ('reason' in look) unreadable.push(look);
    else if (sideOf(look) < side) tooSmall.push(look);
    else good.push(look);
  }
  if (good.length === 0) throw nothingLeft(folder, side, tooSmall, unreadable);
  return { folder, good, tooSmall, unreadable, isDivided };
}

/**
 * Splits pictures by file. A file's name alone decides (except in a folder with few files), so that new pictures do not move
 * others. Subfolders `train` and `validation`, if both exist, are the split. Either part may be too small.
 */
export function dividePictures({ good, isDivided }: FoundPictures, division: Division): DividedPictures {
  return isDivided ? dividedByFolder(good) : dividedByName(good, division);
}

/** @throws  FlowDenoiseError BAD_OPTION if a folder has too few pictures to train on */
export function refuseTooFew(
  { folder, tooSmall, unreadable, isDivided }: FoundPictures,
  { training, validation }: DividedPictures,
  { isSheets }: Division,
): void {
  const [least, noun] = isSheets ? [1, 'contact sheet'] : [2, 'picture'];
  if (training.length >= least && validation.length > 0) return;
  const count = isDivided
    ? `${training.length} in ${TRAIN} and ${validation.length} in ${VALIDATION}`
    : `${training.length + validation.length}`;
  const skipped = tooSmall.length + unreadable.length;
  const left = skipped > 0 ? ` (${skipped} more are too small or cannot be read)` : '';
  throw badOption(
    `${folder}: found ${count}${left}, which is too few: expected at least ${least} ${noun}${least > 1 ? 's' : ''} to train on ` +
      'and 1 for validation, and hundreds for a prior that is of use. Put more pictures there.',
  );
}

/** A hash over the files' names and lengths, by which a resumed training sees whether its folders have changed. */
export function hashOfFiles(folders: readonly DividedPictures[]): string {
  const hash = createHash('sha256');
  const files = folders.flatMap(({ training, validation }) => [...training, ...validation]);
  for (const { name, bytes } of files) hash.update(`${name}\n${bytes}\n`);
  return hash.digest('hex');
}

async function lookAt(
  folder: string,
  name: string,
  signal: AbortSignal | undefined,
): Promise<PictureFile | SkippedFile> {
  signal?.throwIfAborted();
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

function dividedByFolder(files: readonly PictureFile[]): DividedPictures {
  const below = (part: string) => files.filter(({ name }) => name.startsWith(`${part}/`));
  return { training: below(TRAIN), validation: below(VALIDATION) };
}

/** Keeps the files whose names hash lowest for validation: at least one, and never all. */
function dividedByName(
  files: readonly PictureFile[],
  { validationShare, isSheets }: Division,
): DividedPictures {
  const wanted = files.filter(({ name }) => placeOf(name) < validationShare).length;
  const count = Math.max(1, Math.min(wanted, files.length - (isSheets ? 1 : 2)));
  const kept = new Set(byPlace(files).slice(0, count));
  return {
    training: files.filter((file) => !kept.has(file)),
    validation: files.filter((file) => kept.has(file)),
  };
}

/** In an order that depends on the hashes of the names. */
export function byPlace(files: readonly PictureFile[]): PictureFile[] {
  const places = new Map(files.map((file) => [file, placeOf(file.name)]));
  const place = (file: PictureFile): number => places.get(file) ?? 0;
  return [...files].sort((a, b) => place(a) - place(b));
}

/** A number in [0, 1) that depends on the name only. */
function placeOf(name: string): number {
  return createHash('sha256').update(name).digest().readUInt32LE(0) / 2 ** 32;
}

function nothingLeft(
  folder: string,
  side: number,
  tooSmall: readonly PictureFile[],
  unreadable: readonly SkippedFile[],
): FlowDenoiseError {
  const [first] = unreadable;
  if (tooSmall.length === 0 && first !== undefined)
    return new FlowDenoiseError(
      'BAD_IMAGE',
      `${folder}: none of its ${unreadable.length} pictures can be read (${first.path}: ${first.reason}). Expected PNG, JPEG, ` +
        'WebP or TIFF files; copy or export them again.',
    );
  const largest = tooSmall.reduce(
    (best, file) => (sideOf(file) > sideOf(best) ? file : best),
    tooSmall[0] as PictureFile,
  );
  return badOption(
    `${folder}: none of its ${tooSmall.length} pictures has ${side} x ${side} pixels, the size of a crop; the largest, ` +
      `${largest.name}, has ${largest.width} x ${largest.height}. Take larger pictures, or a smaller crop.`,
  );
}

function sideOf({ width, height }: PictureFile): number {
  return Math.min(width, height);
}
