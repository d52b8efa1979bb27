// The plan of a run, from the pictures' headers: sizes, tiles, expected time; and `--dry-run`, which prints it.
import { stat } from 'node:fs/promises';
import { FlowDenoiseError, messageOf } from '../../core/errors.js';
import { readRegularFile } from '../../core/files.js';
import { sum } from '../../core/metrics/index.js';
import { AUTO_PRIOR } from '../../core/model/find-prior.js';
import type { Size } from '../../core/picture.js';
import { plural, printable, timeWords } from '../../core/printable.js';
import type { Approach, Denoiser, Method, Preset } from '../../denoiser/denoiser.js';
import { checkSigma } from '../../denoiser/estimator.js';
import { PRESETS } from '../../denoiser/preset.js';
import { readPictureHeader } from '../../image/index.js';
import { checkLength } from '../../plugin/encoded-picture.js';
import type { FileOptions } from '../../plugin/stream-options.js';
import { mapInOrder } from '../../tile/in-order.js';
import { errorJson, wayOf, withoutName } from '../display/report.js';
import type { Job } from './inputs.js';

const LONG_SECONDS = 60;

export interface PlannedJob extends Job {
  /** 0 if the picture is refused, as tiles and seconds are. */
  readonly megapixels: number;
  readonly tiles: number;
  readonly size?: Size | undefined;
  /** Expected seconds. */
  readonly seconds: number;
  /** Why the run will refuse the picture. */
  readonly error?: unknown;
}

export interface Plan {
  readonly jobs: readonly PlannedJob[];
  readonly megapixels: number;
  readonly tiles: number;
  readonly seconds: number;
  /** Seconds with `--preset fast`, if the plan takes long and that is faster. */
  readonly fastSeconds: number | undefined;
}

/** The options that decide which pictures a run refuses. */
export interface PlanOptions {
  readonly noise: { readonly sigma: number | 'auto' };
  readonly file: Pick<FileOptions, 'maxPixels' | 'maxBytes'>;
  readonly concurrency: number;
}

/**
 * Measures the machine (a second or two), and checks the files as the run does, without decoding them.
 *
 * @returns  a planned job for every job, in order
 */
export async function planJobs(
  jobs: readonly Job[],
  denoiser: Denoiser,
  options: PlanOptions,
  signal: AbortSignal,
): Promise<Plan> {
  const seen: (Awaited<ReturnType<typeof look>> & { readonly all: readonly Size[] })[] = [];
  const look = async (job: Job) => ({ job, ...(await lookAt(job, denoiser, options, signal)) });
  for await (const { job, size, frames = 1, error } of mapInOrder(jobs, options.concurrency, look)) {
    signal.throwIfAborted();
    seen.push({ job, size, frames, error, all: size ? new Array<Size>(frames).fill(size) : [] });
  }
  const sizes = seen.flatMap(({ all }) => all);
  // All at once first: the machine is measured only if there is much to do.
  const { seconds } = await denoiser.estimate(sizes);
  const planned: PlannedJob[] = [];
  for (const { job, size, frames = 1, error, all } of seen) {
    const { tiles, seconds } = size ? await denoiser.estimate(all) : { tiles: 0, seconds: 0 };
    const megapixels = size ? (frames * size.width * size.height) / 1e6 : 0;
    planned.push({ ...job, tiles, seconds, size, megapixels, ...(error !== undefined && { error }) });
  }
  const fast = seconds > LONG_SECONDS ? await presetSeconds('fast', sizes, denoiser) : undefined;
  return {
    jobs: planned,
    megapixels: sum(planned.map((job) => job.megapixels)),
    tiles: sum(planned.map((job) => job.tiles)),
    seconds,
    fastSeconds: fast !== undefined && fast < seconds ? fast : undefined,
  };
}

