// What `flow-denoise run` is told: its options, their check, its help; and the options that other commands share with
// it. Nothing is opened or read here.
import { type Command, Option } from 'commander';
import { z } from 'zod';
import { FlowDenoiseError } from '../core/errors.js';
import { type CheckedNoiseOptions, noiseOptionsShape } from '../denoiser/noise-options.js';
import { type DenoiserOptions, denoiserOptionsSchema, parseOptions } from '../denoiser/options.js';
import { concurrencySchema, maxPixelsSchema } from '../plugin/stream-options.js';

export interface CommandArguments {
  /** Files, folders and globs, at least one. */
  readonly inputs: readonly string[];
  /** The folder that is written to. */
  readonly output: string;
  readonly noise: Omit<CheckedNoiseOptions, 'sigmaMap'>;
  /** A grey picture with the sigma of every pixel. */
  readonly sigmaMap: string | undefined;
  readonly concurrency: number;
  readonly maxPixels: number | undefined;
  readonly quiet: boolean;
  readonly json: boolean;
  /** The page that is written of it. */
  readonly report: string | undefined;
  readonly denoiser: DenoiserOptions;
}

const EXAMPLES = `
Examples:
  flow-denoise photo.jpg -o clean                       finds the noise by itself
  flow-denoise photos -o clean --sigma 25               every picture below photos, its tree kept
  flow-denoise "scans/**/*.tif" -o clean --sigma 10 --method posterior-mean
  flow-denoise photos -o clean --strength 0.7 --json > report.jsonl
  flow-denoise photos -o clean --report report.html     a page to compare before and after
  flow-denoise scope.tif -o clean --gain 2.5 --sigma 4  a sensor's noise: variance 2.5 x value + 4^2

Without --sigma the noise is estimated from each picture; one that looks clean is copied as it is.

sigma is the standard deviation of the noise in 8-bit units, whatever the file's depth: 5 is faint, 15 plain to
see, 25 strong, 50 very strong.

Exit codes: 0 all done, 1 some file failed (the others are done), 2 wrong usage, 130 interrupted.`;

/** @throws  FlowDenoiseError BAD_OPTION for a value out of range */
function checkedArguments(inputs: readonly string[], options: RawOptions): CommandArguments {
  const { output, quiet = false, json = false, gain, offset, ...values } = options;
  const { sigma, noise, strength, sigmaMap, concurrency, maxPixels, report, ...denoiser } = parseOptions(
    commandSchema,
    gain === undefined && offset === undefined ? values : withSensor(values, gain, offset),
    'flow-denoise',
  );
  const noiseOptions = { sigma, noise, strength };
  return {
    inputs,
    output,
    quiet,
    json,
    noise: noiseOptions,
    sigmaMap,
    concurrency,
    maxPixels,
    report,
    denoiser,
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
  readonly output: string;
  readonly quiet?: boolean;
  readonly json?: boolean;
  readonly gain?: unknown;
  readonly offset?: unknown;
}

const commandSchema = denoiserOptionsSchema.extend({
  sigma: noiseOptionsShape.sigma,
  noise: noiseOptionsShape.noise,
  strength: noiseOptionsShape.strength,
  sigmaMap: z.string().min(1).optional().describe('the path of a grey picture'),
  concurrency: concurrencySchema,
  maxPixels: maxPixelsSchema,
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
    .argument('<inputs...>', 'files, folders or globs')
    .requiredOption('-o, --output <folder>', 'where the pictures are written, in the same format');
  addNoiseOptions(command).option(
    '--sigma-map <file>',
    'a grey picture of the same size: the sigma of every pixel',
  );
  addDenoisingOptions(command)
    .option('--report <file>', 'a page (.html) with every picture before and after, and what was done to it')
    .addHelpText('after', EXAMPLES)
    .action((inputs: string[], options: RawOptions) => start(checkedArguments(inputs, options)));
}

/** What the noise is, for every command that denoises. */
export function addNoiseOptions(command: Command): Command {
  return command
    .addOption(
      numberOption('--sigma <number>', 'standard deviation of the noise in 8-bit units (default: auto)'),
    )
    .option('--noise <kind>', 'auto, gaussian or poisson-gaussian (default: auto)')
    .addOption(numberOption('--gain <number>', 'poisson-gaussian: variance per unit of signal, 8-bit units'))
    .addOption(
      numberOption('--offset <number>', 'poisson-gaussian: the sample that no light gives (default: 0)'),
    );
}

/** How it is denoised, with what, and what is said of it, for every command that denoises. */
export function addDenoisingOptions(command: Command): Command {
  return command
    .addOption(numberOption('--strength <number>', 'from 0 to 1: how much of the noise goes (default: 1)'))
    .option('--method <name>', 'beta-map, or posterior-mean: faster, slightly noisier (default: beta-map)')
    .addOption(numberOption('--beta <number>', 'weight of the noisy picture in beta-map (default: auto)'))
    .option('--prior <name or folder>', 'the prior: natural, faces64 or a folder (default: natural)')
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
