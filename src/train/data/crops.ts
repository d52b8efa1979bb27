// Crops of folders' pictures, made ahead of use. The folders, the options and the step's number decide a step's crops.
import { FlowDenoiseError } from '../../core/errors.js';
import { sum } from '../../core/metrics/index.js';
import type { Region } from '../../core/picture.js';
import { SCALES, type TrainingSettings } from '../options.js';
import { drawBelow, generatorFor, visitOrder, weightedVisits } from './crop-order.js';
import {
  CHANNELS,
  cutCrop,
  openDecodedPictures,
  type RgbPicture,
  scaled,
  tileAt,
  tilesOf,
} from './decoded-pictures.js';
import {
  type FoundPictures,
  findPictures,
  hashOfFiles,
  noneDecodable,
  type PictureFile,
  refuseTooFew,
  type SkippedFile,
} from './picture-files.js';
import { validationCrops } from './validation-crops.js';

/** The data as the model card describes it: counts, and a hash over the files' names and lengths. */
export interface CropDescription extends Readonly<Record<string, string | number>> {
  /** Pictures (tiles of contact sheets) for training and for validation, from different files. */
  readonly pictures: number;
  readonly validationPictures: number;
  readonly hash: string;
}

/** Crops by the step's number, so that a resumed training gets the same crops as an uninterrupted one. */
export type CropSource = Awaited<ReturnType<typeof openCrops>>;

/** For each augmentation, the number of the square's symmetries that are drawn. */
const SYMMETRIES = { all: 8, mirror: 2, none: 1 } as const;

