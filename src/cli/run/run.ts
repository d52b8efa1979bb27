// Denoises several pictures at once and writes each one atomically. A failure does not stop the others.
import { stat } from 'node:fs/promises';
import { FlowDenoiseError } from '../../core/errors.js';
import { readRegularFile, writeFileAtomic } from '../../core/files.js';
import { printable, timeWords } from '../../core/printable.js';
import type { Denoiser } from '../../denoiser/denoiser.js';
import { checkSigma } from '../../denoiser/estimator.js';
import { openDenoiser } from '../../denoiser/open-denoiser.js';
import { approachOf, DEFAULT_PRESET } from '../../denoiser/preset.js';
import { checkLength, isOptionFault } from '../../plugin/encoded-picture.js';
import { type PictureDenoiser, pictureDenoiser } from '../../plugin/picture-denoiser.js';
import { mapInOrder } from '../../tile/in-order.js';
import type { CommandArguments } from '../arguments.js';
import type { RunContext } from '../display/progress.js';
import { doneLine, errorLine, jsonLine, type Outcome } from '../display/report.js';
import { readSigmaMap } from '../noise-file.js';
import type { HtmlReport, openHtmlReport } from '../report/html-report.js';
import type { Destination } from './destination.js';
import { isDoneBefore, replaceOriginal, stampOf } from './in-place.js';
import { findInputs, type Job } from './inputs.js';
import { withOutputFile } from './output-file.js';
import {
  dryRunLines,
  isRefused,
  type Left,
  leftJson,
  leftLine,
  type PlannedJob,
  planJobs,
  planLines,
} from './plan.js';
import { presetWithin } from './time-budget.js';

/**
 * Denoises the pictures that the arguments name. Returns how many failed.
 *
 * @throws   FlowDenoiseError before any file was written (inputs, prior, engine, a sigma that the prior does not
 *           know); the signal's reason when aborted, with no temporary file left once the process has ended
 */
export async function runCommand(given: CommandArguments, context: RunContext): Promise<number> {
  const { display, signal } = context;
  const args = await withOutputFile(given);
  const { preview } = args;
  if (preview) return (await import('../preview/preview.js')).previewCommand({ ...args, preview }, context);
  const { jobs, unmatched, results, backups } = await findInputs(args.inputs, args.destination);
  for (const arg of unmatched) display.say(`no pictures found in ${printable(arg)}`);
  for (const path of results)
    display.say(`${printable(path)}  left out: it is the result of another picture`);
  for (const path of backups)
    display.say(`${printable(path)}  left out: it is the backup of another picture`);
  const { waiting, left } = await withoutDone(jobs, args.destination);
  if (!args.dryRun) tellLeft(left, args, context);
  if (waiting.length === 0 && !args.dryRun) return 0;

  const known = args.dryRun ? new Set<Job>() : await knownJobs(waiting, args);
  if (known.size > 0) display.say(`${known.size} of ${waiting.length} results are in the cache`);
  if (known.size === waiting.length) return denoiseKnown(waiting, args, context);
  const denoiser = await openWithin(waiting, args, context);
  let page: HtmlReport | undefined;
  try {
    signal.throwIfAborted();
    checkSigma(args.noise.sigma, denoiser, { name: '--sigma' });
    if (args.dryRun) return await tellPlan(waiting, left, denoiser, args, context);
    if (args.report) page = await openPage(args.report, denoiser, waiting.length, args.noise.strength);
    const planned = await plannedJobs(waiting, known, denoiser, args, context);
    const { denoise } = pictureDenoiser({ ...args, denoiser });
    return await denoiseJobs(planned, denoise, args, context, page);
  } finally {
    display.end();
    await page?.close();
    await denoiser.close();
  }
}

/** Opens the page of `--report`, whose code is loaded only if needed. */
async function openPage(...told: Parameters<typeof openHtmlReport>): Promise<HtmlReport> {
  return (await import('../report/html-report.js')).openHtmlReport(...told);
}

