// Crops of a folder's pictures, made ahead of use. A step's crops follow from the folder, the options and the step's
// number alone.
import { badOption, FlowDenoiseError } from '../../core/errors.js';
import { sum } from '../../core/metrics/index.js';
import type { Region } from '../../core/picture.js';
import {
  drawBelow,
  generatorFor,
  openVisits,
  placeOfCrop,
  validationCrops,
  visitOrder,
} from './crop-order.js';
import { cutCrop, isEmpty, MIRROR, type RgbPicture, SYMMETRIES, tileAt, tilesOf } from './cut-crop.js';
import { decodedBytes, openDecodedPictures } from './decoded-pictures.js';
import {
  type DividedPictures,
  dividePictures,
  type FoundPictures,
  findPictures,
  hashOfFiles,
  type PictureFile,
  refuseTooFew,
  type SkippedFile,
} from './picture-files.js';

/** Crops by the number of the step, so that whoever goes on at a step gets what nobody interrupted would have got. */
export interface CropSource {
  /** Pictures (tiles, of contact sheets) that are trained on, and those kept for validation; apart by file. */
  readonly pictures: number;
  readonly validationPictures: number;
  /** What the model card says of the data: counts, and a hash over names and lengths of the files. */
  readonly description: Readonly<Record<string, string | number>>;
  /**
   * The crops of a step, a function of seed and step. Decoded ahead; asking for another step than the next is slower.
   *
   * @param step  from 0
   * @returns     [batch, size, size, 3], 8-bit RGB, flipped and turned by quarters at random
   */
  batch(step: number): Promise<Uint8Array>;
  /** The first crops of the validation pictures, always the same, from their middles: [count, size, size, 3]. */
  validation(count: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** How a crop may lie: any quarter turn, mirrored or not; mirrored left-right or not; as it is. */
export const AUGMENTATIONS = ['all', 'mirror', 'none'] as const;
export type Augmentation = (typeof AUGMENTATIONS)[number];

export interface CropOptions {
  /** PNG, JPEG, WebP and TIFF pictures at any depth. */
  readonly folder: string;
  /** Side of a crop, pixels. */
  readonly size: number;
  /** Crops of a step. */
  readonly batch: number;
  /** A whole number. */
  readonly seed: number;
  /** The part of the files that is kept for validation; VALIDATION_SHARE unless given. */
  readonly validationShare?: number | undefined;
  /** The files are contact sheets of pictures of this side, pixels, edge to edge; places of one colour are empty. */
  readonly sheetTile?: number | undefined;
  /** 'all' unless given, for contact sheets 'mirror': what is collected on sheets mostly has an up and a down. */
  readonly augment?: Augmentation | undefined;
  /** Bytes of decoded pictures that stay in memory; 256 MiB unless given. Crops hang on whether all have room. */
  readonly cacheBytes?: number | undefined;
  /** Takes every file that is left out because it cannot be read: at the start, or when its turn comes. */
  readonly onSkipped?: ((file: SkippedFile) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Of the files, kept for validation. */
export const VALIDATION_SHARE = 0.05;
const DEFAULT_CACHE_BYTES = 256 * 2 ** 20;
/** Steps whose crops are made before they are asked for. */
const STEPS_AHEAD = 8;
/** Where not all pictures have room decoded: one crop for so many pixels of the average picture, up to the most. */
const PIXELS_PER_TAKE = 512 * 512;
const MOST_TAKES = 16;

/** What one visit is of: a file, or every `parts`-th tile of a contact sheet. */
interface Unit {
  readonly file: PictureFile;
  readonly part: number;
  readonly parts: number;
}

/**
 * Opens a folder's pictures as crops for training. If not all pictures fit into memory decoded, several crops are taken
 * of each at once and used in later steps, because decoding a large photograph costs more than a step.
 *
 * @throws  FlowDenoiseError BAD_OPTION (no such folder; too few pictures, or too small ones), BAD_IMAGE (none can be
 *          read); the signal's reason. So does `batch`, once nothing is left that can be decoded.
 */
export async function openCrops(options: CropOptions): Promise<CropSource> {
  const { size, batch, seed, sheetTile, signal, onSkipped = () => {} } = options;
  if (sheetTile !== undefined && sheetTile < size)
    throw badOption(
      `Expected pictures of at least ${size} pixels, the size of a crop, on the contact sheets but received ${sheetTile}`,
    );
  const found = await findPictures(options.folder, sheetTile ?? size, signal);
  const division = {
    isSheets: sheetTile !== undefined,
    validationShare: options.validationShare ?? VALIDATION_SHARE,
  };
  const files = dividePictures(found, division);
  refuseTooFew(options.folder, found, files, division);
  for (const file of found.unreadable) onSkipped(file);

  const augment = options.augment ?? (sheetTile === undefined ? 'all' : 'mirror');
  const symmetries = { all: SYMMETRIES, mirror: MIRROR + 1, none: 1 }[augment];
  const cacheBytes = options.cacheBytes ?? DEFAULT_CACHE_BYTES;
  const takes = takesOf(files.training, cacheBytes);
  const units = files.training.flatMap((file) => unitsOf(file, takes, sheetTile));
  const order = visitOrder(units.length, seed);
  const decoded = openDecodedPictures(cacheBytes, onSkipped);
  const visits = new Map<number, Promise<readonly Uint8Array[]>>();
  const batches = new Map<number, Promise<Uint8Array>>();
  let isClosed = false;

  function check(): void {
    signal?.throwIfAborted();
    if (isClosed)
      throw new FlowDenoiseError(
        'CLOSED',
        `${options.folder}: its crops were asked for after they were closed`,
      );
  }

  /** All crops of one visit; of the next unit in order where this one cannot be read. */
  async function makeVisit(visit: number): Promise<readonly Uint8Array[]> {
    for (let further = 0; further < units.length; further++) {
      const unit = units[order(visit, further)] as Unit;
      const picture = await decoded.get(unit.file);
      check();
      const regions = picture && regionsOf(picture, unit, takes, sheetTile);
      if (picture === undefined || regions === undefined) continue;
      const generator = generatorFor(seed, 'visit', visit);
      return regions.map(({ left, top, width, height }) => {
        const x = left + drawBelow(generator, width - size + 1);
        const y = top + drawBelow(generator, height - size + 1);
        return cutCrop(picture, x, y, size, drawBelow(generator, symmetries));
      });
    }
    throw noneReadable(options.folder, files.training.length);
  }

  async function makeBatch(step: number): Promise<Uint8Array> {
    const crops = await Promise.all(
      Array.from({ length: batch }, async (_, index) => {
        const { visit, take } = placeOfCrop(step * batch + index, takes);
        const made = await remembered(
          visits,
          visit,
          makeVisit,
          openVisits(takes) + batch * (STEPS_AHEAD + 2),
        );
        return made[take] as Uint8Array;
      }),
    );
    return joined(crops);
  }

  return {
    pictures: countOf(files.training, sheetTile),
    validationPictures: countOf(files.validation, sheetTile),
    description: descriptionOf(found, files, sheetTile, augment),
    async batch(step) {
      check();
      for (let ahead = 0; ahead <= STEPS_AHEAD; ahead++)
        remembered(batches, step + ahead, makeBatch, STEPS_AHEAD + 2);
      return (await remembered(batches, step, makeBatch, STEPS_AHEAD + 2)).slice();
    },
    async validation(count) {
      check();
      const crops = validationCrops(files.validation, decoded.get, size, sheetTile);
      const made: Uint8Array[] = [];
      for await (const crop of crops) if (made.push(crop) === count) return joined(made);
      throw noneReadable(options.folder, files.validation.length);
    },
    async close() {
      isClosed = true;
      await decoded.close();
    },
  };
}

/**
 * Returns the value of a key, and makes it the first time. Keeps at most `most` values and drops the oldest. Only callers
 * that await the value see its failure.
 */
function remembered<Value>(
  known: Map<number, Promise<Value>>,
  key: number,
  make: (key: number) => Promise<Value>,
  most: number,
): Promise<Value> {
  const value = known.get(key) ?? make(key);
  value.catch(() => {});
  known.set(key, value);
  for (const [first] of known) {
    if (known.size <= most) break;
    known.delete(first);
  }
  return value;
}

/** Crops that are taken of a picture each time that it is decoded. */
function takesOf(files: readonly PictureFile[], cacheBytes: number): number {
  const pixels = sum(files.map(({ width, height }) => width * height));
  if (decodedBytes({ width: pixels, height: 1 }) <= cacheBytes) return 1;
  return Math.min(MOST_TAKES, Math.max(1, Math.ceil(pixels / files.length / PIXELS_PER_TAKE)));
}

function unitsOf(file: PictureFile, takes: number, sheetTile: number | undefined): Unit[] {
  const parts = sheetTile === undefined ? 1 : Math.ceil(tilesOf(file, sheetTile) / takes);
  return Array.from({ length: parts }, (_, part) => ({ file, part, parts }));
}

/** Where a visit's crops are taken, one region for each; undefined for a contact sheet with nothing on it. */
function regionsOf(
  picture: RgbPicture,
  { part, parts }: Unit,
  takes: number,
  sheetTile: number | undefined,
): Region[] | undefined {
  const { width, height } = picture;
  if (sheetTile === undefined)
    return Array.from({ length: takes }, () => ({ left: 0, top: 0, width, height }));
  const tiles = tilesOf(picture, sheetTile);
  const regions: Region[] = [];
  for (let take = 0; take < takes; take++) {
    const first = part + take * parts;
    // An empty place is stood in for by the next that is not.
    for (let further = 0; regions.length <= take; further++) {
      if (further === tiles) return undefined;
      const region = tileAt(width, sheetTile, (first + further) % tiles);
      if (!isEmpty(picture, region)) regions.push(region);
    }
  }
  return regions;
}

function countOf(files: readonly PictureFile[], sheetTile: number | undefined): number {
  return sheetTile === undefined ? files.length : sum(files.map((file) => tilesOf(file, sheetTile)));
}

function descriptionOf(
  { tooSmall, unreadable }: FoundPictures,
  { training, validation }: DividedPictures,
  sheetTile: number | undefined,
  augment: Augmentation,
): CropSource['description'] {
  return {
    pictures: countOf(training, sheetTile),
    validationPictures: countOf(validation, sheetTile),
    files: training.length,
    validationFiles: validation.length,
    ...(sheetTile !== undefined && { sheetTile }),
    augment,
    tooSmall: tooSmall.length,
    unreadable: unreadable.length,
    hash: hashOfFiles([...training, ...validation]),
  };
}

function joined(crops: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(sum(crops.map(({ length }) => length)));
  let offset = 0;
  for (const crop of crops) {
    all.set(crop, offset);
    offset += crop.length;
  }
  return all;
}

function noneReadable(folder: string, files: number): FlowDenoiseError {
  return new FlowDenoiseError(
    'BAD_IMAGE',
    `${folder}: none of its ${files} pictures can be decoded, or there is nothing on any. Expected whole files; copy or export them again.`,
  );
}
