// `flow-denoise queue`: the state of a queue, its failed pictures, and trying them again.
import type { Command } from 'commander';
import { printable } from '../../core/printable.js';
import { openQueue, type PictureQueue, type QueueStatus } from '../../queue/index.js';
import { addQueueOptions, checkedQueue } from './worker.js';

const EXAMPLES = `
Examples:
  flow-denoise queue status --queue redis://queue:6379
  flow-denoise queue failed --json
  flow-denoise queue retry                       all that failed
  flow-denoise queue retry 1f0c9a...             one job, by its id`;

interface RawOptions {
  readonly queue?: string;
  readonly name?: string;
  readonly json?: boolean;
}

/** @param writeLine  writes to stdout */
export function describeQueue(command: Command, writeLine: (line: string) => void): void {
  command.description('show what waits in a queue and what failed').addHelpText('after', EXAMPLES);
  const subcommand = (name: string, description: string) =>
    addQueueOptions(command.command(name).description(description)).option('--json', 'as JSON on stdout');

  async function withQueue(options: RawOptions, use: (queue: PictureQueue) => Promise<void>): Promise<void> {
    const { queue: url, name } = checkedQueue(options);
    const queue = await openQueue({ queue: url, name });
    try {
      await use(queue);
    } finally {
      await queue.close();
    }
  }

  subcommand('status', 'how many pictures wait, are in work, are done, and have failed').action(
    ({ json = false, ...options }: RawOptions) =>
      withQueue(options, async (queue) => {
        const status = await queue.status();
        if (json) writeLine(JSON.stringify(status));
        else for (const line of statusLines(status)) writeLine(printable(line));
      }),
  );
  subcommand('failed', 'the pictures that failed, with the reasons').action(
    ({ json = false, ...options }: RawOptions) =>
      withQueue(options, async (queue) => {
        for await (const job of queue.failed()) {
          const { id, input, error } = job;
          const words = `${id}  ${input}  ${error?.code ?? ''}  ${error?.message ?? ''}`;
          writeLine(json ? JSON.stringify(job) : printable(words));
        }
      }),
  );
  subcommand('retry', 'try failed pictures again')
    .argument('[ids...]', 'ids of jobs (default: all that failed)')
    .action((ids: string[], { json = false, ...options }: RawOptions) =>
      withQueue(options, async (queue) => {
        const retried = await queue.retry(ids.length > 0 ? ids : undefined);
        writeLine(json ? JSON.stringify({ retried }) : `${retried} will be tried again`);
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
