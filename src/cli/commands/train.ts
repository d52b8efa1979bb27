// `flow-denoise train`: its options and its output. src/train trains.
import { resolve } from 'node:path';
import type { Command } from 'commander';
import { badOption, FlowDenoiseError } from '../../core/errors.js';
import { printable, timeWords } from '../../core/printable.js';
import { logLine, PAGE_FILE } from '../../train/report/training-report.js';
import { type TrainOptions, train } from '../../train/train.js';
import type { RunContext } from '../display/progress.js';
import { errorLine, Interrupted } from '../display/report.js';
import { openTrainingDisplay } from '../display/training-display.js';
import { listOption, numberOption } from '../option-flags.js';
import { calibrateAloud } from './calibrate.js';

interface TrainArguments {
  readonly options: TrainOptions;
  readonly calibrate: boolean;
  readonly quiet: boolean;
  readonly json: boolean;
}

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

interface RawOptions extends Record<string, unknown> {
  readonly output?: string;
  readonly calibrate?: boolean;
  readonly quiet?: boolean;
  readonly json?: boolean;
}

/** @param start  called with the arguments; `train` checks them */
export function describeTrain(command: Command, start: (args: TrainArguments) => Promise<void>): void {
  command
    .description('train your own prior on clean pictures')
    .argument('<folders...>', 'PNG, JPEG, WebP and TIFF pictures, at any depth')
    .option('-o, --output <folder>', "the new prior's folder")
    .option('--preset <name>', 'natural, small or paper (default: natural)')
    .option('--objective <name>', "likelihood, denoising or both (default: the preset's)")
    .addOption(numberOption('--steps <number>', "how many steps (default: the preset's)"))
    .addOption(
      numberOption(
        '--minutes <number>',
        'how long, instead of --steps; the last validation and calibration add a quarter at most, or a minute',
      ),
    )
    .option('--resume', 'resume from the checkpoint in --output')
    .option('--from <prior>', 'start from the weights of this prior')
    .addOption(numberOption('--seed <number>', 'seed of noise, crops and first weights (default: 1)'))
    .addOption(numberOption('--batch <number>', "crops per step (default: the preset's)"))
    .addOption(numberOption('--crop-size <pixels>', "side of a crop (default: the preset's)"))
    .addOption(
      listOption(
        '--weights <list>',
        "each folder's part of the crops, such as 3,1 (default: every picture comes equally often)",
      ),
    )
    .addOption(numberOption('--sheet-tile <pixels>', 'the files are contact sheets of pictures of this side'))
    .option('--augment <how>', 'all, mirror or none (default: all; mirror for contact sheets)')
    .addOption(
      numberOption(
        '--shrink <scale>',
        'also take crops of shrunk pictures, down to 0.75, 0.5 or 0.25 (default: 1)',
      ),
    )
    .addOption(numberOption('--rate <number>', "learning rate (default: the preset's)"))
    .addOption(numberOption('--levels <number>', "levels of the flow (default: the preset's)"))
    .addOption(listOption('--depth <list>', 'steps of each level, such as 12,8,6 or 6'))
    .addOption(listOption('--width <list>', "channels of each level's networks, such as 64,96,128 or 64"))
    .option('--activation <name>', 'silu or relu, for the networks')
    .option('--coupling-scale <name>', 'tanh or sigmoid')
    .addOption(
      numberOption('--validate-every <steps>', 'steps from one validation to the next (default: 250)'),
    )
    .addOption(
      numberOption('--checkpoint-every <steps>', 'steps from one checkpoint to the next (default: 250)'),
    )
    .addOption(
      numberOption(
        '--temperature <number>',
        'temperature of the samples on the page; 0 draws none (default: 0.7)',
      ),
    )
    .option('--engine <name>', 'tensorflow, the only one that can train (default: tensorflow)')
    .option('--no-calibrate', 'do not search for the best beta at the end')
    .option('--quiet', 'print errors only')
    .option('--json', 'a line of JSON on stdout for every step, validation and checkpoint')
    .addHelpText('after', EXAMPLES)
    .action((folders: string[], raw: RawOptions) => start(trainArguments(folders, raw)));
}

function trainArguments(folder: string[], raw: RawOptions): TrainArguments {
  const { quiet = false, json = false, calibrate = true, weights, ...values } = raw;
  if (values.output === undefined) throw badOption('Pass --output <folder> for the prior');
  const list = weights === undefined ? {} : { weights: [weights].flat() };
  // `train` checks the values: it has the schema.
  return { options: { ...values, ...list, folder } as TrainOptions, calibrate, quiet, json };
}

/** Errors of the work, not of its options. */
const FAILURES: readonly string[] = ['TRAINING_FAILED', 'WRITE_FAILED', 'ENGINE_FAILED'];

/**
 * Trains and calibrates. Returns the exit code.
 *
 * @throws   errors of the options; Interrupted when aborted
 */
export async function trainCommand(
  { options, calibrate, quiet, json }: TrainArguments,
  context: RunContext,
): Promise<number> {
  const { display, writeLine, signal } = context;
  const { folder, output, sheetTile } = options;
  const training = openTrainingDisplay(quiet, options.steps);
  let step = 0;
  let savedStep: number | undefined;
  let stepped = performance.now();
  try {
    for await (const record of train({ ...options, signal })) {
      training.add(record);
      if (json) writeLine(logLine(record).trimEnd());
      if (record.kind === 'step') {
        if (step === 0) for (const line of beginLines(options, calibrate)) display.say(line);
        step = record.step;
        stepped = performance.now();
      }
      if (record.kind === 'checkpoint') savedStep = record.step;
    }
  } catch (error) {
    training.end();
    if (signal.aborted) throw new Interrupted(stoppedWords(options, savedStep));
    if (!(error instanceof FlowDenoiseError) || !FAILURES.includes(error.code)) throw error;
    display.complain(errorLine(error));
    return 1;
  } finally {
    training.end();
  }
  display.say(`trained: ${step.toLocaleString('en-GB')} steps; the prior is in ${printable(output)}`);
  if (!calibrate) return 0;
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
  return `stopped at step ${savedStep.toLocaleString('en-GB')}, which is saved; to go on: flow-denoise train ${foldersOf(options)} -o ${printable(options.output)} --resume`;
}
