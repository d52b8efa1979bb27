// `flow-denoise worker` and `flow-denoise queue`: their options and output. src/queue does the work.
import type { Command } from 'commander';
import { badOption } from '../../core/errors.js';
import { printable } from '../../core/printable.js';
import {
  type OpenQueueOptions,
  openQueue,
  type PictureQueue,
  type QueueStatus,
  type QueueWorker,
  startWorker,
  type WorkerOptions,
} from '../../queue/index.js';
import { type Display, openDisplay, writeEvents, writeLine } from '../display/progress.js';
import { doneLine, errorLine } from '../display/report.js';
import { addOptions, type OutputFlags } from '../option-flags.js';

/** Where the queue is, for every command that uses it. */
export const QUEUE_FLAGS = {
  '--queue <url>': 'redis://host:6379/0, or rediss:// for TLS (default: FLOW_DENOISE_QUEUE)',
  '--name <name>': "the queue's name (default: pictures)",
};

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

const WORKER_HELP = `
Examples:
  flow-denoise worker --queue redis://queue:6379 --jobs-dir /mnt/share
  flow-denoise worker --queue rediss://queue:6380 --storage s3://pictures/2026
  flow-denoise worker --queue redis://queue:6379 --storage s3://pictures --endpoint https://s3.example.org

Set the queue's user and password in FLOW_DENOISE_QUEUE_USER and FLOW_DENOISE_QUEUE_PASSWORD, and a bucket's where the
AWS SDK looks for them. On a signal the worker finishes its pictures and ends; a second signal ends it at once.
docs/queue.md lists the guarantees.

Exit codes: 0 stopped, 2 wrong usage, or the storage, the user or the password was refused.`;

export function describeWorker(command: Command, signal: AbortSignal): void {
  addOptions(command.description('take pictures from a queue and denoise them, until stopped'), {
    ...QUEUE_FLAGS,
    '--jobs-dir <folder>': 'the folder that all machines see; jobs name paths below it (default: this one)',
    '--storage <s3://bucket/prefix>': 'or the bucket with the pictures',
    '--endpoint <url>': "the bucket's server, unless it is AWS",
    '--concurrency <number>': 'the most pictures in memory (default: 2)',
    '--engine <name>': 'auto, or one that flow-denoise doctor lists (default: auto)',
    '--threads <number>': 'threads that compute',
    '--max-pixels <number>': 'larger pictures fail (default: 200000000)',
    '--max-bytes <number>': 'larger files fail (default: 2147483648)',
    '--worker-name <name>': 'its name in reports (default: host name and process id)',
    '--lock-ms <ms>': 'how long a job stays with a worker that is silent (default: 30000)',
    '--quiet': 'print errors only',
    '--json': 'a line of JSON for every event on stdout',
  })
    .addHelpText('after', WORKER_HELP)
    .action(async ({ quiet, json, ...options }: WorkerOptions & OutputFlags) => {
      const worker = startWorker({ ...checkedQueue(options), signal });
      if (json) writeEvents(worker, ['ready', 'done', 'failed', 'left', 'problem', 'back']);
      sayEvents(worker, openDisplay(quiet));
      await worker.finished;
    });
}

function sayEvents(worker: QueueWorker, display: Display): void {
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

const QUEUE_HELP = `
Examples:
  flow-denoise queue status --queue redis://queue:6379
  flow-denoise queue failed --json
  flow-denoise queue retry                       all that failed
  flow-denoise queue retry 1f0c9a...             one job, by its id`;

type RawOptions = Pick<OpenQueueOptions, 'queue' | 'name'> & OutputFlags;

export function describeQueue(command: Command): void {
  command.description('show what waits in a queue and what failed').addHelpText('after', QUEUE_HELP);
  const subcommand = (name: string, description: string) =>
    addOptions(command.command(name).description(description), {
      ...QUEUE_FLAGS,
      '--json': 'as JSON on stdout',
    });

  async function withQueue(options: RawOptions, use: (queue: PictureQueue) => Promise<void>): Promise<void> {
    const { queue: url, name } = checkedQueue(options);
    const queue = await openQueue({ queue: url, name });
    await use(queue).finally(() => queue.close());
  }

  subcommand('status', 'how many pictures wait, are in work, are done, and have failed').action(
    (options: RawOptions) =>
      withQueue(options, async (queue) => {
        const status = await queue.status();
        if (options.json) writeLine(JSON.stringify(status));
        else for (const line of statusLines(status)) writeLine(printable(line));
      }),
  );
  subcommand('failed', 'the pictures that failed, with the reasons').action((options: RawOptions) =>
    withQueue(options, async (queue) => {
      for await (const job of queue.failed()) {
        const { id, input, error } = job;
        const words = `${id}  ${input}  ${error?.code ?? ''}  ${error?.message ?? ''}`;
        writeLine(options.json ? JSON.stringify(job) : printable(words));
      }
    }),
  );
  subcommand('retry', 'try failed pictures again')
    .argument('[ids...]', 'ids of jobs (default: all that failed)')
    .action((ids: string[], options: RawOptions) =>
      withQueue(options, async (queue) => {
        const retried = await queue.retry(ids.length > 0 ? ids : undefined);
        writeLine(options.json ? JSON.stringify({ retried }) : `${retried} will be tried again`);
      }),
    );
}

function statusLines({ waiting, active, delayed, done, failed, workers, left }: QueueStatus): string[] {
  const rows = {
    waiting,
    'in work': active,
    'put off': delayed,
    done,
    failed,
    workers: workers ?? 'unknown',
  };
  const reasons = Object.entries(left).map(([why, count]) => `${count} left by a worker: ${why}`);
  return [...Object.entries(rows).map(([name, value]) => `${name.padEnd(8)} ${value}`), ...reasons];
}
