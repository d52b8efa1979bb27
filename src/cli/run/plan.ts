// What lies ahead: the pictures' sizes from their headers, the tiles they make, and how long it will take. And
// `--dry-run`, which says it, a line for each picture. No picture is decoded here.
import sharp from 'sharp';
import { AUTO_PRIOR } from '../../core/model/find-prior.js';
import type { Approach, Denoiser, Method } from '../../denoiser/denoiser.js';
import { timeWords } from '../../figure/time-words.js';
import { formatOfFile } from '../../image/index.js';
import { mapInOrder } from '../../tile/in-order.js';
import { wayOf } from '../display/report.js';
import type { Job } from './inputs.js';

const HEADERS_AT_ONCE = 4;
const LONG_SECONDS = 60;

export interface PlannedJob extends Job {
  /** 0 where the header cannot be read: the work itself will say what is wrong. */
  readonly megapixels: number;
  readonly tiles: number;
  /** Undefined where the header cannot be read. */
  readonly size?: Size | undefined;
  /** Expected; 0 where nothing is known of it. */
  readonly seconds: number;
}

export interface Plan {
  readonly jobs: readonly PlannedJob[];
  readonly megapixels: number;
  readonly tiles: number;
  readonly seconds: number;
  /** Seconds with `--method posterior-mean`, where that is another method and the plan is a long one. */
  readonly posteriorMeanSeconds: number | undefined;
}

/** Measures the machine (a second or two) and the pictures (their headers only). */
export async function planJobs(jobs: readonly Job[], denoiser: Denoiser, signal: AbortSignal): Promise<Plan> {
  const sizes: Size[] = [];
  const planned: PlannedJob[] = [];
  for await (const { job, size } of mapInOrder(jobs, HEADERS_AT_ONCE, readSize)) {
    signal.throwIfAborted();
    const frames = size ? new Array<Size>(size.frames).fill(size.frame) : [];
    sizes.push(...frames);
    const { tiles, seconds } = size ? await denoiser.estimate(frames) : { tiles: 0, seconds: 0 };
    const megapixels = size ? (size.frames * size.frame.width * size.frame.height) / 1e6 : 0;
    planned.push({ ...job, tiles, seconds, size: size?.frame, megapixels });
  }
  const { seconds } = await denoiser.estimate(sizes);
  const isLong = seconds > LONG_SECONDS && denoiser.method !== 'posterior-mean';
  return {
    jobs: planned,
    megapixels: sum(planned.map((job) => job.megapixels)),
    tiles: sum(planned.map((job) => job.tiles)),
    seconds,
    posteriorMeanSeconds: isLong ? await posteriorMeanSeconds(denoiser, sizes) : undefined,
  };
}

/** The plan in words, a line each. */
export function planLines(plan: Plan, denoiser: Denoiser): string[] {
  const { jobs, megapixels, tiles, seconds } = plan;
  const pictures = `${jobs.length} ${jobs.length === 1 ? 'picture' : 'pictures'}`;
  const { name, why } = denoiser.engine;
  const lines = [
    `${pictures}, ${megapixels.toFixed(megapixels < 10 ? 2 : 0)} MP in ${tiles} ${tiles === 1 ? 'tile' : 'tiles'}: about ${timeWords(seconds)} ` +
      `with ${approachWords(denoiser)} under ${priorWords(denoiser)} on ${name} (${why})`,
  ];
  if (plan.posteriorMeanSeconds !== undefined) {
    const fast = timeWords(plan.posteriorMeanSeconds);
    lines.push(`--method posterior-mean would take about ${fast}, for a slightly noisier result`);
  }
  return lines;
}

/** The prior of a run, in words. */
export function priorWords({ prior }: Pick<Denoiser, 'prior'>): string {
  return prior === AUTO_PRIOR ? 'the prior that suits each picture' : `the prior ${prior}`;
}

const methodWords: Readonly<Record<Method, string>> = {
  'beta-map': 'beta-MAP',
  'posterior-mean': 'the posterior mean',
};

/** The method and, where there are several, the symmetries over which it is averaged and its scales. */
export function approachWords({ method, ensemble, scales }: Approach): string {
  return [
    methodWords[method],
    ensemble === 1 ? '' : ` over ${ensemble} symmetries`,
    scales === 1 ? '' : ` at ${scales} scales`,
  ].join('');
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

interface PictureSize {
  readonly frame: Size;
  /** Of an animation, else 1. */
  readonly frames: number;
}

async function readSize(job: Job): Promise<{ job: Job; size: PictureSize | undefined }> {
  // libvips would take other things for pictures too, an SVG among them.
  const format = await formatOfFile(job.input);
  if (format === undefined) return { job, size: undefined };
  const header = await sharp(job.input, { limitInputPixels: false })
    .metadata()
    .catch(() => undefined);
  if (header === undefined) return { job, size: undefined };
  const { width, height, pages = 1 } = header;
  const frames = format === 'gif' || format === 'webp' ? pages : 1;
  return { job, size: { frame: { width, height }, frames } };
}

/** Undefined for a prior that has no posterior mean. */
function posteriorMeanSeconds(denoiser: Denoiser, sizes: readonly Size[]): Promise<number | undefined> {
  return denoiser.estimate(sizes, { method: 'posterior-mean' }).then(
    ({ seconds }) => seconds,
    () => undefined,
  );
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}

/** @param left  pictures whose results are there already */
export function dryRunLines({ jobs }: Plan, left: readonly Job[], isJson: boolean): string[] {
  const write = isJson ? jsonOf : wordsOf;
  return [...jobs.map((job) => write(job)), ...left.map((job) => (isJson ? leftJson(job) : leftLine(job)))];
}

/** The line of a picture whose result is there already. */
export function leftLine(job: Job): string {
  return `${wayOf(job)}  left: is there already (--overwrite replaces it)`;
}

export function leftJson({ input, output }: Job): string {
  return JSON.stringify({ input, output, skipped: 'the output is there already' });
}

function wordsOf({ size, megapixels, seconds, ...job }: PlannedJob): string {
  const words = size
    ? `${size.width} x ${size.height}, ${megapixels.toFixed(2)} MP  about ${timeWords(seconds)}`
    : 'its header cannot be read';
  return `${wayOf(job)}  ${words}`;
}

function jsonOf({ input, output, size, tiles, seconds }: PlannedJob): string {
  return JSON.stringify({ input, output, ...(size && { ...size, tiles, seconds }) });
}
