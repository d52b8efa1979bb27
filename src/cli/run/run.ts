// `flow-denoise run`: denoises several pictures at once and writes each one atomically. A failure does not stop the others.
import { stat } from 'node:fs/promises';
import type { Command } from 'commander';
import { FlowDenoiseError } from '../../core/errors.js';
import { readRegularFile, writeFileAtomic } from '../../core/files.js';
import { timeWords } from '../../core/printable.js';
import type { Denoiser } from '../../denoiser/denoiser.js';
import { checkSigma } from '../../denoiser/estimator.js';
import { openDenoiser } from '../../denoiser/open-denoiser.js';
import { approachOf, DEFAULT_PRESET } from '../../denoiser/preset.js';
import { checkLength, isOptionFault } from '../../plugin/encoded-picture.js';
import { type PictureDenoiser, pictureDenoiser } from '../../plugin/picture-denoiser.js';
import { mapInOrder } from '../../tile/in-order.js';
import { type CommandArguments, checkedArguments, commandShape } from '../arguments.js';
import {
  type Display,
  openDisplay,
  type RunContext,
  type TileProgress,
  tileProgress,
  writeLine,
} from '../display/progress.js';
import { doneLine, errorLine, jsonLine } from '../display/report.js';
import { readSigmaMap, sensorShape } from '../noise-flags.js';
import { addFlags } from '../option-flags.js';
import type { HtmlReport } from '../report/html-report.js';
import { type Destination, type Job, refuseOther } from './destination.js';
import { isDoneBefore, replaceOriginal } from './in-place.js';
import { findInputs } from './inputs.js';
import { dryRunLine, isRefused, leftJson, leftLine, planJobs, planLines, presetWithin } from './plan.js';
import { denoiseToStandardOutput, isForStandardOutput } from './standard-streams.js';

const EXAMPLES = `
Examples:
  flow-denoise photo.jpg -o clean                       finds the noise by itself
  flow-denoise photos -o clean --sigma 25               every picture below photos, its tree kept
  flow-denoise "scans/**/*.tif" -o clean --sigma 10 --method posterior-mean
  flow-denoise photos -o clean --strength 0.7 --json > report.jsonl
  flow-denoise photo.jpg -o look --preview --sigma 10,15,25    look/photo-preview.png: noisy and three results
  flow-denoise photos -o clean --dry-run                what would be done, and how long it would take
  flow-denoise a.jpg b.jpg --suffix -clean              a-clean.jpg and b-clean.jpg beside them
  flow-denoise photos --in-place --backup               replaces them, and keeps a.jpg as a.jpg.orig
  flow-denoise - --sigma 20 < noisy.png > clean.png     bytes in, bytes out
  flow-denoise photos -o clean --report report.html     a page to compare before and after
  flow-denoise scope.tif -o clean --gain 2.5 --sigma 4  a sensor's noise: variance 2.5 x value + 4^2

Without --sigma the noise is estimated from each picture; one that looks clean is copied as it is. Existing outputs are
skipped, so you can run again what was stopped; --overwrite replaces them. You may leave out the value of --cache,
--backup and --preview: write --cache=folder, or put the flag last.

Options also come from flow-denoise.config.json, .js, .mjs or .ts in this folder or one above it, by the flags' names
in camelCase: { "sigma": 25, "output": "clean" }. Flags win; paths in the file are taken from its own folder.

sigma is the standard deviation of the noise in 8-bit units, whatever the file's depth: 5 is faint, 15 plain to
see, 25 strong, 50 very strong.

Exit codes: 0 all done, 1 some file failed (the others are done), 2 wrong usage, 130 interrupted.`;

export function describeRun(command: Command, signal: AbortSignal): void {
  command
    .description('denoise files, folders and globs (the default command)')
    .argument('<inputs...>', 'files, folders or globs; - for stdin');
  addFlags(command, { ...commandShape, ...sensorShape })
    .addHelpText('after', EXAMPLES)
    .action(async (inputs: string[], options: Record<string, unknown>) => {
      const args = await checkedArguments(inputs, options);
      const context = { display: openDisplay(args.quiet), signal };
      const denoise = isForStandardOutput(args) ? denoiseToStandardOutput : runCommand;
      process.exitCode = (await denoise(args, context)) > 0 ? 1 : 0;
    });
}

