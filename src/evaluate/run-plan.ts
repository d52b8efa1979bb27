// Runs a plan: adds the noise to every task's pictures, restores and measures them. Noisy pictures are made again from their
// seeds for each contender, so that none is kept.
import { availableParallelism } from 'node:os';
import { sum } from '../core/metrics/index.js';
import type { Size } from '../core/picture.js';
import { checkSigma } from '../denoiser/estimator.js';
import { openDenoiser } from '../denoiser/open-denoiser.js';
import { type Approach, PRESETS } from '../denoiser/preset.js';
import { mapInOrder } from '../tile/in-order.js';
import { betaOf, type Contender, contenderName, methodName } from './contender.js';
import { cameraShot } from './measure/camera-shot.js';
import { blockRms, measureNoisy, measureRestored, standardisedResidual } from './measure/residual.js';
import { CONVERGENCE, openRestorer, type Restorer, type RestorerOptions } from './measure/restorer.js';
import type { Cell, Measures, PictureResult } from './measure/results.js';
import { blockThumbnail, type PictureThumbnails, thumbnail } from './measure/thumbnails.js';
import { type NoiseLevel, noiseName, withNoise } from './noise-level.js';
import type { CheckedEvaluateOptions } from './options.js';
import type { CleanPicture } from './pictures.js';
import type { EvaluationPlan, EvaluationTask } from './plan.js';

interface PlanResults {
  /** By level. */
  readonly noisy: readonly (readonly Measures[])[];
  readonly cells: readonly Cell[];
  readonly shown: readonly PictureThumbnails[];
  /** The engine and why it was chosen. */
  readonly engine: string;
}

type RunOptions = Pick<
  CheckedEvaluateOptions,
  | 'seed'
  | 'clip'
  | 'shown'
  | 'engine'
  | 'threads'
  | 'tileSize'
  | 'overlap'
  | 'given'
  | 'signal'
  | 'onEstimate'
  | 'onProgress'
>;

/** The most samples in work: 16 megapixels of colour. */
const MOST_SAMPLES = 48e6;

/** After this share of the work, its own pace replaces the estimate. */
const TELLING_PART = 0.1;

/** A noisy picture, and the picture that restoring should give. */
interface NoisyPair {
  /** The clean picture; for a camera, its picture without noise. */
  readonly reference: CleanPicture;
  readonly noisy: CleanPicture;
}

/** The noise of picture `index` has seed + index, whatever else is evaluated. */
export async function noisyPair(
  clean: CleanPicture,
  index: number,
  level: NoiseLevel,
  { seed, clip }: Pick<RunOptions, 'seed' | 'clip'>,
): Promise<NoisyPair> {
  if (level.model === 'camera') return cameraShot(clean, level, seed + index);
  return { reference: clean, noisy: { ...clean, data: withNoise(clean.data, level, seed + index, clip) } };
}

/** @throws FlowDenoiseError; the signal's reason when aborted */
export async function runPlan(
  plan: EvaluationPlan,
  pictures: readonly CleanPicture[],
  options: RunOptions,
): Promise<PlanResults> {
  const { engine, threads, tileSize, overlap, given, signal } = options;
  const restorerOptions = { engine, threads, tileSize, overlap, given };
  const expected = await expectedSeconds(plan, pictures, { engine, threads, tileSize, overlap }, signal);
  const began = performance.now();
  const { noisy, shown } = await measureAllNoisy(plan, pictures, options);
  // Every restored picture gets its noise again and is measured, as the noisy ones just were.
  const beside = (performance.now() - began) / 1000 / Math.max(1, plan.levels.length * pictures.length);
  const onPicture = progress(plan, withMeasuring(expected, beside), options);
  const cells: Cell[] = [];
  let engineWords = 'none';
  for (const contenders of families(plan.contenders)) {
    const [first] = contenders;
    const own = plan.levels.flatMap((level) =>
      plan.tasks.filter((task) => task.level === level && contenders.includes(task.contender)),
    );
    if (first === undefined || own.length === 0) continue;
    const restorer = await openRestorer(first, restorerOptions);
    if (restorer.engine) engineWords = `${restorer.engine.name} (${restorer.engine.why})`;
    try {
      for (const task of own) {
        const cell = {
          level: plan.levels.indexOf(task.level),
          contender: plan.contenders.indexOf(task.contender),
        };
        cells.push(await runCell({ task, cell, restorer, pictures, shown, options, onPicture }));
      }
    } finally {
      await restorer.close();
    }
  }
  return { noisy, cells, shown, engine: engineWords };
}