/** The plan as lines of text. */
export function planLines(plan: Plan, denoiser: Denoiser): string[] {
  const { jobs, megapixels, tiles, seconds } = plan;
  const refused = jobs.filter(isRefused).length;
  const count = jobs.length - refused;
  const pictures = `${plural(count, 'picture')}${refused > 0 ? ` (and ${refused} that cannot be taken)` : ''}`;
  const { name, why } = denoiser.engine;
  const lines = [
    `${pictures}, ${megapixels.toFixed(megapixels < 10 ? 2 : 0)} MP in ${plural(tiles, 'tile')}: about ${timeWords(seconds)} ` +
      `with ${approachWords(denoiser)} under ${priorWords(denoiser)} on ${name} (${why})`,
  ];
  if (plan.fastSeconds !== undefined)
    lines.push(`--preset fast would take about ${timeWords(plan.fastSeconds)}`);
  return lines;
}

function priorWords({ prior }: Pick<Denoiser, 'prior'>): string {
  return prior === AUTO_PRIOR ? 'the prior that suits each picture' : `the prior ${prior}`;
}

const methodWords: Readonly<Record<Method, string>> = {
  'beta-map': 'beta-MAP',
  'posterior-mean': 'the posterior mean',
};

/** The method and, if there are several, its symmetries and scales. */
export function approachWords({ method, ensemble, scales }: Approach): string {
  return [
    methodWords[method],
    ensemble === 1 ? '' : ` over ${ensemble} symmetries`,
    scales === 1 ? '' : ` at ${scales} scales`,
  ].join('');
}

export const isRefused = ({ error }: PlannedJob): boolean => error !== undefined;

/** The picture's size, or the run's error. */
async function lookAt(
  job: Job,
  { prior, sigmaRange }: Denoiser,
  { noise, file }: PlanOptions,
  signal: AbortSignal,
): Promise<{ readonly size?: Size; readonly frames?: number; readonly error?: unknown }> {
  if (job.refusal !== undefined) return { error: job.refusal };
  try {
    checkLength((await stat(job.input)).size, job.input, file.maxBytes);
    const bytes = await readRegularFile(job.input, { signal });
    const options = { maxPixels: file.maxPixels, animations: true };
    const header = await readPictureHeader(bytes, printable(job.input), options);
    const { width, height, channels, frames } = header;
    checkSigma(noise.sigma, { prior, sigmaRange }, { kind: channels <= 2 ? 'grey' : 'colour' });
    return { size: { width, height }, frames };
  } catch (error) {
    signal.throwIfAborted();
    return { error };
  }
}

/** Expected seconds with a preset; undefined if the prior does not have its method. */
export async function presetSeconds(
  preset: Preset,
  sizes: readonly Size[],
  denoiser: Denoiser,
): Promise<number | undefined> {
  try {
    return (await denoiser.estimate(sizes, PRESETS[preset])).seconds;
  } catch (error) {
    if (error instanceof FlowDenoiseError && error.code === 'NEEDS_CONDITIONING') return undefined;
    throw error;
  }
}

/** A picture that needs no work. */
export interface Left {
  readonly job: Job;
  /** In place: the path of its original. */
  readonly backup?: string;
}

/** @param left  pictures with existing results */
export function dryRunLines({ jobs }: Plan, left: readonly Left[], isJson: boolean): string[] {
  const write = isJson ? jsonOf : wordsOf;
  return [...jobs.map((job) => write(job)), ...left.map(isJson ? leftJson : leftLine)];
}

/** The line of a picture with an existing result. */
export function leftLine({ job, backup }: Left): string {
  const why =
    backup === undefined
      ? 'already exists (--overwrite replaces it)'
      : `denoised before; its original is ${printable(backup)} (move that back to denoise it again)`;
  return `${wayOf(job)}  left: ${why}`;
}

export function leftJson({ job: { input, output }, backup }: Left): string {
  const skipped = backup === undefined ? 'the output is there already' : 'denoised before';
  return JSON.stringify({ input, output, skipped, backup });
}

function wordsOf({ size, megapixels, seconds, error, ...job }: PlannedJob): string {
  const words = size
    ? `${size.width} x ${size.height}, ${megapixels.toFixed(2)} MP  about ${timeWords(seconds)}`
    : `refused: ${withoutName(printable(messageOf(error)), job.input)}`;
  return `${wayOf(job)}  ${words}`;
}

function jsonOf({ input, output, size, tiles, seconds, error }: PlannedJob): string {
  const told = size ? { ...size, tiles, seconds } : { error: errorJson(error) };
  return JSON.stringify({ input, output, ...told });
}
