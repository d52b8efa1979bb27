// The options of `flow-denoise run`, with their check and help, and those it shares with `watch`.
import type { Command } from 'commander';
import { z } from 'zod';
import { badOption } from '../core/errors.js';
import { noiseShape } from '../denoiser/noise/noise-options.js';
import { among, notBoth, option, parseOptions } from '../denoiser/option-schema.js';
import { openingShape } from '../denoiser/options.js';
import { APPROACH_NAMES } from '../denoiser/preset.js';
import {
  byLifetime,
  concurrencyOption,
  fileShape,
  type PictureSettings,
  pictureShape,
} from '../plugin/stream-options.js';
import { withNoiseProfile } from './noise-file.js';
import { addFlags, flagOf } from './option-flags.js';
import { checkPreview, type PreviewRequest, previewSchema, several } from './preview/preview-options.js';
import { checkDestination, type Destination, destinationShape } from './run/destination.js';
import { timeBudgetSchema } from './run/time-budget.js';

export interface CommandArguments extends PictureSettings {
  /** Files, folders and globs, at least one. */
  readonly inputs: readonly string[];
  readonly destination: Destination;
  /** A grey picture with the sigma of every pixel. */
  readonly sigmaMap: string | undefined;
  readonly concurrency: number;
  /** Seconds for the whole run; decides the preset. */
  readonly timeBudget: number | undefined;
  /** Whether to list what would be done, and write nothing. */
  readonly dryRun: boolean;
  readonly quiet: boolean;
  readonly json: boolean;
  /** The path of the report page. */
  readonly report: string | undefined;
  /** If set, only previews are written. */
  readonly preview: PreviewRequest | undefined;
}

const switchSchema = z.boolean().default(false);
const SWITCH = 'true or false';

/** What is printed, for every command that denoises. */
export const outputShape = {
  quiet: option(switchSchema, SWITCH, { does: 'prints errors only', flag: '' }),
  json: option(switchSchema, SWITCH, {
    does: 'prints a line of JSON for every picture to stdout: its report or its error',
    flag: '',
  }),
};

/** A sensor's noise; `withSensor` makes it the option `noise`. */
export const sensorShape = {
  gain: option(z.unknown().optional(), 'a number above 0', {
    does: 'Poisson-Gaussian: the variance per unit of signal, in 8-bit units; --sigma is then the read noise',
    flag: '<number>',
    otherwise: 'estimated',
  }),
  offset: option(z.unknown().optional(), 'a number below 255', {
    does: 'Poisson-Gaussian: the sample without light, in 8-bit units',
    flag: '<number>',
    otherwise: '0',
  }),
};

const runShape = {
  timeBudget: option(timeBudgetSchema, 'a time above 0 such as 60s, 5min or 2h', {
    does: 'takes the best preset that fits all pictures into this time, or else fast, and tells you which',
    flag: '<time>',
  }),
  preview: option(
    previewSchema,
    'a side in pixels (320), a size (320x240) or x,y,width,height, of 8 pixels or more,',
    {
      does: 'writes one PNG of a part before and after, nothing else; --sigma 10,15,25 and --beta 3,6 take several',
      flag: '[part]',
      otherwise: '256, where there is most detail',
      see: '[Preview](cli.md#preview)',
    },
  ),
  dryRun: option(switchSchema, SWITCH, {
    does: 'lists input, output, size and expected time; writes nothing',
    flag: '',
  }),
  sigmaMap: option(z.string().min(1).optional(), 'the path of a grey picture', {
    does: 'noise that varies: a grey picture of the same size with the sigma of every pixel',
    flag: '<file>',
  }),
  concurrency: concurrencyOption,
  report: option(
    z
      .string()
      .regex(/\.html?$/i)
      .optional(),
    'the path of a page, ending in .html',
    {
      does: 'writes a page (.html) that shows every picture before and after',
      flag: '<file>',
      see: '[Report](cli.md#report)',
    },
  ),
};

/** The command's options, in the order of its help. */
export const commandShape = {
  ...destinationShape,
  ...noiseShape,
  ...openingShape,
  ...fileShape,
  cache: pictureShape.cache,
  ...runShape,
  ...outputShape,
};

const commandSchema = z.strictObject(commandShape);

