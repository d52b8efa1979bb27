// `flow-denoise submit`: finds pictures as `run` does, and puts a job for each into a queue.
import type { Command } from 'commander';
import { badOption } from '../../core/errors.js';
import { plural, printable, timeWords } from '../../core/printable.js';
import { openingShape } from '../../denoiser/options.js';
import { type SubmitOptions, type SubmitSummary, submit } from '../../queue/index.js';
import { jobOptionsSchema } from '../../queue/job.js';
import { openDisplay, writeLine } from '../display/progress.js';
import { doneLine, Interrupted, withoutName } from '../display/report.js';
import { sensorShape, withNoise } from '../noise-flags.js';
import { addFlags, addOptions, type OutputFlags } from '../option-flags.js';
import { findInputs } from '../run/inputs.js';
import { checkedQueue, QUEUE_FLAGS } from './queue.js';

const EXAMPLES = `
Examples:
  flow-denoise submit photos -o clean --queue redis://queue:6379 --wait
  flow-denoise submit /mnt/share/in -o /mnt/share/out --jobs-dir /mnt/share --sigma 25
  flow-denoise submit s3://pictures/in -o s3://pictures/out --endpoint https://s3.example.org

The same picture with the same options is one job, however often it is submitted. Each worker sets its own
engine, threads and largest picture. docs/queue.md lists the guarantees.

Exit codes: 0 all submitted, or with --wait all done; 1 with --wait some picture failed; 2 wrong usage, or the queue or
the storage cannot be reached; 130 interrupted (workers go on).`;

type RawOptions = Omit<SubmitOptions, 'inputs'> & OutputFlags;

export function describeSubmit(command: Command, signal: AbortSignal): void {
  command
    .description('put pictures into a queue, for workers on any machine')
    .argument('<inputs...>', 'files, folders or globs; or s3://bucket/prefix');
  addOptions(command, {
    '-o, --output <folder>': 'the folder for the results, in the same tree; or s3://bucket/prefix',
    ...QUEUE_FLAGS,
    '--jobs-dir <folder>': 'the folder that all machines see; pictures are below it (default: this one)',
    '--endpoint <url>': "the bucket's server, unless it is AWS",
    '--names <what>':
      "path: the originals' names; id: the jobs' ids, which identify the content (default: path)",
    '--max-waiting <number>': 'if more jobs wait, submitting waits too (default: 1000)',
    '--wait': 'wait until all jobs have ended, with the progress of all machines',
  });
  addFlags(command, { ...jobOptionsSchema.shape, prior: openingShape.prior, ...sensorShape })
    .option('--quiet', 'print errors only')
    .option('--json', 'a line of JSON for every picture on stdout')
    .addHelpText('after', EXAMPLES)
    .action(async (inputs: string[], raw: Record<string, unknown>) => {
      if (raw.output === undefined) throw badOption('Pass --output <folder> for the results');
      // `submit` checks the values: it has the schema.
      process.exitCode = await submitCommand(inputs, (await withNoise(raw)) as unknown as RawOptions, signal);
    });
}

/** Returns the exit code. */
async function submitCommand(
  inputs: readonly string[],
  { quiet, json, ...given }: RawOptions,
  signal: AbortSignal,
): Promise<number> {
  const display = openDisplay(quiet);
  const told = new Set<string>();
  const started = performance.now();
  // We know the bytes of the pictures that wait, but the pixels only of finished ones.
  const all = { pictures: 0, bytes: 0 };
  const over = { pictures: 0, bytes: 0, failed: 0, megapixels: 0 };
  const { wait = false } = given;
  const options: Omit<SubmitOptions, 'inputs'> = {
    ...checkedQueue(given),
    signal,
    onProblem: (error) => display.complain(`flow-denoise: ${error.message} Waiting for it.`),
    onLeft(why) {
      if (!told.has(why))
        display.complain(`flow-denoise: a worker left a picture to others: ${printable(why)}`);
      told.add(why);
    },
    onSubmitted(job) {
      all.pictures++;
      all.bytes += job.bytes;
      if (json && !wait) writeLine(JSON.stringify(job));
    },
    onSettled({ job, result, error }) {
      const { id, input, output } = job;
      if (json) writeLine(JSON.stringify({ id, input, output, ...(error ? { error } : result) }));
      over.pictures++;
      over.bytes += job.bytes;
      over.failed += error ? 1 : 0;
      over.megapixels += result?.megapixels ?? 0;
      const seconds = (performance.now() - started) / 1000;
      display.show(
        '{bar} {value}/{total} pictures  {megapixels} MP  {failed} failed  {left} left',
        all.pictures,
        over.pictures,
        {
          megapixels: over.megapixels.toFixed(1),
          failed: over.failed,
          left: over.bytes === 0 ? '-' : timeWords((seconds * (all.bytes - over.bytes)) / over.bytes),
        },
      );
      if (error)
        display.complain(
          `flow-denoise: ${printable(input)}: ${withoutName(printable(error.message), input)}`,
        );
      else if (result?.report) display.say(doneLine(job, result.report));
    },
  };
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
  const { jobs, notes } = await findInputs(inputs, { output, format });
  for (const note of notes) say(note);
  return submit({ ...options, inputs: jobs });
}

function summaryLine({ submitted, known, done, failed }: SubmitSummary, isOver: boolean): string {
  const before = known === 0 ? '' : `, ${known} of them already known to the queue`;
  const ends = isOver ? `: ${done} done${failed === 0 ? '' : `, ${failed} failed`}` : '';
  return `${plural(submitted, 'picture')} submitted${before}${ends}`;
}