/** Adds the time for making noise and measuring to the priors' expected seconds. */
export function withMeasuring(
  expected: ReadonlyMap<EvaluationTask, number>,
  secondsPerPicture: number,
): ReadonlyMap<EvaluationTask, number> {
  return new Map([...expected].map(([task, seconds]) => [task, seconds + task.count * secondsPerPicture]));
}

/** Groups contenders that differ only in beta: they share a restorer, and what it prepares for a noise. */
function families(contenders: readonly Contender[]): readonly Contender[][] {
  const byMethod = new Map<string, Contender[]>();
  for (const contender of contenders) {
    const key = `${contender.kind} ${methodName(contender)}`;
    byMethod.set(key, [...(byMethod.get(key) ?? []), contender]);
  }
  return [...byMethod.values()];
}

/** Reports the work ahead; returns a function to call after every picture. */
function progress(
  { tasks }: EvaluationPlan,
  expected: ReadonlyMap<EvaluationTask, number>,
  { onEstimate, onProgress }: RunOptions,
): (task: EvaluationTask) => void {
  const total = sum(tasks.map(({ count }) => count));
  const seconds = sum([...expected.values()]);
  onEstimate?.({ seconds, total });
  const started = performance.now();
  let done = 0;
  let secondsDone = 0;
  return (task) => {
    done += 1;
    secondsDone += (expected.get(task) ?? 0) / task.count;
    const elapsed = (performance.now() - started) / 1000;
    // The first pictures wait for the engine to prepare, so their pace is not typical.
    const pace = secondsDone > TELLING_PART * seconds ? elapsed / secondsDone : 1;
    const secondsLeft = seconds > 0 ? pace * Math.max(0, seconds - secondsDone) : undefined;
    onProgress?.({
      done,
      total,
      what: `${contenderName(task.contender)}, ${noiseName(task.level)}`,
      secondsLeft,
    });
  };
}

async function measureAllNoisy(
  { levels }: EvaluationPlan,
  pictures: readonly CleanPicture[],
  options: RunOptions,
): Promise<{ noisy: Measures[][]; shown: PictureThumbnails[] }> {
  const shown: PictureThumbnails[] = [];
  const noisy: Measures[][] = [];
  for (const [at, level] of levels.entries()) {
    const row: Measures[] = [];
    for (const [index, clean] of pictures.entries()) {
      options.signal?.throwIfAborted();
      const { reference, noisy } = await noisyPair(clean, index, level, options);
      row.push(measureNoisy(reference, noisy.data, level));
      if (index >= options.shown) continue;
      const images = { clean: await thumbnail(reference), noisy: await thumbnail(noisy) };
      shown.push({ picture: clean.name, level: at, ...images, restored: new Map(), uneven: new Map() });
    }
    noisy.push(row);
  }
  return { noisy, shown };
}

interface CellWork {
  readonly task: EvaluationTask;
  readonly cell: Pick<Cell, 'level' | 'contender'>;
  readonly restorer: Restorer;
  readonly pictures: readonly CleanPicture[];
  readonly shown: readonly PictureThumbnails[];
  readonly options: RunOptions;
  readonly onPicture: (task: EvaluationTask) => void;
}