const EXAMPLES = `
Examples:
  flow-denoise photo.jpg -o clean                       finds the noise by itself
  flow-denoise photos -o clean --sigma 25               every picture below photos, its tree kept
  flow-denoise "scans/**/*.tif" -o clean --sigma 10 --method posterior-mean
  flow-denoise photos -o clean --strength 0.7 --json > report.jsonl
  flow-denoise photo.jpg -o look --preview --sigma 10,15,25    look/photo-preview.png: noisy and three results
  flow-denoise photos -o clean --dry-run                what would be done, and how long it would take
  flow-denoise a.jpg b.jpg --suffix -clean              a-clean.jpg and b-clean.jpg beside them
  flow-denoise photos --in-place --backup               replaces them, and keeps a.jpg as a.jpg.orig
  flow-denoise - --sigma 20 < noisy.png > clean.png     bytes in, bytes out
  flow-denoise photos -o clean --report report.html     a page to compare before and after
  flow-denoise scope.tif -o clean --gain 2.5 --sigma 4  a sensor's noise: variance 2.5 x value + 4^2

Without --sigma the noise is estimated from each picture; one that looks clean is copied as it is. Existing outputs are
skipped, so you can run again what was stopped; --overwrite replaces them. You may leave out the value of --cache,
--backup and --preview: write --cache=folder, or put the flag last.

Options also come from flow-denoise.config.json, .js, .mjs or .ts in this folder or one above it, by the flags' names
in camelCase: { "sigma": 25, "output": "clean" }. Flags win; paths in the file are taken from its own folder.

sigma is the standard deviation of the noise in 8-bit units, whatever the file's depth: 5 is faint, 15 plain to
see, 25 strong, 50 very strong.

Exit codes: 0 all done, 1 some file failed (the others are done), 2 wrong usage, 130 interrupted.`;

/** @throws  FlowDenoiseError BAD_OPTION for a value out of range, or flags that do not go together */
function checkedArguments(inputs: readonly string[], options: RawOptions): CommandArguments {
  const { config: _, gain, offset, ...typed } = options;
  const lists = { sigma: several('sigma', typed.sigma), beta: several('beta', typed.beta) };
  const single = {
    ...(lists.sigma && { sigma: lists.sigma[0] }),
    ...(lists.beta && { beta: lists.beta[0] }),
  };
  const values = withSensor({ ...typed, ...single }, gain, offset);
  const parsed = parseOptions(commandSchema, values, 'flow-denoise');
  const settings = byLifetime(parsed, parsed);
  const { opening, noise, file, cache } = settings;
  const { sigmaMap, concurrency, timeBudget, dryRun, report, preview: part, quiet, json } = parsed;
  const destination = { ...among(destinationShape, parsed), format: file.format };
  const preview = part && {
    part,
    sigmas: lists.sigma ?? [noise.sigma],
    betas: lists.beta ?? [opening.beta],
  };
  checkPreview(preview, lists, inputs, destination, {
    method: opening.method,
    flags: {
      '--dry-run': dryRun,
      '--report': report,
      '--time-budget': timeBudget,
      '--cache': cache,
      '--quality': file.quality,
    },
  });
  checkDestination(inputs, destination);
  if (sigmaMap !== undefined && cache !== false) throw notBoth('--sigma-map', '--cache');
  const chosen = (['preset', ...APPROACH_NAMES] as const).find((name) => opening[name] !== undefined);
  if (timeBudget !== undefined && chosen)
    throw notBoth('--time-budget', flagOf(chosen), '--time-budget chooses the preset');
  const told = { sigmaMap, concurrency, timeBudget, dryRun, report, quiet, json };
  return { inputs, destination, preview, ...settings, ...told };
}

/**
 * Turns --gain and --offset, which describe a sensor, and --sigma, its read noise, into the option `noise`.
 *
 * @throws   FlowDenoiseError BAD_OPTION if they contradict each other
 */
export function withSensor(
  values: Record<string, unknown>,
  gain: unknown,
  offset: unknown,
): Record<string, unknown> {
  if (gain === undefined && offset === undefined) return values;
  const { noise = 'poisson-gaussian', sigma = 0, ...rest } = values;
  if (gain === undefined) throw badOption('Pass --gain too if you pass --offset');
  if (noise !== 'poisson-gaussian')
    throw notBoth('--gain', '--noise of another kind', '--gain is for --noise poisson-gaussian');
  if (sigma === 'auto') throw badOption('Expected a number for --sigma, the read noise, with --gain');
  return { ...rest, noise: { model: noise, gain, sigma, offset: offset ?? 0 } };
}

interface RawOptions extends Record<string, unknown> {
  readonly gain?: unknown;
  readonly offset?: unknown;
}

/** Gives a command the options of `run`. @param start  called with the checked arguments */
export function describeRun(command: Command, start: (args: CommandArguments) => Promise<void>): void {
  command
    .description('denoise files, folders and globs (the default command)')
    .argument('<inputs...>', 'files, folders or globs; - for stdin');
  addFlags(command, { ...commandShape, ...sensorShape })
    .addHelpText('after', EXAMPLES)
    .action(async (inputs: string[], options: RawOptions) =>
      start(checkedArguments(inputs, await withNoiseProfile(options))),
    );
}