/**
 * Denoises the pictures that the arguments name. Returns how many failed, and folders that could not be read.
 *
 * @throws   FlowDenoiseError before any file was written (inputs, prior, engine, a sigma that the prior does not
 *           know); the signal's reason when aborted, with no temporary file left once the process has ended
 */
async function runCommand(args: CommandArguments, context: RunContext): Promise<number> {
  const { display, signal } = context;
  const { preview, opening, noise, destination } = args;
  if (args.report && !destination.overwrite) {
    const { isReport } = await import('../report/html-report.js');
    await refuseOther(args.report, 'a report', isReport);
  }
  if (preview) return (await import('../preview/preview.js')).previewCommand({ ...args, preview }, context);
  let unreadable = 0;
  const { jobs, notes } = await findInputs(args.inputs, destination, (error) => {
    unreadable++;
    display.complain(errorLine(error));
  });
  for (const note of notes) display.say(note);
  const { waiting, left } = await withoutDone(jobs, destination);
  if (!args.dryRun || waiting.length === 0) tellLeft(left, args, display);
  if (waiting.length === 0) return unreadable;

  const known = args.dryRun ? new Set<Job>() : await knownJobs(waiting, args);
  if (known.size > 0) display.say(`${known.size} of ${waiting.length} results are in the cache`);
  // If all are known, the engine is only opened for a damaged result.
  const denoiser = known.size === waiting.length ? undefined : await openWithin(waiting, args, context);
  const pictures = pictureDenoiser({ ...args, denoiser });
  let page: HtmlReport | undefined;
  try {
    signal.throwIfAborted();
    if (denoiser) checkSigma(noise.sigma, denoiser, { name: '--sigma' });
    // Estimating takes a second or two, so quiet runs skip it.
    const unknown = args.quiet && !args.dryRun ? [] : waiting.filter((job) => !known.has(job));
    const plan = denoiser && unknown.length > 0 ? await planJobs(unknown, denoiser, args, signal) : undefined;
    if (denoiser && plan) for (const line of planLines(plan, denoiser)) display.say(line);
    if (plan && args.dryRun) {
      for (const job of plan.jobs) writeLine(dryRunLine(job, args.json));
      tellLeft(left, args, display);
      display.say('nothing was written (--dry-run)');
      return unreadable + plan.jobs.filter(isRefused).length;
    }
    if (args.report) {
      const { openHtmlReport } = await import('../report/html-report.js');
      const engine = { name: 'none', why: 'all results were in the cache' };
      const told = denoiser ?? { prior: opening.prior, ...approachOf(opening), engine };
      page = await openHtmlReport(args.report, told, waiting.length, noise.strength);
    }
    const progress = plan && tileProgress(display, plan);
    return unreadable + (await denoiseJobs(waiting, pictures.denoise, args, context, progress, page));
  } finally {
    display.end();
    await page?.close();
    await pictures.close();
    await denoiser?.close();
  }
}

/** Opens the denoiser, with the preset that fits --time-budget if there is one. */
async function openWithin(
  jobs: readonly Job[],
  args: CommandArguments,
  { display, signal }: RunContext,
): Promise<Denoiser> {
  const { opening, timeBudget } = args;
  const first = await openDenoiser(opening);
  if (timeBudget === undefined) return first;
  try {
    const { preset = DEFAULT_PRESET, why } = await presetWithin(timeBudget, jobs, first, args, signal);
    display.say(why);
    if (preset === DEFAULT_PRESET) return first;
    await first.close();
    return await openDenoiser({ ...opening, preset });
  } catch (error) {
    await first.close();
    throw error;
  }
}

