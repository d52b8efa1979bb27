// The command line: its options, their check, its help. Nothing is opened or read here.
import { readFileSync } from 'node:fs';
import { Command, Option } from 'commander';
import { z } from 'zod';
import { FlowDenoiseError } from '../core/errors.js';
import {
  type DenoiserOptions,
  denoiserOptionsSchema,
  parseOptions,
  sigmaSchema,
} from '../denoiser/options.js';
import { concurrencySchema, maxPixelsSchema } from '../plugin/stream-options.js';

export interface CommandArguments {
  /** Files, folders and globs, at least one. */
  readonly inputs: readonly string[];
  /** The folder that is written to. */
  readonly output: string;
  readonly sigma: number;
  readonly concurrency: number;
  readonly maxPixels: number | undefined;
  readonly quiet: boolean;
  readonly json: boolean;
  readonly denoiser: DenoiserOptions;
}

const EXAMPLES = `
Examples:
  flow-denoise photo.jpg -o clean --sigma 15
  flow-denoise photos -o clean --sigma 25               every picture below photos, its tree kept
  flow-denoise "scans/**/*.tif" -o clean --sigma 10 --method posterior-mean
  flow-denoise photos -o clean --sigma 25 --json > report.jsonl

sigma is the standard deviation of the noise in 8-bit units, whatever the file's depth: 5 is faint, 15 plain to
see, 25 strong, 50 very strong.

Exit codes: 0 all done, 1 some file failed (the others are done), 2 wrong usage, 130 interrupted.`;

const SIGMA_MISSING =
  '--sigma is missing: give the standard deviation of the noise in 8-bit units, for example --sigma 15 ' +
  '(5 is faint, 25 strong). Estimating it from the picture comes in a later version';

/**
 * Reads the command line (without node and the script).
 *
 * @throws  CommanderError, its words already printed, for --help, --version and what commander refuses;
 *          FlowDenoiseError BAD_OPTION for a value out of range
 */
export function parseArguments(argv: readonly string[]): CommandArguments {
  const command = describeCommand().parse(argv, { from: 'user' });
  const { output, quiet = false, json = false, ...values } = command.opts<RawOptions>();
  if (values.sigma === undefined) throw new FlowDenoiseError('BAD_OPTION', SIGMA_MISSING);
  const { sigma, concurrency, maxPixels, ...denoiser } = parseOptions(commandSchema, values, 'flow-denoise');
  return { inputs: command.args, output, quiet, json, sigma, concurrency, maxPixels, denoiser };
}

interface RawOptions extends Record<string, unknown> {
  readonly output: string;
  readonly quiet?: boolean;
  readonly json?: boolean;
}

const commandSchema = denoiserOptionsSchema.extend({
  sigma: sigmaSchema,
  concurrency: concurrencySchema,
  maxPixels: maxPixelsSchema,
});

function describeCommand(): Command {
  const number = (flags: string, words: string): Option => new Option(flags, words).argParser(numberOrText);
  return new Command('flow-denoise')
    .description('Takes the noise out of pictures (PNG, JPEG, WebP, TIFF) with a normalizing-flow prior.')
    .version(version(), '--version')
    .argument('<inputs...>', 'files, folders or globs')
    .requiredOption('-o, --output <folder>', 'where the pictures are written, in the same format')
    .addOption(number('--sigma <number>', 'standard deviation of the noise in 8-bit units'))
    .option('--method <name>', 'beta-map, or posterior-mean: faster, slightly noisier (default: beta-map)')
    .addOption(number('--beta <number>', 'weight of the noisy picture in beta-map (default: auto)'))
    .option('--prior <name or folder>', 'the prior: natural, faces64 or a folder (default: natural)')
    .option('--engine <name>', 'auto, onnx, tensorflow or wasm (default: auto)')
    .addOption(number('--tile-size <pixels>', 'side of a tile'))
    .addOption(number('--overlap <pixels>', 'how far tiles overlap'))
    .addOption(number('--threads <number>', 'threads that compute'))
    .addOption(number('--concurrency <number>', 'pictures in memory at a time (default: 2)'))
    .addOption(number('--max-pixels <number>', 'larger pictures are refused (default: 200000000)'))
    .option('--quiet', 'say nothing but errors')
    .option('--json', 'a line of JSON for every picture on stdout')
    .addHelpText('after', EXAMPLES)
    .showHelpAfterError('flow-denoise --help shows all options')
    .exitOverride();
}

/** What is no number stays text, for the check to name it as it was written. */
function numberOrText(text: string): number | string {
  return text.trim() === '' || Number.isNaN(Number(text)) ? text : Number(text);
}

function version(): string {
  const packageJson: unknown = JSON.parse(
    readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
  );
  return z.object({ version: z.string() }).parse(packageJson).version;
}
