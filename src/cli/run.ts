// The command's work: every picture that was found, several at once, each written whole or not at all. One that
// fails does not stop the others. Words and exit codes are other files' (progress.ts, report.ts, main.ts).
import { readFile } from 'node:fs/promises';
import { FlowDenoiseError } from '../core/errors.js';
import { refuseSigma } from '../denoiser/check-sigma.js';
import type { Denoiser } from '../denoiser/denoiser.js';
import { openDenoiser } from '../denoiser/open-denoiser.js';
import { decodePicture, writeFileAtomic } from '../image/index.js';
import { denoiseEncodedPicture, isOptionFault } from '../plugin/encoded-picture.js';
import { mapInOrder } from '../tile/in-order.js';
import { whiteLevel } from '../tile/picture.js';
import type { CommandArguments } from './arguments.js';
import { type HtmlReport, openHtmlReport } from './html-report.js';
import { findInputs, type Job } from './inputs.js';
import { type PlannedJob, planJobs, planLines, timeWords } from './plan.js';
import type { Display } from './progress.js';
import { doneLine, errorLine, jsonLine, type Outcome } from './report.js';

export interface RunContext {
  readonly display: Display;
  /** Takes the lines of --json. */
  readonly writeJson: (line: string) => void;
  readonly signal: AbortSignal;
}

/**
 * Denoises what the arguments name.
 *
 * @returns  how many files failed
 * @throws   FlowDenoiseError before any file was written (inputs, prior, engine, a sigma that the prior does not
 *           take); the signal's reason when aborted, with no temporary file left once the process has ended
 */
export async function runCommand(args: CommandArguments, context: RunContext): Promise<number> {
  const { display, signal } = context;
  const { jobs, unmatched } = await findInputs(args.inputs, args.output);
  for (const arg of unmatched) display.say(`no pictures found in ${arg}`);

  const denoiser = await openDenoiser(args.denoiser);
  let page: HtmlReport | undefined;
  try {
    signal.throwIfAborted();
    refuseSigma(args.noise.sigma, denoiser, '--sigma');
    if (args.report) page = await openHtmlReport(args.report, denoiser, jobs.length, args.noise.strength);
    return await denoiseJobs(await plannedJobs(jobs, denoiser, args, context), denoiser, args, context, page);
  } finally {
    display.end();
    await page?.close();
    await denoiser.close();
  }
}

/** The samples of a grey picture, 8-bit units. */
async function readSigmaMap(path: string): Promise<Float32Array> {
  const { picture } = await decodePicture(await readFile(path), path);
  if (picture.channels !== 1)
    throw new FlowDenoiseError(
      'BAD_OPTION',
      `Expected a grey picture for --sigma-map but received ${path}, which has colour or alpha`,
    );
  const unit = 255 / whiteLevel(picture.data);
  return Float32Array.from(picture.data, (value) => value * unit);
}

/** Says what lies ahead. The estimate costs a second or two, so nobody who hears nothing pays for it. */
async function plannedJobs(
  jobs: readonly Job[],
  denoiser: Denoiser,
  { quiet }: CommandArguments,
  { display, signal }: RunContext,
): Promise<readonly PlannedJob[]> {
  if (quiet) return jobs.map((job) => ({ ...job, megapixels: 0, tiles: 0 }));
  const plan = await planJobs(jobs, denoiser, signal);
  for (const line of planLines(plan, denoiser)) display.say(line);
  display.begin(plan);
  return plan.jobs;
}

async function denoiseJobs(
  jobs: readonly PlannedJob[],
  denoiser: Denoiser,
  { noise, sigmaMap, concurrency, maxPixels, json }: CommandArguments,
  { display, writeJson, signal }: RunContext,
  page: HtmlReport | undefined,
): Promise<number> {
  const started = performance.now();
  const map = sigmaMap === undefined ? undefined : await readSigmaMap(sigmaMap);
  async function denoiseFile(job: PlannedJob): Promise<Outcome> {
    try {
      const read = () => readFile(job.input, { signal });
      const { bytes, report } = await denoiseEncodedPicture(await read(), job.input, async () => denoiser, {
        ...noise,
        ...(map && { sigmaMap: map }),
        maxPixels,
        signal,
        onProgress: ({ tilesDone }) => display.advance(job, tilesDone),
      });
      await page?.look(job, bytes);
      // What was found clean is read again, so that no file is held while its picture is in work.
      await writeFileAtomic(job.output, bytes ?? (await read()), { signal });
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
    if (json) writeJson(jsonLine(outcome));
    if (outcome.report !== undefined) {
      display.say(doneLine(outcome.job, outcome.report));
    } else {
      failed++;
      display.complain(errorLine(outcome.error));
    }
  }
  const seconds = (performance.now() - started) / 1000;
  const failures = failed === 0 ? '' : `, ${failed} failed`;
  const isReported =
    (await page?.finish().then(
      () => true,
      (error: unknown) => {
        display.complain(errorLine(error));
        return false;
      },
    )) ?? true;
  display.say(`${jobs.length - failed} of ${jobs.length} done in ${timeWords(seconds)}${failures}`);
  return isReported ? failed : failed + 1;
}
