#!/usr/bin/env node
// The command's entry: registers the commands, handles signals and sets the exit code. 0: all done; 1: some file failed, the
// others are done; 2: wrong usage, nothing was started; 130: interrupted (143 when terminated, 129 when the terminal closed).
import { Command, CommanderError } from 'commander';
import { packageVersion } from '../plugin/package-version.js';
import { describeWatch } from './commands/watch.js';
import { applyConfig, configShape } from './config-file.js';
import { errorLine, Interrupted } from './display/report.js';
import { addFlags } from './option-flags.js';
import { withPreviewInput } from './preview/preview-options.js';
import { describeRun } from './run/run.js';

/** Gives a command its options and its action, which sets the exit code unless it is 0. */
type Describe = (command: Command, signal: AbortSignal) => void;

/** Each command has its own imports, so it is loaded only if the arguments may name it or ask for help. */
const COMMANDS: Readonly<Record<string, () => Promise<Describe> | Describe>> = {
  engines: async () => (await import('./commands/engines.js')).describeEngines,
  doctor: async () => (await import('./commands/engines.js')).describeDoctor,
  noise: async () => (await import('./commands/noise.js')).describeNoise,
  priors: async () => (await import('./commands/priors.js')).describePriors,
  cache: async () => (await import('./commands/cache.js')).describeCache,
  evaluate: async () => (await import('./commands/evaluate.js')).describeEvaluate,
  watch: () => describeWatch,
  worker: async () => (await import('./commands/queue.js')).describeWorker,
  submit: async () => (await import('./commands/submit.js')).describeSubmit,
  queue: async () => (await import('./commands/queue.js')).describeQueue,
  train: async () => (await import('./commands/train.js')).describeTrain,
  calibrate: async () => (await import('./commands/calibrate.js')).describeCalibrate,
};

const signalCodes = { SIGINT: 130, SIGTERM: 143, SIGHUP: 129 } as const;
type StopSignal = keyof typeof signalCodes;
const signalNames = Object.keys(signalCodes) as StopSignal[];

/**
 * Runs a user's program so that a signal ends the process: nothing else stops a loop that never yields. Listeners, such as
 * those of our locks, would swallow the signal.
 */
async function withDefaultSignals(work: () => Promise<void>): Promise<void> {
  const before = signalNames.map((name) => [name, process.listeners(name)] as const);
  for (const name of signalNames) process.removeAllListeners(name);
  try {
    await work();
  } finally {
    for (const [name, listeners] of before) for (const each of listeners) process.on(name, each);
  }
}

async function programFor(argv: readonly string[], signal: AbortSignal): Promise<Command> {
  const program = new Command('flow-denoise')
    .description(
      'Removes noise from pictures (PNG, JPEG, WebP, TIFF, AVIF, GIF) with a normalizing-flow prior.',
    )
    .version(packageVersion(), '--version')
    .showHelpAfterError('flow-denoise --help shows all options')
    .exitOverride();
  const run = program.command('run', { isDefault: true });
  describeRun(run, signal);
  // `watch` is always added, since a file of options may hold its options.
  const isHelp = ['help', '--help', '-h'].some((word) => argv.includes(word));
  for (const [name, load] of Object.entries(COMMANDS))
    if (isHelp || name === 'watch' || argv.includes(name)) (await load())(program.command(name), signal);

  const configurable = program.commands.filter((each) => ['run', 'watch'].includes(each.name()));
  for (const command of configurable)
    addFlags(command, configShape).hook('preAction', () =>
      withDefaultSignals(() => applyConfig(command, configurable)),
    );
  // Someone who asks for help has most often named no command, and means this one.
  program.on('--help', () => process.stdout.write('\n')).on('--help', () => run.outputHelp());
  return program;
}

async function main(argv: readonly string[]): Promise<void> {
  const stopping = new AbortController();
  let stoppedBy: StopSignal | undefined;
  function onSignal(name: StopSignal): void {
    if (stoppedBy !== undefined) {
      // The first signal stops cleanly; the second ends the process at once, whoever else listens (such as our locks).
      for (const each of signalNames) process.removeAllListeners(each);
      process.kill(process.pid, name);
      return;
    }
    stoppedBy = name;
    stopping.abort();
  }
  for (const each of signalNames) process.on(each, onSignal);
  try {
    const program = await programFor(argv, stopping.signal);
    await program.parseAsync(withPreviewInput(argv), { from: 'user' });
  } catch (error) {
    if (error instanceof CommanderError) process.exitCode = error.exitCode === 0 ? 0 : 2;
    else if (stoppedBy !== undefined) {
      const words =
        error instanceof Interrupted ? error.message : 'stopped; pictures in work were not written';
      process.stderr.write(`flow-denoise: ${words}\n`);
      process.exitCode = signalCodes[stoppedBy];
    } else {
      process.stderr.write(`${errorLine(error)}\n`);
      process.exitCode = 2;
    }
  } finally {
    for (const each of signalNames) process.removeListener(each, onSignal);
  }
}

// The reader of our output may stop reading (`| head`); the pictures still have to be done.
for (const stream of [process.stdout, process.stderr]) {
  stream.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code !== 'EPIPE') throw error;
  });
}
await main(process.argv.slice(2));
