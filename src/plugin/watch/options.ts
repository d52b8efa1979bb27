// The options of a watched folder, and their check.
import { createHash } from 'node:crypto';
import { z } from 'zod';
import { DEFAULT_PRIOR } from '../../core/model/find-prior.js';
import type { Progress } from '../../denoiser/denoiser.js';
import { type DenoiserOptions, denoiserOptionsSchema, parseOptions } from '../../denoiser/options.js';
import { approachOf, type Quality } from '../../denoiser/preset.js';
import {
  checkDenoiser,
  concurrencySchema,
  type PictureOptions,
  pictureOptionsSchema,
} from '../stream-options.js';

/** What streams take and a watched folder does not: its ledger is its cache, and names and formats stay. */
type StreamsAlone = 'cache' | 'maxBytes' | 'format' | 'quality';

export interface WatchFolderOptions extends Omit<PictureOptions, StreamsAlone> {
  /** A word for `method`, `ensemble` and `scales`, in their place. */
  readonly quality?: Quality | undefined;
  /** The folder that is watched, at any depth. */
  readonly input: string;
  /** The folder that is written to, in the same tree; made where it is not there. */
  readonly output: string;
  /** A file is taken when its size and time have not changed for so many milliseconds. Default 2000. */
  readonly settle?: number | undefined;
  /** A settled file that does not decode is given so many milliseconds to become whole. Default 30000. */
  readonly patience?: number | undefined;
  /** 'keep' (default) leaves originals; 'move' puts them into `.done`, or `.error` with a `.txt` that says why. */
  readonly originals?: 'keep' | 'move' | undefined;
  /**
   * A file that lies where a result should go and is none that this folder's watcher wrote: 'version' (default) writes
   * `a-2.png` beside it; 'skip' takes it for the result. It is never replaced.
   */
  readonly existing?: 'version' | 'skip' | undefined;
  /** Ends when all that was there is done, instead of watching. Default false. */
  readonly once?: boolean | undefined;
  /** Looks again every so many milliseconds instead of asking the system for events, for network shares; true: 2000. */
  readonly poll?: boolean | number | undefined;
  /** The whole folder is read again every so many milliseconds, in case an event was lost. Default 60000. */
  readonly rescan?: number | undefined;
  /** Pictures in memory at a time. Default 2. */
  readonly concurrency?: number | undefined;
  /** Stops within one tile's time; what is in work is abandoned, and taken again by the next run. */
  readonly signal?: AbortSignal | undefined;
  /** Called after every finished tile with the picture's path. */
  readonly onProgress?: ((progress: Progress, input: string) => void) | undefined;
}

/** Options that were checked, with the defaults in place. */
export type CheckedWatchOptions = z.output<typeof watchOptionsSchema>;

const POLL_MS = 2000;
const LEAST_POLL_MS = 50;
const LONGEST_MS = 24 * 3600_000;

const words = (least: number): string => `a number of milliseconds from ${least} to ${LONGEST_MS}`;

function milliseconds(least: number, otherwise: number) {
  return z.number().min(least).max(LONGEST_MS).default(otherwise).describe(words(least));
}

/** What `run` has no use for: the options of watching itself. */
const watchOptionsShape = {
  settle: milliseconds(0, 2000),
  patience: milliseconds(0, 30_000),
  originals: z.enum(['keep', 'move']).default('keep').describe("'keep' or 'move'"),
  existing: z.enum(['version', 'skip']).default('version').describe("'version' or 'skip'"),
  once: z.boolean().default(false).describe('true or false'),
  poll: z
    .union([z.boolean(), z.number().min(LEAST_POLL_MS).max(LONGEST_MS)])
    .default(false)
    .transform((poll) => (poll === true ? POLL_MS : poll))
    .describe(`true, false or ${words(LEAST_POLL_MS)}`),
  rescan: milliseconds(100, 60_000),
};

const pathSchema = z.string().min(1).describe('the path of a folder');

const watchOptionsSchema = pictureOptionsSchema
  .omit({ cache: true, maxBytes: true, format: true, quality: true })
  .extend({
    ...watchOptionsShape,
    quality: denoiserOptionsSchema.shape.quality,
    input: pathSchema,
    output: pathSchema,
    concurrency: concurrencySchema,
    signal: z.instanceof(AbortSignal).optional().describe('an AbortSignal'),
    onProgress: z
      .custom<NonNullable<WatchFolderOptions['onProgress']>>((value) => typeof value === 'function')
      .optional()
      .describe('a function'),
  });

/** @throws FlowDenoiseError BAD_OPTION */
export function parseWatchOptions(options: WatchFolderOptions): CheckedWatchOptions {
  const parsed = parseOptions(watchOptionsSchema, options, 'watchFolder');
  checkDenoiser({ denoiser: parsed.denoiser, cache: false }, options);
  return parsed;
}

const openingNames = Object.keys(denoiserOptionsSchema.shape) as (keyof DenoiserOptions)[];

/** The options among these that open a denoiser. */
export function denoiserOptionsOf(options: CheckedWatchOptions): DenoiserOptions {
  return Object.fromEntries(openingNames.map((key) => [key, options[key]]));
}

/**
 * A name for the options that decide what a result looks like. Engine, threads and the like do not; of a noise model of
 * the user's own, its name stands for it.
 */
export function optionsHash(options: CheckedWatchOptions): string {
  const { denoiser, prior, beta, tileSize, overlap, sigma, noise, strength, black, white } = options;
  const { method, ensemble, scales } = denoiser ?? approachOf(options);
  const text = JSON.stringify({
    prior: denoiser?.prior ?? prior ?? DEFAULT_PRIOR,
    method,
    ensemble,
    scales,
    beta: beta ?? 'auto',
    tileSize,
    overlap,
    sigma,
    noise: typeof noise === 'object' && 'name' in noise ? { name: noise.name } : noise,
    strength,
    black,
    white,
  });
  return createHash('sha256').update(text).digest('hex').slice(0, 16);
}
