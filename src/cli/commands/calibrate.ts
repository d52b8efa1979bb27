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
import { type Display, openDisplay, writeLine } from '../display/progress.js';
import { addOptions, type OutputFlags } from '../option-flags.js';

const EXAMPLES = `
Examples:
  flow-denoise calibrate my-prior photos                 writes the best betas to my-prior
  flow-denoise calibrate my-prior photos --dry-run       only measures
  flow-denoise calibrate my-prior sheets --sheet-tile 64
  flow-denoise calibrate natural photos --dry-run --sigmas 15,25 --crops 8

If the prior was trained on these folders, only the pictures kept for validation are used. flow-denoise train calibrates
at the end.

Exit codes: 0 done, 2 wrong usage, prior, pictures or engine, 130 interrupted.`;

type RawOptions = Omit<CalibrateOptions, 'prior' | 'folder'> & OutputFlags;

export function describeCalibrate(command: Command, signal: AbortSignal): void {
  command
    .description('find the best beta for a prior on clean pictures, and write it to the prior')
    .argument('<prior>', "a prior's folder")
    .argument('<folders...>', 'clean pictures, at any depth');
  addOptions(command, {
    '--sigmas <list>': 'noise levels, such as 10,25,50 (default: 5,10,17,25,34,50,80)',
    '--crops <number>': 'crops to measure (default: 24)',
    '--crop-size <pixels>': "side of a crop (default: the prior's own)",
    '--sheet-tile <pixels>': 'the files are contact sheets of pictures of this side',
    '--engine <name>': 'auto, or one that flow-denoise doctor lists (default: auto)',
    '--threads <number>': 'threads that compute',
    '--minutes <number>': 'the most time; measures fewer crops and noise levels if necessary',
    '--dry-run': 'measure, but write nothing',
    '--quiet': 'print errors only',
    '--json': 'the result as JSON on stdout',
  })
    .addHelpText('after', EXAMPLES)
    .action(async (prior: string, folder: string[], { quiet, json, ...rest }: RawOptions) => {
      const result = await calibrateAloud({ ...rest, prior, folder, signal }, openDisplay(quiet));
      if (json) writeLine(JSON.stringify(result));
    });
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

/** Columns of sigma, noisy, posterior mean if the prior has it, beta-MAP, beta. */
function columns(sigma: string, noisy: string, mean: string | undefined, map: string, beta: string): string {
  const middle = mean === undefined ? '' : mean.padStart(16);
  return `${sigma.padStart(5)}${noisy.padStart(8)}${middle}${map.padStart(10)}${beta.padStart(8)}`;
}

function headLine({ posteriorMean }: CalibrationRow): string {
  const mean = posteriorMean === undefined ? undefined : 'posterior mean';
  return `${columns('sigma', 'noisy', mean, 'beta-MAP', 'beta')}  (dB)`;
}

function rowLine(row: CalibrationRow): string {
  const { sigma255, noisy, posteriorMean, betaMap, beta, fallbacks, isAtEnd } = row;
  const doubts = [
    ...(isAtEnd ? ['no beta is best: the search reached its limit'] : []),
    ...(fallbacks === 0 ? [] : [`the flow broke down on ${fallbacks}`]),
  ];
  const sigma = String(Number(sigma255.toPrecision(3)));
  const cells = columns(sigma, noisy.toFixed(2), posteriorMean?.toFixed(2), betaMap.toFixed(2), String(beta));
  return `${cells}  ${doubts.join('; ')}`.trimEnd();
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
