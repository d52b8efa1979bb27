// The plan of a run, from the pictures' headers: sizes, tiles, expected time; `--dry-run`, which prints it; `--time-budget`,
// which takes the best preset that fits.
import { stat } from 'node:fs/promises';
import { messageOf } from '../../core/errors.js';
import { readRegularFile } from '../../core/files.js';
import { sum } from '../../core/metrics/index.js';
import { AUTO_PRIOR } from '../../core/model/find-prior.js';
import type { Size } from '../../core/picture.js';
import { plural, printable, timeWords } from '../../core/printable.js';
import type { Approach, Denoiser, Preset } from '../../denoiser/denoiser.js';
import { checkSigma } from '../../denoiser/estimator.js';
import { PRESET_NAMES, PRESETS } from '../../denoiser/preset.js';
import { readPictureHeader } from '../../image/index.js';
import { checkLength } from '../../plugin/encoded-picture.js';
import type { FileOptions } from '../../plugin/stream-options.js';
import { mapInOrder } from '../../tile/in-order.js';
import { errorJson, wayOf, withoutName } from '../display/report.js';
import type { Job } from './destination.js';

const LONG_SECONDS = 60;

interface PlannedJob extends Job {
  /** Undefined if the picture is refused; megapixels, tiles and seconds are 0 then. */
  readonly size?: Size | undefined;
  readonly megapixels: number;
  readonly tiles: number;
  /** Expected. */
  readonly seconds: number;
  /** Why the run will refuse the picture. */
  readonly error?: unknown;
}

export type Plan = Awaited<ReturnType<typeof planJobs>>;

/** The options that decide which pictures a run refuses. */
interface PlanOptions {
  readonly noise: { readonly sigma: number | 'auto' };
  readonly file: Pick<FileOptions, 'maxPixels' | 'maxBytes'>;
  readonly concurrency: number;
}

/** Measures the machine (a second or two), and checks the files as the run does, without decoding them. Keeps their order. */
export async function planJobs(
  jobs: readonly Job[],
  denoiser: Denoiser,
  options: PlanOptions,
  signal: AbortSignal,
) {
  const looked: Awaited<ReturnType<typeof lookAt>>[] = [];
  const look = (job: Job) => lookAt(job, denoiser, options, signal);
  for await (const each of mapInOrder(jobs, options.concurrency, look)) {
    signal.throwIfAborted();
    looked.push(each);
  }
  const sizes = looked.flatMap(({ frames }) => frames);
  // All at once first: the machine is measured only if there is much to do.
  const { seconds } = await denoiser.estimate(sizes);
  const planned: PlannedJob[] = [];
  for (const { job, frames, error } of looked) {
    const [size] = frames;
    const megapixels = sum(frames.map(({ width, height }) => (width * height) / 1e6));
    const { tiles, seconds } = size ? await denoiser.estimate(frames) : { tiles: 0, seconds: 0 };
    planned.push({ ...job, size, megapixels, tiles, seconds, error });
  }
  const isLong = seconds > LONG_SECONDS && hasPresets(denoiser);
  const fast = isLong ? (await denoiser.estimate(sizes, PRESETS.fast)).seconds : seconds;
  return {
    jobs: planned,
    /** Of all pictures and their frames. */
    sizes,
    megapixels: sum(planned.map((job) => job.megapixels)),
    tiles: sum(planned.map((job) => job.tiles)),
    seconds,
    /** Seconds with `--preset fast`, if the plan takes long and that is faster. */
    fastSeconds: fast < seconds ? fast : undefined,
  };
}

/** The sizes of a picture's frames, or none and the run's error. */
async function lookAt(job: Job, denoiser: Denoiser, { noise, file }: PlanOptions, signal: AbortSignal) {
  try {
    if (job.refusal !== undefined) throw job.refusal;
    checkLength((await stat(job.input)).size, job.input, file.maxBytes);
    const bytes = await readRegularFile(job.input, { signal });
    const options = { maxPixels: file.maxPixels, animations: true };
    const { width, height, channels, frames } = await readPictureHeader(bytes, printable(job.input), options);
    checkSigma(noise.sigma, denoiser, { kind: channels <= 2 ? 'grey' : 'colour' });
    return { job, frames: new Array<Size>(frames).fill({ width, height }) };
  } catch (error) {
    signal.throwIfAborted();
    return { job, frames: [], error };
  }
}

