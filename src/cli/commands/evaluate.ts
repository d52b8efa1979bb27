// `flow-denoise evaluate`: its options and its output. src/evaluate measures.
import { type Command, Option } from 'commander';
import { badOption } from '../../core/errors.js';
import { plural, timeWords } from '../../core/printable.js';
import { openingShape } from '../../denoiser/options.js';
import {
  type EvaluateOptions,
  type EvaluationProgress,
  evaluate,
  exportPictures,
  writeEvaluation,
} from '../../evaluate/index.js';
import { type Display, openDisplay, writeLine } from '../display/progress.js';
import { addFlags, addOptions, numberOrText, type OutputFlags } from '../option-flags.js';

const EXAMPLES = `
Examples:
  flow-denoise evaluate photos -o evaluation
  flow-denoise evaluate photos -o evaluation --sigma 15,25,50 --preset fast,best --method beta-map
  flow-denoise evaluate photos -o evaluation --beta 1,2,4,8,auto --prior natural,./my-prior --count 12
  flow-denoise evaluate photos -o evaluation --noise poisson-gaussian --gain 2,8 --sigma 2
  flow-denoise evaluate photos -o evaluation --noise camera --iso 3200,12800 --jpeg-quality none,75
  flow-denoise evaluate faces -o paper --protocol paper
  flow-denoise evaluate photos --export pairs           the pictures for other programs, as float TIFFs
  flow-denoise evaluate photos -o evaluation --import BM3D=pairs/bm3d

The folder contains clean pictures. Noise is added from seeds, so a second run gives the same figures. The output is
results.html, results.md, results.csv, results.json and figures. Separate the values of a list by commas.
Without --preset, --method and --beta, it measures the default preset, posterior-mean and beta-map.

Exit codes: 0 done, 2 wrong usage, or a picture, a prior or the engine failed, 130 interrupted.`;

interface RawOptions extends Record<string, unknown>, OutputFlags {
  readonly output?: string;
  readonly export?: string;
  readonly import?: Readonly<Record<string, string>>;
  readonly crop?: string;
}

export function describeEvaluate(command: Command, signal: AbortSignal): void {
  const { engine, tileSize, overlap, threads } = openingShape;
  addFlags(command, { engine, tileSize, overlap, threads })
    .description('measure priors, methods and betas on a folder of clean pictures')
    .argument('<folder>', 'clean pictures, at any depth');
  addOptions(command, {
    '-o, --output <folder>': 'the folder for the results',
    '--protocol <name>': "grid, or paper, which repeats the paper's experiments (default: grid)",
    '--sigma <list>': '8-bit units; the read noise of poisson-gaussian (default: 15,25,50; 0)',
    '--noise <kind>': 'gaussian, poisson-gaussian, or camera: a simulated one (default: gaussian)',
    '--gain <list>': 'poisson-gaussian: variance per unit of signal, 8-bit units',
    '--iso <list>': 'camera: ISO speeds (default: 400,3200,12800,51200)',
    '--jpeg-quality <list>': 'camera: JPEG quality of its files, 1 to 100, or none (default: none)',
    '--jpeg-sampling <chroma>': 'camera: 4:2:0 or 4:4:4 (default: 4:2:0)',
    '--clip': 'clip the noisy pictures at black and white',
    '--preset <list>': 'fast, best: as the command denoises',
    '--method <list>': 'beta-map, posterior-mean: an estimator alone',
    '--beta <list>': 'of beta-map: numbers, auto (default: auto)',
    '--prior <names>': 'names or folders (default: natural; paper: those for faces)',
    '--count <number>': 'the number of pictures (default: all; paper: 32)',
    '--seed <number>': "seed of the first picture's noise (default: 1000)",
    '--crop <size>': 'sides become multiples of a number, or WxH; from the top left (default: 8)',
    '--shown <number>': 'pictures in the grids (default: 2)',
    '--converged <number>': 'paper: pictures that climb to convergence, 201 evaluations each (default: 8)',
    '--export <folder>': 'only write the clean and noisy pictures, for other programs',
  })
    .option('--import <name=folder>', "another program's results; may be given several times", withImport)
    .option('--quiet', 'print errors only')
    .option('--json', 'the results as one line of JSON on stdout')
    // Accepted so that the schema can tell the new name.
    .addOption(new Option('--quality <list>').argParser((text) => text.split(',')).hideHelp())
    .addHelpText('after', EXAMPLES)
    .action((folder: string, options: RawOptions) => evaluateCommand(folder, options, signal));
}

async function evaluateCommand(folder: string, raw: RawOptions, signal: AbortSignal): Promise<void> {
  const { output, export: exported, import: given, crop, converged, quiet, json, ...rest } = raw;
  if (output === undefined && exported === undefined && !json)
    throw badOption('Pass --output <folder>, --json or --export <folder> for the results');
  const display = openDisplay(quiet);
  // `evaluate` checks the values: it has the schema.
  const options = {
    ...rest,
    folder,
    given,
    crop: crop && sizeOf(crop),
    convergedCount: converged,
    signal,
    onEstimate: ({ seconds, total }) =>
      display.say(`${total} pictures to restore, about ${timeWords(seconds)}`),
    onProgress: progressOn(display),
  } as EvaluateOptions;
  try {
    if (exported !== undefined) {
      const { pictures, levels } = await exportPictures(options, exported);
      display.say(
        `${pictures.length} pictures, clean and under ${plural(levels.length, 'noise')}, are in ${exported}`,
      );
      return;
    }
    const evaluation = await evaluate(options);
    const command = `flow-denoise ${process.argv.slice(2).map(quoted).join(' ')}`;
    display.end();
    if (json) writeLine(JSON.stringify(evaluation.results));
    if (output === undefined) return;
    await writeEvaluation(evaluation, output, { command, signal });
    display.say(
      `written to ${output} in ${timeWords(evaluation.results.made.seconds)}: results.html, .md, .csv and .json`,
    );
  } finally {
    display.end();
  }
}

/** A bar, or without one a line for everything that is measured. */
function progressOn(display: Display): (progress: EvaluationProgress) => void {
  let last = '';
  return ({ done, total, what, secondsLeft }) => {
    const left = timeWords(secondsLeft);
    display.show('{bar} {value}/{total} pictures  {left} left  {what}', total, done, { left, what });
    if (display.hasBar || what === last) return;
    last = what;
    display.say(`${done} of ${total}, ${left} left: ${what}`);
  };
}

function withImport(text: string, before: Readonly<Record<string, string>> = {}): Record<string, string> {
  const [, name, folder] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (name !== undefined && folder !== undefined) return { ...before, [name]: folder };
  throw badOption(`Expected a name and a folder, as BM3D=pairs/bm3d, for --import but received ${text}`);
}

/** A number, or a width and a height. */
function sizeOf(text: string): unknown {
  const [, width, height] = /^(\d+)x(\d+)$/.exec(text) ?? [];
  if (width !== undefined) return { width: Number(width), height: Number(height) };
  return numberOrText(text);
}

function quoted(word: string): string {
  return /^[\w./,:=@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;
}
