// `flow-denoise submit`: finds pictures as `run` does, and puts a job for each into a queue.
import type { Command } from 'commander';
import { badOption, type FlowDenoiseError } from '../../core/errors.js';
import { plural, printable } from '../../core/printable.js';
import { openingShape } from '../../denoiser/options.js';
import { type SubmitOptions, type SubmitSummary, submit } from '../../queue/index.js';
import { jobOptionsSchema } from '../../queue/job.js';
import { sensorShape, withSensor } from '../arguments.js';
import { type CommandContext, openQueueDisplay } from '../display/progress.js';
import { doneLine, Interrupted, withoutName } from '../display/report.js';
import { withNoiseProfile } from '../noise-file.js';
import { addFlags, numberOption } from '../option-flags.js';
import { findInputs } from '../run/inputs.js';
import { addQueueOptions, checkedQueue } from './worker.js';

const EXAMPLES = `
Examples:
  flow-denoise submit photos -o clean --queue redis://queue:6379 --wait
  flow-denoise submit /mnt/share/in -o /mnt/share/out --jobs-dir /mnt/share --sigma 25
  flow-denoise submit s3://pictures/in -o s3://pictures/out --endpoint https://s3.example.org

The same picture with the same options is one job, however often it is submitted. Each worker sets its own
engine, threads and largest picture. docs/queue.md lists the guarantees.

Exit codes: 0 all submitted, or with --wait all done; 1 with --wait some picture failed; 2 wrong usage, or the queue or
the storage cannot be reached; 130 interrupted (workers go on).`;

interface RawOptions extends Omit<SubmitOptions, 'inputs' | 'output'> {
  readonly output?: string;
  readonly gain?: unknown;
  readonly offset?: unknown;
  readonly quiet?: boolean;
  readonly json?: boolean;
}

export function describeSubmit(
  command: Command,
  context: CommandContext,
  end: (exitCode: number) => void,
): void {
  command
    .description('put pictures into a queue, for workers on any machine')
    .argument('<inputs...>', 'files, folders or globs; or s3://bucket/prefix')
    .option('-o, --output <folder>', 'the folder for the results, in the same tree; or s3://bucket/prefix');
  addQueueOptions(command)
    .option(
      '--jobs-dir <folder>',
      'the folder that all machines see; pictures are below it (default: this one)',
    )
    .option('--endpoint <url>', "the bucket's server, unless it is AWS")
    .option(
      '--names <what>',
      "path: the originals' names; id: the jobs' ids, which identify the content (default: path)",
    )
    .addOption(
      numberOption('--max-waiting <number>', 'if more jobs wait, submitting waits too (default: 1000)'),
    )
    .option('--wait', 'wait until all jobs have ended, with the progress of all machines');
  addFlags(command, { ...jobOptionsSchema.shape, prior: openingShape.prior, ...sensorShape })
    .option('--quiet', 'print errors only')
    .option('--json', 'a line of JSON for every picture on stdout')
    .addHelpText('after', EXAMPLES)
    .action(async (inputs: string[], raw: RawOptions) => end(await submitCommand(inputs, raw, context)));
}

async function submitCommand(
  inputs: readonly string[],
  raw: RawOptions,
  { writeLine, signal }: CommandContext,
): Promise<number> {
  const {
    quiet = false,
    json = false,
    gain,
    offset,
    output,
    ...rest
  } = (await withNoiseProfile({ ...raw })) as RawOptions;
  if (output === undefined) throw badOption('Pass --output <folder> for the results');
  const values = withSensor({ ...rest }, gain, offset);
  const display = openQueueDisplay(quiet);
  const told = new Set<string>();
  const { wait = false } = rest;
  const options = {
    ...checkedQueue(values as typeof rest),
    output,
    signal,
    onProblem: (error: FlowDenoiseError) =>
      display.complain(`flow-denoise: ${error.message} Waiting for it.`),
    onLeft(why: string) {
      if (!told.has(why))
        display.complain(`flow-denoise: a worker left a picture to others: ${printable(why)}`);
      told.add(why);
    },
    onSubmitted(job) {
      display.add(job.bytes);
      if (json && !wait) writeLine(JSON.stringify(job));
    },
    onSettled(outcome) {
      const { job, result, error } = outcome;
      const { id, input, output } = job;
      if (json) writeLine(JSON.stringify({ id, input, output, ...(error ? { error } : result) }));
      display.settle(outcome);
      if (error)
        display.complain(
          `flow-denoise: ${printable(job.input)}: ${withoutName(printable(error.message), job.input)}`,
        );
      else if (result?.report) display.say(doneLine(job, result.report));
    },
  } satisfies Omit<SubmitOptions, 'inputs'>;
  try {
    const summary = await submitFound(inputs, options, display.say);
    display.end();
    display.say(summaryLine(summary, wait));
    return summary.failed > 0 ? 1 : 0;
  } catch (error) {
    if (signal.aborted) throw new Interrupted('stopped; workers go on with the submitted pictures');
    throw error;
  } finally {
    display.end();
  }
}

async function submitFound(
  inputs: readonly string[],
  options: Omit<SubmitOptions, 'inputs'>,
  say: (line: string) => void,
): Promise<SubmitSummary> {
  const inBucket = [...inputs, options.output].filter((each) => each.startsWith('s3://'));
  if (inBucket.length === inputs.length + 1) return submit({ ...options, inputs });
  if (inBucket.length > 0)
    throw badOption(
      'Expected pictures and --output both in folders or both in a bucket (s3://...): a worker has one storage',
    );
  const { format, output } = options;
  const { jobs, unmatched } = await findInputs(inputs, { output, format });
  for (const arg of unmatched) say(`no pictures found in ${printable(arg)}`);
  return submit({ ...options, inputs: jobs });
}

function summaryLine({ submitted, known, done, failed }: SubmitSummary, isOver: boolean): string {
  const before = known === 0 ? '' : `, ${known} of them already known to the queue`;
  const ends = isOver ? `: ${done} done${failed === 0 ? '' : `, ${failed} failed`}` : '';
  return `${plural(submitted, 'picture')} submitted${before}${ends}`;
}