export function planLines(plan: Plan, denoiser: Denoiser): string[] {
  const { jobs, megapixels, tiles, seconds, fastSeconds } = plan;
  const refused = jobs.filter(isRefused).length;
  const others = refused > 0 ? ` (and ${refused} that cannot be taken)` : '';
  const { prior, engine } = denoiser;
  const priorWords = prior === AUTO_PRIOR ? 'the prior that suits each picture' : `the prior ${prior}`;
  return [
    `${plural(jobs.length - refused, 'picture')}${others}, ${megapixels.toFixed(megapixels < 10 ? 2 : 0)} MP ` +
      `in ${plural(tiles, 'tile')}: about ${timeWords(seconds)} ` +
      `with ${approachWords(denoiser)} under ${priorWords} on ${engine.name} (${engine.why})`,
    ...(fastSeconds === undefined ? [] : [`--preset fast would take about ${timeWords(fastSeconds)}`]),
  ];
}

/** The method and, if there are several, its symmetries and scales. */
export function approachWords({ method, ensemble, scales }: Approach): string {
  const name = method === 'beta-map' ? 'beta-MAP' : 'the posterior mean';
  const symmetries = ensemble === 1 ? '' : ` over ${ensemble} symmetries`;
  return name + symmetries + (scales === 1 ? '' : ` at ${scales} scales`);
}

export const isRefused = ({ error }: PlannedJob): boolean => error !== undefined;

/** Presets are posterior means, which only a prior conditioned on the noise level has. */
const hasPresets = ({ sigmaRange }: Denoiser) => sigmaRange !== undefined;

/** A preset and its expected time in seconds. */
interface Candidate {
  readonly preset: Preset;
  readonly seconds: number;
}

/** The preset for --time-budget, in seconds, if the prior has presets, and the reason for the user. */
export async function presetWithin(
  budget: number,
  jobs: readonly Job[],
  denoiser: Denoiser,
  options: PlanOptions,
  signal: AbortSignal,
): Promise<{ readonly preset?: Preset; readonly why: string }> {
  if (!hasPresets(denoiser))
    return {
      why: `the prior ${denoiser.prior} has ${approachWords(denoiser)} only; --time-budget does nothing`,
    };
  const { sizes } = await planJobs(jobs, denoiser, options, signal);
  const candidates: Candidate[] = [];
  for (const preset of PRESET_NAMES)
    candidates.push({ preset, seconds: (await denoiser.estimate(sizes, PRESETS[preset])).seconds });
  return choose(budget, candidates);
}

/** The best candidate that fits, or else the fastest. They are sorted from the fastest to the slowest, which is the best. */
export function choose(budget: number, candidates: readonly Candidate[]) {
  const limit = timeWords(budget);
  const about = ({ seconds }: Candidate) => `about ${timeWords(seconds)}`;
  const at = candidates.findLastIndex(({ seconds }) => seconds <= budget);
  const [chosen, better] = [candidates[Math.max(0, at)], candidates[at + 1]];
  if (!chosen) throw new RangeError('there is nothing to choose from');
  const { preset } = chosen;
  if (at < 0)
    return { preset, why: `nothing fits into ${limit}; taking the preset ${preset}: ${about(chosen)}` };
  const slower = better ? `; ${better.preset} would take ${about(better)}` : '';
  return { preset, why: `the preset ${preset} fits into ${limit}: ${about(chosen)}${slower}` };
}

export function dryRunLine(job: PlannedJob, isJson: boolean): string {
  const { input, output, size, megapixels, tiles, seconds, error } = job;
  if (isJson) {
    const told = size ? { ...size, tiles, seconds } : { error: errorJson(error) };
    return JSON.stringify({ input, output, ...told });
  }
  const words = size
    ? `${size.width} x ${size.height}, ${megapixels.toFixed(2)} MP  about ${timeWords(seconds)}`
    : `refused: ${withoutName(printable(messageOf(error)), input)}`;
  return `${wayOf(job)}  ${words}`;
}

/** The line of a picture that needs no work. @param backup  in place: the suffix of its original */
export function leftLine(job: Job, backup: string | undefined): string {
  const why =
    backup === undefined
      ? 'already exists (--overwrite replaces it)'
      : `denoised before; its original is ${printable(job.input + backup)} (move that back to denoise it again)`;
  return `${wayOf(job)}  left: ${why}`;
}

export function leftJson({ input, output }: Job, backup: string | undefined): string {
  const skipped = backup === undefined ? 'the output is there already' : 'denoised before';
  return JSON.stringify({ input, output, skipped, backup: backup && input + backup });
}
