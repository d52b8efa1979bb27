// Crops of folders' pictures, made ahead of use. The folders, the options and the step's number decide a step's crops.
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
  weightedVisits,
} from './crop-order.js';
import { cutCrop, isEmpty, MIRROR, type RgbPicture, SYMMETRIES, tileAt, tilesOf } from './cut-crop.js';
import { decodedBytes, openDecodedPictures, scaled } from './decoded-pictures.js';
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

/** Crops by the step's number, so that a resumed training gets the same crops as an uninterrupted one. */
export interface CropSource {
  /** The numbers of pictures (tiles of contact sheets) for training and for validation, from different files. */
  readonly pictures: number;
  readonly validationPictures: number;
  /** The data as the model card describes it: counts, and a hash over the files' names and lengths. */
  readonly description: Readonly<Record<string, string | number>>;
  /**
   * The crops of a step. Steps in order are decoded ahead; other steps are slower.
   *
   * @param step  from 0
   * @returns     [batch, size, size, 3], 8-bit RGB, flipped and turned by quarters at random
   */
  batch(step: number): Promise<Uint8Array>;
  /** The first validation crops, from the pictures' middles, always the same: [count, size, size, 3]. */
  validation(count: number): Promise<Uint8Array>;
  close(): Promise<void>;
}

/** 'all': any quarter turn, mirrored or not; 'mirror': mirrored left-right or not; 'none': as it is. */
export const AUGMENTATIONS = ['all', 'mirror', 'none'] as const;
export type Augmentation = (typeof AUGMENTATIONS)[number];

/** The scales that a picture may be shrunk to. */
export const SCALES = [1, 0.75, 0.5, 0.25] as const;

