// `flow-denoise train`: its options and its output. src/train trains.
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { badOption, FlowDenoiseError } from '../../core/errors.js';
import { printable, timeWords } from '../../core/printable.js';
import type { StepRecord, TrainingRecord, ValidationRecord } from '../../train/progress.js';
import { logLine, PAGE_FILE } from '../../train/report/training-report.js';
import { type TrainOptions, train } from '../../train/train.js';
import { type Display, openDisplay, type RunContext, writeLine } from '../display/progress.js';
import { errorLine, Interrupted } from '../display/report.js';
import { addOptions, type OutputFlags } from '../option-flags.js';
import { calibrateAloud } from './calibrate.js';

const EXAMPLES = `
Examples:
  flow-denoise train photos -o my-prior --minutes 60     trains for an hour
  flow-denoise train photos -o my-prior --resume         continues after a stop, with the same result
  flow-denoise train photos -o quick --preset small --steps 2000
  flow-denoise train prints -o prints --from natural --minutes 30
  flow-denoise train photos art -o both --weights 3,1    three of four crops are from photos
  flow-denoise train photos -o detailed --shrink 0.5     crops of smaller copies too
  flow-denoise train faces -o faces --sheet-tile 64      contact sheets of pictures of 64 x 64
  flow-denoise train faces -o glow --preset paper --sheet-tile 64

The new folder is a prior for --prior: model.json, the weights, and README.md, its card. It also has training.html, with
curves and pictures, rewritten at every validation; log.jsonl; and training, with the checkpoint, which you may delete
at the end. Training needs the engine tensorflow: flow-denoise engines install tensorflow. See docs/training.md.

Exit codes: 0 done, 1 training failed, 2 wrong usage, pictures or engine, 130 interrupted (with a checkpoint).`;

interface RawOptions extends Omit<TrainOptions, 'folder' | 'output'>, OutputFlags {
  readonly output?: string;
  readonly calibrate?: boolean;
}

export function describeTrain(command: Command, signal: AbortSignal): void {
  command
    .description('train your own prior on clean pictures')
    .argument('<folders...>', 'PNG, JPEG, WebP and TIFF pictures, at any depth');
  addOptions(command, {
    '-o, --output <folder>': "the new prior's folder",
    '--preset <name>': 'natural, small or paper (default: natural)',
    '--objective <name>': "likelihood, denoising or both (default: the preset's)",
    '--steps <number>': "how many steps (default: the preset's)",
    '--minutes <number>':
      'how long, instead of --steps; the last validation and calibration add a quarter at most, or a minute',
    '--resume': 'resume from the checkpoint in --output',
    '--from <prior>': 'start from the weights of this prior',
    '--seed <number>': 'seed of noise, crops and first weights (default: 1)',
    '--batch <number>': "crops per step (default: the preset's)",
    '--crop-size <pixels>': "side of a crop (default: the preset's)",
    '--weights <list>':
      "each folder's part of the crops, such as 3,1 (default: every picture comes equally often)",
    '--sheet-tile <pixels>': 'the files are contact sheets of pictures of this side',
    '--augment <how>': 'all, mirror or none (default: all; mirror for contact sheets)',
    '--shrink <scale>': 'also take crops of shrunk pictures, down to 0.75, 0.5 or 0.25 (default: 1)',
    '--rate <number>': "learning rate (default: the preset's)",
    '--levels <number>': "levels of the flow (default: the preset's)",
    '--depth <list>': 'steps of each level, such as 12,8,6 or 6',
    '--width <list>': "channels of each level's networks, such as 64,96,128 or 64",
    '--activation <name>': 'silu or relu, for the networks',
    '--coupling-scale <name>': 'tanh or sigmoid',
    '--validate-every <steps>': 'steps from one validation to the next (default: 250)',
    '--checkpoint-every <steps>': 'steps from one checkpoint to the next (default: 250)',
    '--temperature <number>': 'temperature of the samples on the page; 0 draws none (default: 0.7)',
    '--engine <name>': 'tensorflow, the only one that can train (default: tensorflow)',
    '--no-calibrate': 'do not search for the best beta at the end',
    '--quiet': 'print errors only',
    '--json': 'a line of JSON on stdout for every step, validation and checkpoint',
  })
    .addHelpText('after', EXAMPLES)
    .action(async (folder: string[], raw: RawOptions) => {
      const { quiet, json = false, calibrate = true, output, depth, width, ...values } = raw;
      if (output === undefined) throw badOption('Pass --output <folder> for the prior');
      // `train` checks the values: it has the schema. One number there holds for every level.
      const perLevel = { depth: single(depth), width: single(width) };
      const options = { ...values, ...perLevel, folder, output } as TrainOptions;
      const context = { display: openDisplay(quiet), signal };
      process.exitCode = await trainCommand(options, calibrate, json, context);
    });
}

const single = (list: unknown): unknown => (Array.isArray(list) && list.length === 1 ? list[0] : list);

/** Errors of the work, not of its options. */
const FAILURES: readonly string[] = ['TRAINING_FAILED', 'WRITE_FAILED', 'ENGINE_FAILED'];