async function runCell(work: CellWork): Promise<Cell> {
  const { task, cell, restorer, options } = work;
  const pictures = work.pictures.slice(0, task.count);
  const call = { beta: betaOf(task.contender), signal: options.signal };
  async function restoreOne(clean: CleanPicture, index: number): Promise<PictureResult> {
    options.signal?.throwIfAborted();
    const pair = await noisyPair(clean, index, task.level, options);
    const { data, ...told } = await restorer.restore(pair.noisy, task.level, call);
    await show(work, pair, data);
    work.onPicture(task);
    return { ...measureRestored(pair.reference, pair.noisy.data, data, task.level), ...told };
  }
  // The first picture makes the engine prepare for this noise, so only the others are timed, if there are any.
  let timed = pictures;
  let started = performance.now();
  const results: PictureResult[] = [];
  for (const first of pictures.slice(0, 1)) results.push(await restoreOne(first, 0));
  if (pictures.length > 1) {
    timed = pictures.slice(1);
    started = performance.now();
    const largest = Math.max(...timed.map(({ data }) => data.length));
    const {
      atOnce = Math.max(2, Math.min(2 * availableParallelism() + 1, Math.floor(MOST_SAMPLES / largest))),
    } = restorer;
    const others = mapInOrder(timed.entries(), atOnce, ([index, clean]) => restoreOne(clean, index + 1));
    for await (const result of others) results.push(result);
  }
  const megapixels = sum(timed.map(({ width, height }) => width * height)) / 1e6;
  const pace = Number(((performance.now() - started) / 1000 / megapixels).toPrecision(4));
  return { ...cell, ...(restorer.isTimed && { secondsPerMegapixel: pace }), pictures: results };
}

/** Keeps a picture's thumbnails for the report. */
async function show(
  { shown, cell, task }: CellWork,
  { reference, noisy }: NoisyPair,
  estimate: Float32Array,
): Promise<void> {
  const entry = shown.find(({ picture, level }) => picture === reference.name && level === cell.level);
  if (entry === undefined) return;
  entry.restored.set(cell.contender, await thumbnail({ ...noisy, data: estimate }));
  const residual = standardisedResidual(noisy.data, estimate, reference.data, task.level);
  const blocks = await blockThumbnail(blockRms(residual, noisy));
  if (blocks) entry.uneven.set(cell.contender, blocks);
}

/**
 * @param pictures  all of them
 * @returns         expected seconds of every task; 0 for another program
 * @throws          FlowDenoiseError SIGMA_OUT_OF_RANGE, BAD_PRIOR, NEEDS_CONDITIONING, ENGINE_UNAVAILABLE, so that these
 *                  fail before the work
 */
async function expectedSeconds(
  { tasks, levels, contenders }: EvaluationPlan,
  pictures: readonly Size[],
  options: RestorerOptions,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<EvaluationTask, number>> {
  const seconds = new Map<EvaluationTask, number>(tasks.map((task) => [task, 0]));
  for (const prior of new Set(
    contenders.flatMap((contender) => ('prior' in contender ? contender.prior : [])),
  )) {
    signal?.throwIfAborted();
    const denoiser = await openDenoiser({ ...options, prior, method: 'beta-map' });
    try {
      for (const level of levels) if (level.model === 'gaussian') checkSigma(level.sigma, denoiser);
      for (const task of tasks) {
        const { contender, count } = task;
        if (!('prior' in contender) || contender.prior !== prior) continue;
        const sizes = pictures.slice(0, count);
        const estimate = await denoiser.estimate(sizes, approachOf(contender));
        const climb =
          contender.kind === 'converged' ? (CONVERGENCE.steps + 1) * estimate.tiles : estimate.evaluations;
        seconds.set(task, (estimate.preparation ?? 0) + (estimate.seconds / estimate.evaluations) * climb);
      }
    } finally {
      await denoiser.close();
    }
  }
  return seconds;
}

function approachOf(contender: Contender): Partial<Approach> {
  if (contender.kind === 'preset') return PRESETS[contender.preset];
  return { method: contender.kind === 'product' ? contender.method : 'beta-map', ensemble: 1, scales: 1 };
}
