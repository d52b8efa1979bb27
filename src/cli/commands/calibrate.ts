// `flow-denoise calibrate`: its options and its table. src/train measures.
import type { Command } from 'commander';
import { plural, timeWords } from '../../core/printable.js';
import {
  type CalibrateOptions,
  type Calibration,
  type CalibrationEstimate,
  type CalibrationRow,
  calibrate,
} from '../../train/calibrate/calibrate.js';
import type { Display, RunContext } from '../display/progress.js';
import { listOption, numberOption } from '../option-flags.js';

interface CalibrateArguments {
  readonly options: CalibrateOptions;
  readonly quiet: boolean;
  readonly json: boolean;
}

const EXAMPLES = `
Examples:
  flow-denoise calibrate my-prior photos                 writes the best betas to my-prior
  flow-denoise calibrate my-prior photos --dry-run       only measures
  flow-denoise calibrate my-prior sheets --sheet-tile 64
  flow-denoise calibrate natural photos --dry-run --sigmas 15,25 --crops 8

If the prior was trained on these folders, only the pictures kept for validation are used. flow-denoise train calibrates
at the end.

Exit codes: 0 done, 2 wrong usage, prior, pictures or engine, 130 interrupted.`;

interface RawOptions extends Record<string, unknown> {
  readonly quiet?: boolean;
  readonly json?: boolean;
}

/** @param start  called with the arguments; `calibrate` checks them */
export function describeCalibrate(
  command: Command,
  start: (args: CalibrateArguments) => Promise<void>,
): void {
  command
    .description('find the best beta for a prior on clean pictures, and write it to the prior')
    .argument('<prior>', "a prior's folder")
    .argument('<folders...>', 'clean pictures, at any depth')
    .addOption(listOption('--sigmas <list>', 'noise levels, such as 10,25,50 (default: 5,10,17,25,34,50,80)'))
    .addOption(numberOption('--crops <number>', 'crops to measure (default: 24)'))
    .addOption(numberOption('--crop-size <pixels>', "side of a crop (default: the prior's own)"))
    .addOption(numberOption('--sheet-tile <pixels>', 'the files are contact sheets of pictures of this side'))
    .option('--engine <name>', 'auto, or one that flow-denoise doctor lists (default: auto)')
    .addOption(numberOption('--threads <number>', 'threads that compute'))
    .addOption(
      numberOption('--minutes <number>', 'the most time; measures fewer crops and noise levels if necessary'),
    )
    .option('--dry-run', 'measure, but write nothing')
    .option('--quiet', 'print errors only')
    .option('--json', 'the result as JSON on stdout')
    .addHelpText('after', EXAMPLES)
    .action((prior: string, folder: string[], raw: RawOptions) => {
      const { quiet = false, json = false, sigmas, ...values } = raw;
      const levels = sigmas === undefined ? {} : { sigmas: [sigmas].flat() };
      // `calibrate` checks the values: it has the schema.
      return start({ options: { ...values, ...levels, prior, folder } as CalibrateOptions, quiet, json });
    });
}

/** @throws  errors of `calibrate` */
export async function calibrateCommand(
  { options, json }: CalibrateArguments,
  { display, writeLine, signal }: RunContext,
): Promise<void> {
  const result = await calibrateAloud({ ...options, signal }, display);
  if (json) writeLine(JSON.stringify(result));
}

/** Calibrates; prints the expected time, and each noise level's row when it is finished. */
export async function calibrateAloud(options: CalibrateOptions, display: Display): Promise<Calibration> {
  let isBegun = false;
  const result = await calibrate({
    ...options,
    onEstimate: (estimate) => display.say(estimateLine(estimate)),
    onProgress: ({ row }) => {
      if (row === undefined) return;
      if (!isBegun) display.say(headLine(row));
      isBegun = true;
      display.say(rowLine(row));
    },
  });
  display.say(endLine(options, result));
  return result;
}

/** "calibrating beta-MAP at 7 noise levels on 24 crops: about 4 min 20 s". */
export function estimateLine({ seconds, levels, crops }: CalibrationEstimate): string {
  const counts = `${plural(levels, 'noise level')} on ${plural(crops, 'crop')}`;
  return `calibrating beta-MAP at ${counts}: about ${timeWords(seconds)}`;
}

const WIDTHS = { sigma: 5, decibels: 8, mean: 16, beta: 8 } as const;

function headLine({ posteriorMean }: CalibrationRow): string {
  const mean = posteriorMean === undefined ? '' : 'posterior mean'.padStart(WIDTHS.mean);
  return `${'sigma'.padStart(WIDTHS.sigma)}${'noisy'.padStart(WIDTHS.decibels)}${mean}${'beta-MAP'.padStart(WIDTHS.decibels + 2)}${'beta'.padStart(WIDTHS.beta)}  (dB)`;
}

function rowLine(row: CalibrationRow): string {
  const { sigma255, noisy, posteriorMean, betaMap, beta, fallbacks, isAtEnd } = row;
  const mean = posteriorMean === undefined ? '' : posteriorMean.toFixed(2).padStart(WIDTHS.mean);
  const doubts = [
    ...(isAtEnd ? ['no beta is best: the search reached its limit'] : []),
    ...(fallbacks === 0 ? [] : [`the flow broke down on ${fallbacks}`]),
  ];
  return `${String(Number(sigma255.toPrecision(3))).padStart(WIDTHS.sigma)}${noisy.toFixed(2).padStart(WIDTHS.decibels)}${mean}${betaMap.toFixed(2).padStart(WIDTHS.decibels + 2)}${String(beta).padStart(WIDTHS.beta)}  ${doubts.join('; ')}`.trimEnd();
}

function endLine(
  { prior, dryRun }: CalibrateOptions,
  { rows, crops, files, areKept, engine }: Calibration,
): string {
  if (rows.length === 0) return `no noise level was measured in the given time; ${prior} is not calibrated`;
  const whose = areKept ? ', kept for validation' : '';
  const kept = dryRun ? 'nothing was written' : `written to ${prior}/model.json`;
  return `measured on ${crops} crops of ${plural(files, 'file')}${whose}, engine ${engine}; ${kept}`;
}