export interface CropOptions {
  /** PNG, JPEG, WebP and TIFF pictures at any depth. No folder may be inside another. */
  readonly folders: readonly string[];
  /** Each folder's part of the crops, relative to the others; above 0. Default: every picture comes equally often. */
  readonly weights?: readonly number[] | undefined;
  /** Side of a crop, pixels. */
  readonly size: number;
  readonly batch: number;
  readonly seed: number;
  /** The share of each folder's files that is kept for validation. Default VALIDATION_SHARE. */
  readonly validationShare?: number | undefined;
  /** Set if the files are contact sheets: the side of their pictures, edge to edge. Tiles of one colour are empty. */
  readonly sheetTile?: number | undefined;
  /** Default 'all'; 'mirror' for contact sheets, whose pictures mostly have an up and a down. */
  readonly augment?: Augmentation | undefined;
  /**
   * The least of SCALES: a crop is taken from its picture at one of them, equally often, if the picture is then large enough.
   * Validation crops are not shrunk. Default 1. Not for contact sheets.
   */
  readonly shrink?: number | undefined;
  /** Memory for decoded pictures, bytes. Default 256 MiB. Crops depend on whether all pictures fit. */
  readonly cacheBytes?: number | undefined;
  /** Called for every file that cannot be read: at the start, or when it is needed. */
  readonly onSkipped?: ((file: SkippedFile) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** Share of the files. */
export const VALIDATION_SHARE = 0.05;
const DEFAULT_CACHE_BYTES = 256 * 2 ** 20;
/** How many steps' crops are made ahead. */
const STEPS_AHEAD = 8;
/** If the pictures do not all fit in memory: one crop per this many pixels of the average picture, up to MOST_TAKES. */
const PIXELS_PER_TAKE = 512 * 512;
const MOST_TAKES = 16;

/** The unit of a visit: a file, or every `parts`-th tile of a contact sheet. */
interface Unit {
  readonly file: PictureFile;
  readonly part: number;
  readonly parts: number;
}

/** Units that are visited equally often: those of one folder, or of all. */
interface Pool {
  readonly folders: readonly string[];
  readonly units: readonly Unit[];
  readonly order: ReturnType<typeof visitOrder>;
}

/**
 * Opens the folders' pictures as crops for training. If they do not all fit in memory, several crops are taken at each
 * decoding and used in later steps, because decoding a large photograph takes longer than a step.
 *
 * @throws  FlowDenoiseError BAD_OPTION (no such folder; a folder in another; too few pictures, or too small ones),
 *          BAD_IMAGE (none can be read); the signal's reason. So does `batch`, once nothing is left that can be decoded.
 */
export async function openCrops(options: CropOptions): Promise<CropSource> {
  const { folders, weights, size, batch, seed, sheetTile, signal, onSkipped = () => {} } = options;
  if (sheetTile !== undefined && sheetTile < size)
    throw badOption(
      `Expected pictures of at least ${size} pixels, the size of a crop, on the contact sheets but received ${sheetTile}`,
    );
  const found = await findPictures(folders, sheetTile ?? size, signal);
  const division = {
    isSheets: sheetTile !== undefined,
    validationShare: options.validationShare ?? VALIDATION_SHARE,
  };
  const files = found.map((each) => {
    const divided = dividePictures(each, division);
    refuseTooFew(each, divided, division);
    return divided;
  });
  for (const file of found.flatMap(({ unreadable }) => unreadable)) onSkipped(file);

  const augment = options.augment ?? (sheetTile === undefined ? 'all' : 'mirror');
  const symmetries = { all: SYMMETRIES, mirror: MIRROR + 1, none: 1 }[augment];
  const cacheBytes = options.cacheBytes ?? DEFAULT_CACHE_BYTES;
  const training = files.map((each) => each.training);
  const validation = files.map((each) => each.validation);
  const scales = SCALES.filter((scale) => scale >= (options.shrink ?? 1));
  const takes = takesOf(training.flat(), cacheBytes, scales);
  const poolOf = (names: readonly string[], of: readonly PictureFile[], what?: string): Pool => {
    const units = of.flatMap((file) => unitsOf(file, takes, sheetTile));
    return { folders: names, units, order: visitOrder(units.length, seed, what) };
  };
  const pools =
    weights === undefined
      ? [poolOf(folders, training.flat())]
      : folders.map((folder, index) => poolOf([folder], training[index] ?? [], `epoch of ${index}`));
  const partOf = weightedVisits(weights ?? [1], seed);
  const decoded = openDecodedPictures(cacheBytes, onSkipped);
  const visits = new Map<number, Promise<readonly Uint8Array[]>>();
  const batches = new Map<number, Promise<Uint8Array>>();
  let isClosed = false;

  function check(): void {
    signal?.throwIfAborted();
    if (isClosed)
      throw new FlowDenoiseError(
        'CLOSED',
        `${folders.join(', ')}: crops were asked for after they were closed`,
      );
  }

  function scaleOf(file: PictureFile, visit: number): number {
    const possible = scales.filter((scale) => {
      const { width, height } = scaled(file, scale);
      return Math.min(width, height) >= size;
    });
    return possible[drawBelow(generatorFor(seed, 'scale', visit), possible.length)] ?? 1;
  }

  /** All crops of one visit; if its unit cannot be read, of its pool's next one that can. */
  async function makeVisit(visit: number): Promise<readonly Uint8Array[]> {
    const { part, visit: ownVisit } = partOf(visit);
    const pool = pools[part] as Pool;
    for (let further = 0; further < pool.units.length; further++) {
      const unit = pool.units[pool.order(ownVisit, further)] as Unit;
      const picture = await decoded.get(unit.file, scaleOf(unit.file, visit));
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
    throw noneReadable(pool.folders, new Set(pool.units.map(({ file }) => file)).size);
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
    pictures: countOf(training.flat(), sheetTile),
    validationPictures: countOf(validation.flat(), sheetTile),
    description: descriptionOf(found, files, options, augment),
    async batch(step) {
      check();
      for (let ahead = 0; ahead <= STEPS_AHEAD; ahead++)
        remembered(batches, step + ahead, makeBatch, STEPS_AHEAD + 2);
      return (await remembered(batches, step, makeBatch, STEPS_AHEAD + 2)).slice();
    },
    async validation(count) {
      check();
      const crops = validationCrops(validation, decoded.get, size, sheetTile);
      const made: Uint8Array[] = [];
      for await (const crop of crops) if (made.push(crop) === count) return joined(made);
      throw noneReadable(folders, validation.flat().length);
    },
    async close() {
      isClosed = true;
      await decoded.close();
    },
  };
}

/**
 * Returns a key's value, and makes it the first time. Keeps at most `most` values and drops the oldest. Failures reach only
 * callers that await the value.
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

/** The number of crops taken each time that a picture is decoded. */
function takesOf(files: readonly PictureFile[], cacheBytes: number, scales: readonly number[]): number {
  const pixels = sum(files.map(({ width, height }) => width * height));
  const copies = sum(scales.map((scale) => scale ** 2));
  if (decodedBytes({ width: pixels * copies, height: 1 }) <= cacheBytes) return 1;
  return Math.min(MOST_TAKES, Math.max(1, Math.ceil(pixels / files.length / PIXELS_PER_TAKE)));
}

function unitsOf(file: PictureFile, takes: number, sheetTile: number | undefined): Unit[] {
  const parts = sheetTile === undefined ? 1 : Math.ceil(tilesOf(file, sheetTile) / takes);
  return Array.from({ length: parts }, (_, part) => ({ file, part, parts }));
}

/** The regions of a visit's crops; undefined for an empty contact sheet. */
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
    // The next tile that is not empty replaces an empty one.
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
  found: readonly FoundPictures[],
  files: readonly DividedPictures[],
  { weights, sheetTile, shrink = 1 }: CropOptions,
  augment: Augmentation,
): CropSource['description'] {
  const training = files.flatMap((each) => each.training);
  const validation = files.flatMap((each) => each.validation);
  return {
    ...(found.length > 1 && { folders: found.length }),
    ...(weights !== undefined && { weights: weights.join(' : ') }),
    pictures: countOf(training, sheetTile),
    validationPictures: countOf(validation, sheetTile),
    files: training.length,
    validationFiles: validation.length,
    ...(sheetTile !== undefined && { sheetTile }),
    augment,
    ...(shrink < 1 && { shrink }),
    tooSmall: sum(found.map(({ tooSmall }) => tooSmall.length)),
    unreadable: sum(found.map(({ unreadable }) => unreadable.length)),
    hash: hashOfFiles(files),
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

function noneReadable(folders: readonly string[], files: number): FlowDenoiseError {
  return new FlowDenoiseError(
    'BAD_IMAGE',
    `${folders.join(', ')}: none of the ${files} pictures can be decoded, or there is nothing on any. Expected whole files; copy or export them again.`,
  );
}
