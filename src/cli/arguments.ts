// What `flow-denoise run` is told: its options, their check, its help; and the options that other commands share with
// it. Nothing is opened or read here.
import { type Command, Option } from 'commander';
import { z } from 'zod';
import { FlowDenoiseError } from '../core/errors.js';
import { type CheckedNoiseOptions, noiseOptionsShape } from '../denoiser/noise/noise-options.js';
import { type DenoiserOptions, denoiserOptionsSchema, parseOptions } from '../denoiser/options.js';
import { APPROACH_NAMES, approachOf } from '../denoiser/preset.js';
import {
  type CheckedPictureOptions,
  concurrencySchema,
  pictureOptionsSchema,
  qualitiesOf,
} from '../plugin/stream-options.js';
import { withNoiseProfile } from './noise-file.js';
import { checkPreview, type PreviewRequest, previewSchema, several } from './preview/preview-options.js';
import {
  addDestinationOptions,
  checkDestination,
  type Destination,
  destinationShape,
} from './run/destination.js';
import { timeBudgetSchema } from './run/time-budget.js';

export interface CommandArguments {
  /** Files, folders and globs, at least one. */
  readonly inputs: readonly string[];
  readonly destination: Destination;
  readonly noise: Omit<CheckedNoiseOptions, 'sigmaMap'>;
  /** A grey picture with the sigma of every pixel. */
  readonly sigmaMap: string | undefined;
  readonly concurrency: number;
  /** Of the file: limits, conversion, the cache of results. */
  readonly file: Pick<CheckedPictureOptions, 'maxPixels' | 'format' | 'cache'> & {
    readonly quality: number | undefined;
  };
  readonly maxBytes: number;
  /** Seconds for the whole run, by which method and ensemble are chosen. */
  readonly timeBudget: number | undefined;
  /** Whether to tell what would be done, and write nothing. */
  readonly dryRun: boolean;
  readonly quiet: boolean;
  readonly json: boolean;
  /** The page that is written of it. */
  readonly report: string | undefined;
  /** Given, only previews are made. */
  readonly preview: PreviewRequest | undefined;
  readonly denoiser: DenoiserOptions;
}

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

Without --sigma the noise is estimated from each picture; one that looks clean is copied as it is. What is there
already is left, so a run that was stopped goes on where it was; --overwrite replaces it. The value of --cache,
--backup and --preview may be left out: write --cache=folder, or let the flag stand last.

Options also come from flow-denoise.config.json, .js, .mjs or .ts in this folder or one above it, by the flags' names
in camelCase: { "sigma": 25, "output": "clean" }. Flags win; paths in the file are taken from its own folder.

sigma is the standard deviation of the noise in 8-bit units, whatever the file's depth: 5 is faint, 15 plain to
see, 25 strong, 50 very strong.

