// `flow-denoise worker`: its options and the output for its events. src/queue does the work.
import type { Command } from 'commander';
import { badOption } from '../../core/errors.js';
import { printable } from '../../core/printable.js';
import { type QueueWorker, startWorker, type WorkerOptions } from '../../queue/index.js';
import { type CommandContext, openDisplay } from '../display/progress.js';
import { doneLine, errorLine, writeEvents } from '../display/report.js';
import { numberOption } from '../option-flags.js';

const EXAMPLES = `
Examples:
  flow-denoise worker --queue redis://queue:6379 --jobs-dir /mnt/share
  flow-denoise worker --queue rediss://queue:6380 --storage s3://pictures/2026
  flow-denoise worker --queue redis://queue:6379 --storage s3://pictures --endpoint https://s3.example.org

Set the queue's user and password in FLOW_DENOISE_QUEUE_USER and FLOW_DENOISE_QUEUE_PASSWORD, and a bucket's where the
AWS SDK looks for them. On a signal the worker finishes its pictures and ends; a second signal ends it at once.
docs/queue.md lists the guarantees.

Exit codes: 0 stopped, 2 wrong usage, or the storage, the user or the password was refused.`;

interface RawOptions extends WorkerOptions {
  readonly quiet?: boolean;
  readonly json?: boolean;
}

/** Opens the display itself: --quiet is an option of this command. */
export function describeWorker(command: Command, { writeLine, signal }: CommandContext): void {
  addQueueOptions(command.description('take pictures from a queue and denoise them, until stopped'))
    .option(
      '--jobs-dir <folder>',
      'the folder that all machines see; jobs name paths below it (default: this one)',
    )
    .option('--storage <s3://bucket/prefix>', 'or the bucket with the pictures')
    .option('--endpoint <url>', "the bucket's server, unless it is AWS")
    .addOption(numberOption('--concurrency <number>', 'the most pictures in memory (default: 2)'))
    .option('--engine <name>', 'auto, or one that flow-denoise doctor lists (default: auto)')
    .addOption(numberOption('--threads <number>', 'threads that compute'))
    .addOption(numberOption('--max-pixels <number>', 'larger pictures fail (default: 200000000)'))
    .addOption(numberOption('--max-bytes <number>', 'larger files fail (default: 2147483648)'))
    .option('--worker-name <name>', 'its name in reports (default: host name and process id)')
    .addOption(
      numberOption('--lock-ms <ms>', 'how long a job stays with a worker that is silent (default: 30000)'),
    )
    .option('--quiet', 'print errors only')
    .option('--json', 'a line of JSON for every event on stdout')
    .addHelpText('after', EXAMPLES)
    .action(async ({ quiet = false, json = false, ...options }: RawOptions) => {
      const worker = startWorker({ ...checkedQueue(options), signal });
      if (json) writeEvents(worker, ['ready', 'done', 'failed', 'left', 'problem', 'back'], writeLine);
      sayEvents(worker, quiet);
      await worker.finished;
    });
}

export function addQueueOptions(command: Command): Command {
  return command
    .option('--queue <url>', 'redis://host:6379/0, or rediss:// for TLS (default: FLOW_DENOISE_QUEUE)')
    .option('--name <name>', "the queue's name (default: pictures)");
}

/** Every user of the machine can see the command line, so it must not hold a password. */
export function checkedQueue<Options extends { readonly queue?: string | undefined }>(
  options: Options,
): Options {
  const { queue } = options;
  if (queue !== undefined && URL.canParse(queue) && new URL(queue).password !== '')
    throw badOption(
      'Expected no password in --queue, where every user of this machine can see it; put it in FLOW_DENOISE_QUEUE_PASSWORD',
    );
  return options;
}

function sayEvents(worker: QueueWorker, isQuiet: boolean): void {
  const display = openDisplay(isQuiet);
  const told = new Set<string>();
  worker
    .on('ready', ({ queue, name, storage }) =>
      display.say(`worker of ${name} at ${queue}, pictures in ${storage}`),
    )
    .on('done', ({ input, output, report }) => {
      display.say(report ? doneLine({ input, output }, report) : `${printable(output)}  existed already`);
    })
    .on('failed', ({ error, isFinal }) =>
      display.complain(`flow-denoise: ${printable(error.message)}${isFinal ? '' : ' (will be tried again)'}`),
    )
    .on('left', ({ input, why }) => {
      // Every job of that version would give the same reason.
      if (!told.has(why))
        display.complain(`flow-denoise: ${printable(input)}: left to other workers: ${printable(why)}`);
      told.add(why);
    })
    .on('problem', ({ error }) => display.complain(errorLine(error)))
    .on('back', () => display.complain('flow-denoise: the queue is back'));
}
