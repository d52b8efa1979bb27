// All commands as one program. Each command has a file; here they are registered, and their exit codes collected.
import { Command } from 'commander';
import { packageVersion } from '../plugin/package-version.js';
import { describeRun } from './arguments.js';
import { describeWatch, watchCommand } from './commands/watch.js';
import { applyConfig, configShape } from './config-file.js';
import { type CommandContext, openDisplay, say } from './display/progress.js';
import { addFlags } from './option-flags.js';
import { withPreviewInput } from './preview/preview-options.js';
import { runCommand } from './run/run.js';
import { denoiseToStandardOutput, isForStandardOutput } from './run/standard-streams.js';

interface ProgramContext extends CommandContext {
  /** Runs a user's program so that a signal ends the process: nothing else stops a loop that never yields. */
  readonly withDefaultSignals: <Result>(work: () => Promise<Result>) => Promise<Result>;
}

/**
 * Runs the command that the arguments (without node and the script) name.
 *
 * @returns  the exit code
 * @throws   CommanderError, already printed, for --help, --version and wrong syntax; FlowDenoiseError for wrong options; the
 *           signal's reason when aborted
 */
export async function runProgram(argv: readonly string[], context: ProgramContext): Promise<number> {
  const { writeLine, signal, withDefaultSignals } = context;
  let exitCode = 0;
  const program = new Command('flow-denoise')
    .description(
      'Removes noise from pictures (PNG, JPEG, WebP, TIFF, AVIF, GIF) with a normalizing-flow prior.',
    )
    .version(packageVersion(), '--version')
    .showHelpAfterError('flow-denoise --help shows all options')
    .exitOverride();

  const shown = (isQuiet: boolean) => ({ display: openDisplay(isQuiet), writeLine, signal });
  const run = program.command('run', { isDefault: true });
  describeRun(run, async (args) => {
    const context = shown(args.quiet);
    const { stdin, stdout } = process;
    const failed = isForStandardOutput(args)
      ? await denoiseToStandardOutput(args, { ...context, stdin, stdout })
      : await runCommand(args, context);
    exitCode = failed > 0 ? 1 : 0;
  });

  const end = (code: number) => {
    exitCode = code;
  };
  const isNamed = (name: string) => [name, 'help', '--help', '-h'].some((word) => argv.includes(word));
  /** Each command has its own imports, so it is loaded only if the arguments may name it or ask for help. */
  async function add(name: string, describe: (command: Command) => Promise<void>): Promise<void> {
    if (isNamed(name)) await describe(program.command(name));
  }
  await add('engines', async (command) => {
    (await import('./commands/engines.js')).describeEngines(command, { signal }, end);
  });
  await add('doctor', async (command) => {
    (await import('./commands/doctor.js')).describeDoctor(command, { writeLine, signal }, end);
  });
  await add('noise', async (command) => {
    (await import('./commands/noise.js')).describeNoise(command, { writeLine, signal }, end);
  });
  await add('priors', async (command) => {
    (await import('./commands/priors.js')).describePriors(command, writeLine);
  });
  await add('cache', async (command) => {
    (await import('./commands/cache.js')).describeCache(command, writeLine);
  });
  await add('evaluate', async (command) => {
    (await import('./commands/evaluate.js')).describeEvaluate(command, { writeLine, signal, argv });
  });
  // Always added, since a file of options may hold its options.
  const watch = program.command('watch');
  describeWatch(watch, async (args) => {
    exitCode = await watchCommand(args, shown(args.quiet));
  });
  await add('worker', async (command) => {
    (await import('./commands/worker.js')).describeWorker(command, { writeLine, signal });
  });
  await add('submit', async (command) => {
    (await import('./commands/submit.js')).describeSubmit(command, { writeLine, signal }, end);
  });
  await add('queue', async (command) => {
    (await import('./commands/queue.js')).describeQueue(command, writeLine);
  });
  await add('train', async (command) => {
    const { describeTrain, trainCommand } = await import('./commands/train.js');
    describeTrain(command, async (args) => {
      exitCode = await trainCommand(args, shown(args.quiet));
    });
  });
  await add('calibrate', async (command) => {
    const { calibrateCommand, describeCalibrate } = await import('./commands/calibrate.js');
    describeCalibrate(command, (args) => calibrateCommand(args, shown(args.quiet)));
  });

  const configurable = [run, watch];
  for (const command of configurable)
    addFlags(command, configShape).hook('preAction', () =>
      withDefaultSignals(() => applyConfig(command, configurable, say)),
    );

  // Someone who asks for help has most often named no command, and means this one.
  program.on('--help', () => process.stdout.write('\n')).on('--help', () => run.outputHelp());
  await program.parseAsync(withPreviewInput(argv), { from: 'user' });
  return exitCode;
}