Exit codes: 0 all done, 1 some file failed (the others are done), 2 wrong usage, 130 interrupted.`;

/** @throws  FlowDenoiseError BAD_OPTION for a value out of range, or flags that do not go together */
function checkedArguments(inputs: readonly string[], options: RawOptions): CommandArguments {
  const { quiet = false, json = false, dryRun = false, config: _, gain, offset, ...typed } = options;
  const lists = { sigma: several('sigma', typed.sigma), beta: several('beta', typed.beta) };
  const values: Record<string, unknown> = {
    ...typed,
    ...(lists.sigma && { sigma: lists.sigma[0] }),
    ...(lists.beta && { beta: lists.beta[0] }),
  };
  const { sigma, noise, strength, black, white, sigmaMap, concurrency, ...rest } = parseOptions(
    commandSchema,
    gain === undefined && offset === undefined ? values : withSensor(values, gain, offset),
    'flow-denoise',
  );
  const { maxPixels, maxBytes, format, quality, cache, timeBudget, report, preview: part, ...others } = rest;
  const { output, suffix, inPlace, backup, overwrite, ...denoiser } = others;
  const destination = { output, suffix, inPlace, backup, overwrite, format };
  const preview = part && {
    part,
    sigmas: lists.sigma ?? [sigma],
    betas: lists.beta ?? [denoiser.beta ?? 'auto'],
  };
  checkPreview(preview, lists, inputs, destination, {
    method: denoiser.method,
    flags: {
      '--dry-run': dryRun,
      '--report': report,
      '--time-budget': timeBudget,
      '--cache': cache,
      '--quality': quality,
    },
  });
  checkDestination(inputs, destination);
  if (sigmaMap !== undefined && cache !== false)
    throw new FlowDenoiseError('BAD_OPTION', 'Expected one of --sigma-map and --cache but received both');
  const { ofDenoiser, ofFile } = qualitiesOf(quality);
  const opening = { ...denoiser, ...ofDenoiser };
  approachOf(opening);
  const chosen = ([...APPROACH_NAMES, 'quality'] as const).find((name) => opening[name] !== undefined);
  if (timeBudget !== undefined && chosen)
    throw new FlowDenoiseError(
      'BAD_OPTION',
      `Expected one of --${chosen} and --time-budget, which chooses method, ensemble and scales, but received both`,
    );
  const file = { maxPixels, format, quality: ofFile, cache };
  const noiseOptions = { sigma, noise, strength, black, white };
  const told = { timeBudget, quiet, json, dryRun };
  return {
    inputs,
    destination,
    noise: noiseOptions,
    sigmaMap,
    concurrency,
    file,
    maxBytes,
    denoiser: opening,
    report,
    preview,
    ...told,
  };
}

/**
 * --gain and --offset describe a sensor; --sigma is its read noise then.
 *
 * @returns  the values with `noise` for the three
 * @throws   FlowDenoiseError BAD_OPTION where they do not go together
 */
export function withSensor(
  values: Record<string, unknown>,
  gain: unknown,
  offset: unknown,
): Record<string, unknown> {
  const { noise = 'poisson-gaussian', sigma = 0, ...rest } = values;
  if (gain === undefined || noise !== 'poisson-gaussian' || sigma === 'auto') {
    throw new FlowDenoiseError(
      'BAD_OPTION',
      'Expected --gain, with --noise poisson-gaussian and a number for --sigma (the read noise), if any, beside --gain or --offset',
    );
  }
  return { ...rest, noise: { model: noise, gain, sigma, offset: offset ?? 0 } };
}

interface RawOptions extends Record<string, unknown> {
  readonly quiet?: boolean;
  readonly json?: boolean;
  readonly dryRun?: boolean;
  readonly gain?: unknown;
  readonly offset?: unknown;
}

const commandSchema = denoiserOptionsSchema.extend({
  sigma: noiseOptionsShape.sigma,
  noise: noiseOptionsShape.noise,
  strength: noiseOptionsShape.strength,
  black: noiseOptionsShape.black,
  white: noiseOptionsShape.white,
  sigmaMap: z.string().min(1).optional().describe('the path of a grey picture'),
  concurrency: concurrencySchema,
  ...pictureOptionsSchema.pick({ maxPixels: true, maxBytes: true, format: true, quality: true, cache: true })
    .shape,
  timeBudget: timeBudgetSchema,
  ...destinationShape,
  preview: previewSchema,
  report: z
    .string()
    .regex(/\.html?$/i)
    .optional()
    .describe('the path of a page, ending in .html'),
});

/**
 * Gives a command the options of `run`.
 *
 * @param start  is called with what was typed, checked
 */
export function describeRun(command: Command, start: (args: CommandArguments) => Promise<void>): void {
  command
    .description('denoise files, folders and globs; meant where no command is named')
    .argument('<inputs...>', 'files, folders or globs; - for stdin');
  addDestinationOptions(command)
    .addOption(
      numberOption('--time-budget <time>', 'such as 60s, 5min, 2h: the best quality that fits all pictures'),
    )
    .option(
      '--preview [part]',
      'a part before and after in one PNG, to choose --sigma 10,15,25 and --beta 3,6 by eye; 320, 320x240 or x,y,width,height (default: 256, where most is to see)',
    )
    .option('--dry-run', 'list input, output, size and expected time; write nothing')
    .option('--format <name>', "png, jpeg, webp or tiff, under its extension (default: the file's own)")
    .addOption(
      numberOption(
        '--quality <word or number>',
        "fast or balanced (default: balanced); or 1 to 100, of JPEG and lossy WebP (default: the file's own)",
      ),
    )
    .option(
      '--cache [folder]',
      'keep results between runs (default folder: node_modules/.cache/flow-denoise)',
    )
    .addOption(numberOption('--max-bytes <number>', 'larger files are refused unread (default: 2147483648)'));
  addNoiseOptions(command).option(
    '--sigma-map <file>',
    'a grey picture of the same size: the sigma of every pixel',
  );
  addDenoisingOptions(command)
    .option('--report <file>', 'a page (.html) with every picture before and after, and what was done to it')
    .addHelpText('after', EXAMPLES)
    .action(async (inputs: string[], options: RawOptions) =>
      start(checkedArguments(inputs, await withNoiseProfile(options))),
    );
}

/** What the noise is, for every command that denoises. */
export function addNoiseOptions(command: Command): Command {
  return command
    .addOption(
      numberOption('--sigma <number>', 'standard deviation of the noise in 8-bit units (default: auto)'),
    )
    .option(
      '--noise <kind or file>',
      'auto, gaussian, poisson-gaussian, or a profile (.json) that flow-denoise noise wrote (default: auto)',
    )
    .addOption(numberOption('--gain <number>', 'poisson-gaussian: variance per unit of signal, 8-bit units'))
    .addOption(
      numberOption('--offset <number>', 'poisson-gaussian: the sample that no light gives (default: 0)'),
    )
    .addOption(
      numberOption(
        '--black <number>',
        "the sample that means black, in the file's own numbers (default: found)",
      ),
    )
    .addOption(
      numberOption('--white <number>', 'the sample that means white; sigma is in 1/255 of white - black'),
    );
}

/** How it is denoised, with what, and what is said of it, for every command that denoises. */
export function addDenoisingOptions(command: Command): Command {
  return command
    .addOption(numberOption('--strength <number>', 'from 0 to 1: how much of the noise goes (default: 1)'))
    .option(
      '--method <name>',
      'beta-map or posterior-mean, alone (default: what --quality balanced stands for)',
    )
    .addOption(
      numberOption('--ensemble <number>', '1, 4 or 8: the mean over mirrored and turned tiles (default: 1)'),
    )
    .addOption(numberOption('--scales <number>', '1, 2 or 3: coarse structure from the tile made smaller'))
    .addOption(numberOption('--beta <number>', 'weight of the noisy picture in beta-map (default: auto)'))
    .option(
      '--prior <name or folder>',
      'one that priors list names, a folder, or auto: the one that suits each picture (default: natural)',
    )
    .option('--engine <name>', 'auto, or one that flow-denoise doctor lists (default: auto)')
    .addOption(numberOption('--tile-size <pixels>', 'side of a tile'))
    .addOption(numberOption('--overlap <pixels>', 'how far tiles overlap'))
    .addOption(numberOption('--threads <number>', 'threads that compute'))
    .addOption(numberOption('--concurrency <number>', 'pictures in memory at a time (default: 2)'))
    .addOption(numberOption('--max-pixels <number>', 'larger pictures are refused (default: 200000000)'))
    .option('--quiet', 'say nothing but errors')
    .option('--json', 'a line of JSON for every picture on stdout');
}

/** An option whose value is a number. */
export function numberOption(flags: string, words: string): Option {
  return new Option(flags, words).argParser(numberOrText);
}

/** What is no number stays text, for the check to name it as it was written. */
function numberOrText(text: string): number | string {
  return text.trim() === '' || Number.isNaN(Number(text)) ? text : Number(text);
}

/** An option whose value is one number, or several with commas between them. */
export function listOption(flags: string, words: string): Option {
  return new Option(flags, words).argParser((text: string) => {
    const values = text.split(',').map(numberOrText);
    return text.includes(',') ? values : values[0];
  });
}