/** Trains and calibrates. Returns the exit code. @throws errors of the options; Interrupted when aborted */
async function trainCommand(
  options: TrainOptions,
  isCalibrated: boolean,
  isJson: boolean,
  { display, signal }: RunContext,
): Promise<number> {
  const { folder, output, sheetTile } = options;
  const show = trainingDisplay(display, options.steps);
  let step = 0;
  let savedStep: number | undefined;
  let stepped = performance.now();
  try {
    for await (const record of train({ ...options, signal })) {
      show(record);
      if (isJson) writeLine(logLine(record).trimEnd());
      if (record.kind === 'step') {
        if (step === 0) for (const line of beginLines(options, isCalibrated)) display.say(line);
        step = record.step;
        stepped = performance.now();
      }
      if (record.kind === 'checkpoint') savedStep = record.step;
    }
  } catch (error) {
    if (signal.aborted) throw new Interrupted(stoppedWords(options, savedStep));
    if (!(error instanceof FlowDenoiseError) || !FAILURES.includes(error.code)) throw error;
    display.complain(errorLine(error));
    return 1;
  } finally {
    display.end();
  }
  display.say(`trained: ${number(step)} steps; the prior is in ${printable(output)}`);
  if (!isCalibrated) return 0;
  const again = `flow-denoise calibrate ${printable(output)} ${foldersOf(options)}${sheetTile === undefined ? '' : ` --sheet-tile ${sheetTile}`}`;
  try {
    const spent = (performance.now() - stepped) / 60_000;
    const left = extraMinutes(options.minutes);
    const minutes = left === undefined ? undefined : left - spent;
    if (minutes !== undefined && minutes <= 0) {
      display.say(`no time is left to calibrate it; to do so: ${again}`);
      return 0;
    }
    const { rows } = await calibrateAloud(
      { prior: resolve(output), folder, sheetTile, minutes, signal },
      display,
    );
    if (rows.length === 0) display.say(`to calibrate it: ${again}`);
    return 0;
  } catch (error) {
    if (signal.aborted)
      throw new Interrupted(`stopped; the prior is complete but not calibrated; to calibrate it: ${again}`);
    display.complain(`${errorLine(error)} (the prior is complete; to calibrate it: ${again})`);
    return 1;
  }
}

/** The most that the last validation and calibration add to --minutes. */
function extraMinutes(minutes: number | undefined): number | undefined {
  return minutes === undefined ? undefined : Math.max(1, minutes / 4);
}

/** Printed after the first step. */
export function beginLines({ output, minutes }: TrainOptions, calibrate: boolean): string[] {
  const extra = calibrate ? extraMinutes(minutes) : undefined;
  const page = `progress: ${printable(resolve(output, PAGE_FILE))}`;
  if (minutes === undefined || extra === undefined) return [page];
  const limits = `trains for ${timeWords(60 * minutes)}; the last validation and calibration take ${timeWords(60 * extra)} more at most`;
  return [page, limits];
}

const foldersOf = ({ folder }: TrainOptions) => [folder].flat().map(printable).join(' ');

function stoppedWords(options: TrainOptions, savedStep: number | undefined): string {
  if (savedStep === undefined) return 'stopped before anything could be saved';
  return `stopped at step ${number(savedStep)}, which is saved; to go on: flow-denoise train ${foldersOf(options)} -o ${printable(options.output)} --resume`;
}

/** Without a bar, the least time between lines about steps. */
const SECONDS_BETWEEN_LINES = 30;
const WHOLE = 1000;

/** Returns a function that shows what training yields. @param steps  of the whole training, if its length is in steps */
export function trainingDisplay(display: Display, steps: number | undefined) {
  let spent = 0;
  let last = Number.NEGATIVE_INFINITY;

  function showStep(record: StepRecord): void {
    const words = stepWords(record, steps);
    const { seconds, secondsLeft = Number.POSITIVE_INFINITY } = record;
    spent += seconds;
    display.show('{bar} {words}', WHOLE, Math.round((WHOLE * spent) / (spent + secondsLeft)), { words });
    const now = performance.now() / 1000;
    if (display.hasBar || now - last < SECONDS_BETWEEN_LINES) return;
    last = now;
    display.say(words);
  }

  return (record: TrainingRecord) => {
    switch (record.kind) {
      case 'step':
        return showStep(record);
      case 'validation':
        return display.say(validationWords(record));
      case 'warning':
        return display.complain(`warning: ${record.message}`);
      case 'checkpoint':
        return;
      default:
        return record satisfies never;
    }
  };
}

/** "step 120 of 4,000  loss -0.812  3.42 bits/dim  rate 0.001  0.91 s/step  59 min 2 s left". */
export function stepWords(record: StepRecord, steps: number | undefined): string {
  const { step, loss, bitsPerDimension, rate, seconds, secondsLeft, skipped, restored } = record;
  const words = [
    `step ${number(step)}${steps === undefined ? '' : ` of ${number(steps)}`}`,
    `loss ${loss.toFixed(3)}`,
    `${bitsPerDimension.toFixed(2)} bits/dim`,
    `rate ${Number(rate.toPrecision(2))}`,
    `${seconds.toFixed(2)} s/step`,
    ...(secondsLeft === undefined ? [] : [`${timeWords(secondsLeft)} left`]),
    ...(skipped === undefined ? [] : [`skipped: ${skipped}${restored ? ', back to the snapshot' : ''}`]),
  ];
  return words.join('  ');
}

/** "step 250: 3.310 bits per dimension; 28.12 dB at sigma 25 (noisy 20.17)". */
export function validationWords({ step, bitsPerDimension, psnr }: ValidationRecord): string {
  const decibels = psnr.map(
    ({ sigma255, noisy, denoised }) =>
      `${denoised.toFixed(2)} dB at sigma ${Number(sigma255.toPrecision(3))} (noisy ${noisy.toFixed(2)})`,
  );
  return `step ${number(step)}: ${[`${bitsPerDimension.toFixed(3)} bits per dimension`, ...decibels].join('; ')}`;
}

function number(value: number): string {
  return value.toLocaleString('en-GB');
}