/** Separates pictures without a result from those with one, unless it is to be replaced. */
async function withoutDone(
  jobs: readonly Job[],
  { overwrite = false, inPlace = false, backup }: Destination,
): Promise<{ waiting: readonly Job[]; left: readonly Job[] }> {
  if (overwrite || (inPlace && backup === undefined)) return { waiting: jobs, left: [] };
  const [waiting, left]: [Job[], Job[]] = [[], []];
  const look = async (job: Job): Promise<{ job: Job; isDone?: boolean }> => {
    if (job.refusal !== undefined) return { job };
    try {
      const isDone =
        backup === undefined ? (await stat(job.output)).isFile() : await isDoneBefore(job.input, backup);
      return { job, isDone };
    } catch (error) {
      // Errors in reading are reported by the run itself.
      return error instanceof FlowDenoiseError ? { job: { ...job, refusal: error } } : { job };
    }
  };
  for await (const { job, isDone } of mapInOrder(jobs, 4, look)) (isDone ? left : waiting).push(job);
  return { waiting, left };
}

function tellLeft(left: readonly Job[], args: CommandArguments, display: Display): void {
  const { json, dryRun, destination } = args;
  for (const job of left) {
    const line = leftLine(job, destination.backup);
    if (json) writeLine(leftJson(job, destination.backup));
    else if (dryRun) writeLine(line);
    if (!dryRun) display.say(line);
  }
}

async function denoiseJobs(
  jobs: readonly Job[],
  denoise: PictureDenoiser['denoise'],
  { sigmaMap, concurrency, file, destination, json, noise }: CommandArguments,
  { display, signal }: RunContext,
  progress: TileProgress | undefined,
  page: HtmlReport | undefined,
): Promise<number> {
  const started = performance.now();
  const { inPlace = false, backup } = destination;
  const map = await readSigmaMap(sigmaMap);
  async function denoiseFile(job: Job) {
    if (job.refusal !== undefined) return { job, error: job.refusal };
    try {
      const before = await stat(job.input, { bigint: true });
      checkLength(Number(before.size), job.input, file.maxBytes);
      const read = () => readRegularFile(job.input, { signal });
      const { bytes, report } = await denoise(await read(), job.input, {
        ...map,
        signal,
        onProgress: ({ tilesDone }) => progress?.(job, tilesDone),
      });
      // Before the result is written, which may replace the input.
      const previews = await page?.look(job, bytes);
      if (!inPlace) {
        // A clean picture is read again, so that no file is held while its picture is in work.
        await writeFileAtomic(job.output, bytes ?? (await read()), { signal });
      } else if (bytes !== undefined) {
        await replaceOriginal(job.input, bytes, before, { backup, signal });
      }
      return { job, report, previews };
    } catch (error) {
      signal.throwIfAborted();
      if (isOptionFault(error)) throw error;
      return { job, error };
    } finally {
      progress?.(job, 'all');
    }
  }

  let failed = 0;
  for await (const outcome of mapInOrder(jobs, concurrency, denoiseFile)) {
    await page?.add(outcome);
    if (json) writeLine(jsonLine(outcome));
    if (outcome.report !== undefined) {
      display.say(doneLine(outcome.job, outcome.report, noise.strength));
    } else {
      failed++;
      display.complain(errorLine(outcome.error));
    }
  }
  const seconds = (performance.now() - started) / 1000;
  let unreported = 0;
  await page?.finish(seconds).catch((error: unknown) => {
    display.complain(errorLine(error));
    unreported = 1;
  });
  const failures = failed === 0 ? '' : `, ${failed} failed`;
  display.say(`${jobs.length - failed} of ${jobs.length} done in ${timeWords(seconds)}${failures}`);
  return failed + unreported;
}

/**
 * With `--cache`: jobs with a result in the cache, which need no engine. Reads and hashes the files. Empty if the method is not
 * chosen yet, or with a sigma map.
 */
async function knownJobs(jobs: readonly Job[], args: CommandArguments): Promise<ReadonlySet<Job>> {
  const known = new Set<Job>();
  if (args.cache === false || args.sigmaMap !== undefined || args.timeBudget !== undefined) return known;
  const { isKnown } = pictureDenoiser(args);
  const look = async (job: Job) => {
    // Errors in reading are reported by the run itself.
    const bytes = await readRegularFile(job.input, { most: args.file.maxBytes }).catch(() => undefined);
    return { job, isThere: bytes !== undefined && (await isKnown(bytes)) };
  };
  for await (const { job, isThere } of mapInOrder(jobs, args.concurrency, look)) if (isThere) known.add(job);
  return known;
}
