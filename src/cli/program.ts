// All commands as one program. What each takes and does is its own file's; here they are named, and their exit codes
// collected.
import { Command } from 'commander';
import { packageVersion } from '../plugin/package-version.js';
import { describeRun } from './arguments.js';
import { describeCache } from './commands/cache.js';
import { calibrateCommand, describeCalibrate } from './commands/calibrate.js';
import { describeDoctor } from './commands/doctor.js';
import { describeEngines } from './commands/engines.js';
import { describeEvaluate } from './commands/evaluate.js';
import { describeNoise } from './commands/noise.js';
import { describePriors } from './commands/priors.js';
import { describeQueue } from './commands/queue.js';
import { describeSubmit } from './commands/submit.js';
import { describeTrain, trainCommand } from './commands/train.js';
import { describeWatch, watchCommand } from './commands/watch.js';
import { describeWorker } from './commands/worker.js';
import { applyConfig, configShape } from './config-file.js';
import { type CommandContext, openDisplay, say } from './display/progress.js';
import { addFlags } from './option-flags.js';
import { withPreviewInput } from './preview/preview-options.js';
import { runCommand } from './run/run.js';
import { denoiseToStandardOutput, isForStandardOutput } from './run/standard-streams.js';

interface ProgramContext extends CommandContext {
  /** Runs a user's program: a signal ends the process, because nothing of ours can stop a loop that never ends. */
  readonly withDefaultSignals: <Result>(work: () => Promise<Result>) => Promise<Result>;
}

/**
 * Runs the command that the arguments (without node and the script) name.
 *
 * @returns  the exit code
 * @throws   CommanderError, its words already printed, for --help, --version and what commander refuses; FlowDenoiseError
 *           for what the command refuses; the signal's reason when aborted
 */
export async function runProgram(argv: readonly string[], context: ProgramContext): Promise<number> {
  const { writeLine, signal, withDefaultSignals } = context;
  let exitCode = 0;
  const program = new Command('flow-denoise')
    .description(
      'Takes the noise out of pictures (PNG, JPEG, WebP, TIFF, AVIF, GIF) with a normalizing-flow prior.',
    )
    .version(packageVersion(), '--version')
    .showHelpAfterError('flow-denoise --help shows all options')
    .exitOverride();

  const run = program.command('run', { isDefault: true });
  describeRun(run, async (args) => {
    const display = openDisplay(args.quiet);
    const { stdin, stdout } = process;
    const failed = isForStandardOutput(args)
      ? await denoiseToStandardOutput(args, { display, stdin, stdout, signal })
      : await runCommand(args, { display, writeLine, signal });
    exitCode = failed > 0 ? 1 : 0;
  });

  const end = (code: number) => {
    exitCode = code;
  };
  describeEngines(program.command('engines'), { signal }, end);
  describeDoctor(program.command('doctor'), { writeLine, signal }, end);
  describeNoise(program.command('noise'), { writeLine, signal }, end);
  describePriors(program.command('priors'), writeLine);
  describeCache(program.command('cache'), writeLine);
  describeEvaluate(program.command('evaluate'), { writeLine, signal, argv });
  const watch = program.command('watch');
  describeWatch(watch, async (args) => {
    exitCode = await watchCommand(args, { display: openDisplay(args.quiet), writeLine, signal });
  });
  describeWorker(program.command('worker'), { writeLine, signal });
  describeSubmit(program.command('submit'), { writeLine, signal }, end);
  describeQueue(program.command('queue'), writeLine);
  describeTrain(program.command('train'), async (args) => {
    exitCode = await trainCommand(args, { display: openDisplay(args.quiet), writeLine, signal });
  });
  describeCalibrate(program.command('calibrate'), (args) =>
    calibrateCommand(args, { display: openDisplay(args.quiet), writeLine, signal }),
  );

  const configurable = [run, watch];
  for (const command of configurable)
    addFlags(command, configShape).hook('preAction', () =>
      withDefaultSignals(() => applyConfig(command, configurable, say)),
    );

  // Whoever asks for help has most often named no command, and means this one.
  program.on('--help', () => process.stdout.write('\n')).on('--help', () => run.outputHelp());
  await program.parseAsync(withPreviewInput(argv), { from: 'user' });
  return exitCode;
}