export interface CropOptions
  extends Pick<
    TrainingSettings,
    'folders' | 'weights' | 'crop' | 'batch' | 'seed' | 'sheetTile' | 'augment' | 'shrink'
  > {
  /** Memory for decoded pictures, bytes. Default 256 MiB. Crops depend on whether all pictures fit. */
  readonly cacheBytes?: number | undefined;
  /** Called for every file that cannot be read: at the start, or when it is needed. */
  readonly onSkipped?: ((file: SkippedFile) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

const DEFAULT_CACHE_BYTES = 256 * 2 ** 20;
/** How many steps' crops are made ahead. */
const STEPS_AHEAD = 8;
/** If the pictures do not all fit in memory: one crop per this many pixels of the average picture, up to MOST_TAKES. */
const PIXELS_PER_TAKE = 512 * 512;
const MOST_TAKES = 16;
/** Visits between two crops of one visit. */
const SPACING = 4;

/**
 * Opens the folders' pictures as crops for training. A visit takes crops from one unit: a file, or every `parts`-th tile of a
 * contact sheet. If the pictures do not all fit in memory, a visit takes several crops, which are used in later steps, because
 * decoding a large photograph takes longer than a step.
 *
 * @throws  FlowDenoiseError BAD_OPTION (no such folder; a folder in another; too few pictures, or too small ones),
 *          BAD_IMAGE (none can be read); the signal's reason. So does `batch`, once nothing is left that can be decoded.
 */
export async function openCrops(options: CropOptions) {
  const { folders, weights, crop: size, batch, seed, sheetTile, signal } = options;
  const { cacheBytes = DEFAULT_CACHE_BYTES, shrink = 1, onSkipped = () => {} } = options;
  const { augment = sheetTile === undefined ? 'all' : 'mirror' } = options;
  const found = await findPictures(options);
  for (const each of found) refuseTooFew(each, sheetTile !== undefined);
  for (const file of found.flatMap(({ unreadable }) => unreadable)) onSkipped(file);

  const scales = SCALES.filter((scale) => scale >= shrink);
  const takes = takesOf(
    found.flatMap(({ training }) => training),
    cacheBytes,
    scales,
  );
  /** Units that are visited equally often: those of one folder, or of all. */
  const pools = (weights ? found.map((each) => [each]) : [found]).map((among, index) => {
    const files = among.flatMap(({ training }) => training);
    const units = files.flatMap((file) => {
      const parts = Math.ceil(tilesOf(file, sheetTile) / takes);
      return Array.from({ length: parts }, (_, part) => ({ file, part, parts }));
    });
    const order = visitOrder(units.length, seed, weights ? `epoch of ${index}` : 'epoch');
    return { folders: among.map(({ folder }) => folder), files: files.length, units, order };
  });
  const partOf = weightedVisits(weights ?? [1], seed);
  const decoded = openDecodedPictures(cacheBytes, onSkipped);
  const visits = new Map<number, Promise<readonly Uint8Array[]>>();
  const closing = new AbortController();
  const ended = AbortSignal.any([closing.signal, ...(signal ? [signal] : [])]);

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
    const pool = pools[part] as (typeof pools)[number];
    for (let further = 0; further < pool.units.length; further++) {
      const unit = pool.units[pool.order(ownVisit, further)] as (typeof pool.units)[number];
      const picture = await decoded.get(unit.file, scaleOf(unit.file, visit));
      ended.throwIfAborted();
      const regions = picture && regionsOf(picture, unit, takes, sheetTile);
      if (picture === undefined || regions === undefined) continue;
      const generator = generatorFor(seed, 'visit', visit);
      return regions.map(({ left, top, width, height }) => {
        const x = left + drawBelow(generator, width - size + 1);
        const y = top + drawBelow(generator, height - size + 1);
        return cutCrop(picture, x, y, size, drawBelow(generator, SYMMETRIES[augment]));
      });
    }
    throw noneDecodable(pool.folders, pool.files);
  }

  function visitOf(visit: number): Promise<readonly Uint8Array[]> {
    const known = visits.get(visit);
    if (known !== undefined) return known;
    const made = makeVisit(visit);
    // A failure reaches the step that awaits these crops. Without this line, Node would also end the process.
    made.catch(() => {});
    visits.set(visit, made);
    const [oldest = visit] = visits.keys();
    if (visits.size > takes * SPACING + batch * (STEPS_AHEAD + 2)) visits.delete(oldest);
    return made;
  }

  function cropsOf(step: number): Promise<Uint8Array[]> {
    const crops = Array.from({ length: batch }, async (_, index) => {
      const number = step * batch + index;
      const take = number % takes;
      // Negative at the start: some crops come from visits before the first.
      const made = await visitOf(Math.floor(number / takes) - take * SPACING);
      return made[take] as Uint8Array;
    });
    return Promise.all(crops);
  }

  return {
    description: descriptionOf(found, { ...options, augment }),
    /**
     * The crops of a step. Steps in order are decoded ahead; other steps are slower.
     *
     * @param step  from 0
     * @returns     [batch, crop, crop, 3], 8-bit RGB, flipped and turned by quarters at random
     */
    async batch(step: number): Promise<Uint8Array> {
      ended.throwIfAborted();
      const crops = cropsOf(step);
      for (let ahead = 1; ahead <= STEPS_AHEAD; ahead++) cropsOf(step + ahead).catch(() => {});
      return joined(await crops);
    },
    /** The first validation crops, from the pictures' middles, always the same: [count, crop, crop, 3]. */
    async validation(count: number): Promise<Uint8Array> {
      ended.throwIfAborted();
      const files = found.map(({ validation }) => validation);
      return joined(await validationCrops(files, decoded.get, options, count));
    },
    async close(): Promise<void> {
      closing.abort(new FlowDenoiseError('CLOSED', `${folders.join(', ')}: the crops are closed`));
      await decoded.close();
    },
  };
}

/** The number of crops taken each time that a picture is decoded. */
function takesOf(files: readonly PictureFile[], cacheBytes: number, scales: readonly number[]): number {
  const pixels = sum(files.map(({ width, height }) => width * height));
  if (pixels * sum(scales.map((scale) => scale ** 2)) * CHANNELS <= cacheBytes) return 1;
  return Math.min(MOST_TAKES, Math.max(1, Math.ceil(pixels / files.length / PIXELS_PER_TAKE)));
}

/** The regions of a visit's crops; undefined for an empty contact sheet. */
function regionsOf(
  picture: RgbPicture,
  { part, parts }: { readonly part: number; readonly parts: number },
  takes: number,
  sheetTile: number | undefined,
): Region[] | undefined {
  const tiles = tilesOf(picture, sheetTile);
  const regions: Region[] = [];
  for (let take = 0; take < takes; take++)
    // The next tile that is not empty replaces an empty one.
    for (let further = 0; regions.length <= take; further++) {
      if (further === tiles) return undefined;
      const region = tileAt(picture, sheetTile, (part + take * parts + further) % tiles);
      if (region !== undefined) regions.push(region);
    }
  return regions;
}

function descriptionOf(
  found: readonly FoundPictures[],
  { weights, sheetTile, augment, shrink = 1 }: CropOptions & { readonly augment: string },
): CropDescription {
  const training = found.flatMap((each) => each.training);
  const validation = found.flatMap((each) => each.validation);
  const countOf = (files: readonly PictureFile[]) => sum(files.map((file) => tilesOf(file, sheetTile)));
  return {
    ...(found.length > 1 && { folders: found.length }),
    ...(weights !== undefined && { weights: weights.join(' : ') }),
    pictures: countOf(training),
    validationPictures: countOf(validation),
    files: training.length,
    validationFiles: validation.length,
    ...(sheetTile !== undefined && { sheetTile }),
    augment,
    ...(shrink < 1 && { shrink }),
    tooSmall: sum(found.map(({ tooSmall }) => tooSmall.length)),
    unreadable: sum(found.map(({ unreadable }) => unreadable.length)),
    hash: hashOfFiles(found),
  };
}

function joined(crops: readonly Uint8Array[]): Uint8Array {
  return new Uint8Array(Buffer.concat(crops));
}
