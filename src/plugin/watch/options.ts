// The options of a watched folder.
import { hash } from 'node:crypto';
import { z } from 'zod';
import { isNoiseModel } from '../../denoiser/noise/noise-options.js';
import { option, parseOptions } from '../../denoiser/option-schema.js';
import { progressOption, signalOption } from '../../denoiser/options.js';
import { approachOf } from '../../denoiser/preset.js';
import { byLifetime, concurrencyOption, type PictureSettings, pictureShape } from '../stream-options.js';

export const POLL_MS = 2000;
const LEAST_POLL_MS = 50;
const LONGEST_MS = 24 * 3600_000;

const words = (least: number): string => `a number of milliseconds from ${least} to ${LONGEST_MS}`;

function milliseconds(least: number, otherwise: number, does: string) {
  const schema = z.number().min(least).max(LONGEST_MS).default(otherwise);
  return option(schema, words(least), { does, flag: '<ms>' });
}

const folder = (does: string, flag?: { readonly flag: string; readonly letter: string }) =>
  option(z.string().min(1), 'the path of a folder', { does, ...flag });

/** The options of a watched folder, without those of its pictures. */
export const watchShape = {
  /** The folder to watch, at any depth. */
  input: folder('the folder to watch, at any depth'),
  /** The folder to write to, in the same tree; created if it does not exist. */
  output: folder('the folder to write to, in the same tree and format; created if it does not exist', {
    flag: '<folder>',
    letter: 'o',
  }),
  /** Ends when all pictures found at the start are done, instead of watching. Default false. */
  once: option(z.boolean().default(false), 'true or false', {
    does: 'ends when every picture found at the start is done',
    flag: '',
  }),
  /** 'keep' (default) leaves originals; 'move' puts them into `.done`, or `.error` with the reason in a `.txt`. */
  originals: option(z.enum(['keep', 'move']).default('keep'), "'keep' or 'move'", {
    does: 'what to do with originals; move puts them into .done, or .error with the reason',
    flag: '<keep|move>',
  }),
  /**
   * What to do if a file that this watcher did not write lies in a result's place: 'version' (default) writes `a-2.png` beside
   * it, 'skip' takes it for the result. It is never replaced.
   */
  existing: option(z.enum(['version', 'skip']).default('version'), "'version' or 'skip'", {
    does: 'what to do if another file lies in the place of a result',
    flag: '<version|skip>',
  }),
  /** A file is taken when its size and time have not changed for this many milliseconds. Default 2000. */
  settle: milliseconds(0, 2000, 'how long a file must not change before it is taken'),
  /** How many milliseconds a settled file that does not decode may take to become complete. Default 30000. */
  patience: milliseconds(0, 30_000, 'how long a file may not decode before it fails'),
  /** Looks again at this interval in milliseconds instead of using events, for network shares; true: 2000. */
  poll: option(
    z
      .union([z.boolean(), z.number().min(LEAST_POLL_MS).max(LONGEST_MS)])
      .default(false)
      .transform((poll) => (poll === true ? POLL_MS : poll)),
    `true, false or ${words(LEAST_POLL_MS)}`,
    {
      does: "looks again and again instead of waiting for the system's events: for network shares",
      flag: '',
    },
  ),
  /** How often to read the whole folder again, in milliseconds, in case an event was lost. Default 60000. */
  rescan: milliseconds(100, 60_000, 'how often to read the whole folder again'),
  /** Pictures in memory at a time. Default 2. */
  concurrency: concurrencyOption,
  /** Stops within one tile's time; pictures in work are abandoned and taken again by the next run. */
  signal: signalOption,
  /** Called after every finished tile with the picture's path. */
  onProgress: progressOption<[input: string]>(),
};

/** A watched folder lacks some stream options: its ledger replaces the cache, and names and formats stay. */
const { cache: _, maxBytes: __, format: ___, quality: ____, ...ofPictures } = pictureShape;

const watchSchema = z.strictObject({ ...ofPictures, ...watchShape });

export type WatchFolderOptions = z.input<typeof watchSchema>;

/** @throws FlowDenoiseError BAD_OPTION */
export function parseWatchOptions(options: WatchFolderOptions) {
  const parsed = parseOptions(watchSchema, options, 'watchFolder');
  const settings = byLifetime({ ...parsed, cache: false, maxBytes: Number.POSITIVE_INFINITY }, options);
  return { ...parsed, ...settings, hash: hashOf(settings) };
}

/** Checked, with defaults. */
export type CheckedWatchOptions = ReturnType<typeof parseWatchOptions>;

/** Identifies the options that affect results: not engine, threads and the like. A custom noise model counts by its name. */
function hashOf({ opening, noise, denoiser }: PictureSettings): string {
  const { method, ensemble, scales } = denoiser ?? approachOf(opening);
  const { beta, tileSize, overlap } = opening;
  const text = JSON.stringify({
    prior: (denoiser ?? opening).prior,
    method,
    ensemble,
    scales,
    beta,
    tileSize,
    overlap,
    ...noise,
    noise: isNoiseModel(noise.noise) ? { name: noise.noise.name } : noise.noise,
  });
  return hash('sha256', text).slice(0, 16);
}