/** For a run with all results in the cache. Opens an engine only if one is damaged. */
async function denoiseKnown(
  jobs: readonly Job[],
  args: CommandArguments,
  context: RunContext,
): Promise<number> {
  const { report, opening, noise } = args;
  const engine = { name: 'none', why: 'all results were in the cache' };
  const pictures = pictureDenoiser(args);
  const page = report
    ? await openPage(
        report,
        { prior: opening.prior, ...approachOf(opening), engine },
        jobs.length,
        noise.strength,
      )
    : undefined;
  try {
    return await denoiseJobs(jobs.map(unplanned), pictures.denoise, args, context, page);
  } finally {
    context.display.end();
    await page?.close();
    await pictures.close();
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
): Promise<{ waiting: readonly Job[]; left: readonly Left[] }> {
  if (overwrite || (inPlace && backup === undefined)) return { waiting: jobs, left: [] };
  const [waiting, left]: [Job[], Left[]] = [[], []];
  for await (const { job, done } of mapInOrder(jobs, LOOKS_AT_ONCE, (each) => lookForResult(each, backup)))
    if (done === undefined) waiting.push(job);
    else left.push(done);
  return { waiting, left };
}

const LOOKS_AT_ONCE = 4;

async function lookForResult(job: Job, backup: string | undefined): Promise<{ job: Job; done?: Left }> {
  if (job.refusal !== undefined) return { job };
  if (backup === undefined) {
    const status = await stat(job.output).catch(() => undefined);
    return status?.isFile() ? { job, done: { job } } : { job };
  }
  try {
    const isDone = await isDoneBefore(job.input, backup);
    return isDone ? { job, done: { job, backup: `${job.input}${backup}` } } : { job };
  } catch (error) {
    // Errors in reading are reported by the run itself.
    return error instanceof FlowDenoiseError ? { job: { ...job, refusal: error } } : { job };
  }
}

function tellLeft(
  left: readonly Left[],
  { json }: CommandArguments,
  { display, writeLine }: RunContext,
): void {
  for (const each of left) {
    if (json) writeLine(leftJson(each));
    display.say(leftLine(each));
  }
}

async function tellPlan(
  waiting: readonly Job[],
  left: readonly Left[],
  denoiser: Denoiser,
  args: CommandArguments,
  { display, writeLine, signal }: RunContext,
): Promise<number> {
  const plan = await planJobs(waiting, denoiser, args, signal);
  for (const line of dryRunLines(plan, left, args.json)) writeLine(line);
  for (const line of planLines(plan, denoiser)) display.say(line);
  display.say('nothing was written (--dry-run)');
  return plan.jobs.filter(isRefused).length;
}

/** Reports the work ahead. Estimating takes a second or two, so quiet runs skip it. */
async function plannedJobs(
  jobs: readonly Job[],
  known: ReadonlySet<Job>,
  denoiser: Denoiser,
  args: CommandArguments,
  { display, signal }: RunContext,
): Promise<readonly PlannedJob[]> {
  if (args.quiet) return jobs.map(unplanned);
  const plan = await planJobs(
    jobs.filter((job) => !known.has(job)),
    denoiser,
    args,
    signal,
  );
  for (const line of planLines(plan, denoiser)) display.say(line);
  display.begin(plan);
  // By the output, since one picture may have two.
  const planned = new Map(plan.jobs.map((job) => [job.output, job]));
  return jobs.map((job) => planned.get(job.output) ?? unplanned(job));
}

function unplanned(job: Job): PlannedJob {
  return { ...job, megapixels: 0, tiles: 0, seconds: 0 };
}

async function denoiseJobs(
  jobs: readonly PlannedJob[],
  denoise: PictureDenoiser['denoise'],
  { sigmaMap, concurrency, file, destination, json, noise }: CommandArguments,
  { display, writeLine, signal }: RunContext,
  page: HtmlReport | undefined,
): Promise<number> {
  const started = performance.now();
  const { inPlace = false, backup } = destination;
  const map = sigmaMap === undefined ? undefined : await readSigmaMap(sigmaMap);
  async function denoiseFile(job: PlannedJob): Promise<Outcome> {
    if (job.refusal !== undefined) return { job, error: job.refusal };
    try {
      const before = await stampOf(job.input);
      checkLength(Number(before.size), job.input, file.maxBytes);
      const read = () => readRegularFile(job.input, { signal });
      const { bytes, report } = await denoise(await read(), job.input, {
        ...(map && { sigmaMap: map }),
        signal,
        onProgress: ({ tilesDone }) => display.advance(job, tilesDone),
      });
      await page?.look(job, bytes);
      if (!inPlace) {
        // A clean picture is read again, so that no file is held while its picture is in work.
        await writeFileAtomic(job.output, bytes ?? (await read()), { signal });
      } else if (bytes !== undefined) {
        await replaceOriginal(job.input, bytes, before, { backup, signal });
      }
      return { job, report };
    } catch (error) {
      signal.throwIfAborted();
      if (isOptionFault(error)) throw error;
      return { job, error };
    } finally {
      display.settle(job);
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
  const failures = failed === 0 ? '' : `, ${failed} failed`;
  const isReported =
    (await page?.finish(seconds).then(
      () => true,
      (error: unknown) => {
        display.complain(errorLine(error));
        return false;
      },
    )) ?? true;
  display.say(`${jobs.length - failed} of ${jobs.length} done in ${timeWords(seconds)}${failures}`);
  return isReported ? failed : failed + 1;
}

/**
 * With `--cache`: jobs with a result in the cache, which need no engine. Reads and hashes the files. Empty if the method is not
 * chosen yet, or with a sigma map.
 */
async function knownJobs(jobs: readonly Job[], args: CommandArguments): Promise<ReadonlySet<Job>> {
  const known = new Set<Job>();
  if (args.cache === false || args.sigmaMap !== undefined || args.timeBudget !== undefined) return known;
  const { isKnown } = pictureDenoiser(args);
  const look = async ({ input }: Job): Promise<boolean> => {
    // Errors in reading are reported by the run itself.
    const size = (await stat(input).catch(() => undefined))?.size ?? Number.POSITIVE_INFINITY;
    if (size > args.file.maxBytes) return false;
    const bytes = await readRegularFile(input).catch(() => undefined);
    return bytes !== undefined && isKnown(bytes);
  };
  const looks = mapInOrder(jobs, args.concurrency, async (job) => ({ job, isThere: await look(job) }));
  for await (const { job, isThere } of looks) if (isThere) known.add(job);
  return known;
}
