// Runs a plan: adds the noise to every task's pictures, restores and measures them. Noisy pictures are made again from their
// seeds for each contender, so that none is kept.
import { availableParallelism } from 'node:os';
import { sum } from '../core/metrics/index.js';
import { checkSigma } from '../denoiser/estimator.js';
import { openDenoiser } from '../denoiser/open-denoiser.js';
import { approachOf } from '../denoiser/preset.js';
import { mapInOrder } from '../tile/in-order.js';
import { approachOptions, betaFamilies, betaOf, contenderName } from './contender.js';
import { blockRms, measureNoisy, measureRestored, standardisedResidual } from './measure/residual.js';
import { CONVERGENCE, type EngineOptions, openRestorer, type Restorer } from './measure/restorer.js';
import type { Cell, Measures, PictureResult } from './measure/results.js';
import { blockThumbnail, type PictureThumbnails, thumbnail } from './measure/thumbnails.js';
import { type NoiseLevel, noiseName } from './noise-level.js';
import type { CheckedEvaluateOptions } from './options.js';
import { type CleanPicture, type NoisyPair, noisyPair } from './pictures.js';
import type { EvaluationPlan, EvaluationTask } from './plan.js';

/** The most samples in work: 16 megapixels of colour. */
const MOST_SAMPLES = 48e6;

/** After this share of the work, its own pace replaces the estimate. */
const TELLING_PART = 0.1;

const secondsSince = (began: number) => (performance.now() - began) / 1000;

/** @throws FlowDenoiseError; the signal's reason when aborted */
export async function runPlan(
  plan: EvaluationPlan,
  pictures: readonly CleanPicture[],
  options: CheckedEvaluateOptions,
) {
  const { levels, contenders, tasks } = plan;
  const { engine, threads, tileSize, overlap, given } = options;
  const opening = { engine, threads, tileSize, overlap };
  const expected = await expectedSeconds(plan, pictures, opening, options.signal);
  const began = performance.now();
  const { noisy, shown } = await measureAllNoisy(levels, pictures, options);
  // Every restored picture gets its noise again and is measured, as the noisy ones just were.
  const beside = secondsSince(began) / (levels.length * pictures.length);
  const onPicture = progress(plan, (task) => (expected.get(task) ?? 0) / task.count + beside, options);
  const cells: Cell[] = [];
  let engineWords = 'none';
  for (const family of betaFamilies(contenders)) {
    const members = family.map((at) => contenders[at]);
    const own = levels.flatMap((level) =>
      tasks.filter((task) => task.level === level && members.includes(task.contender)),
    );
    const [first] = own;
    if (first === undefined) continue;
    const restorer = await openRestorer(first.contender, opening, given);
    if (restorer.engine) engineWords = `${restorer.engine.name} (${restorer.engine.why})`;
    try {
      for (const task of own) {
        const [level, contender] = [levels.indexOf(task.level), contenders.indexOf(task.contender)];
        const measured = await runTask(task, restorer, pictures, options, async (pair, estimate) => {
          const entry = shown.find((each) => each.picture === pair.reference.name && each.level === level);
          if (entry) await keepThumbnails(entry, contender, task.level, pair, estimate);
          onPicture(task);
        });
        cells.push({ level, contender, ...measured });
      }
    } finally {
      await restorer.close();
    }
  }
  return { noisy, cells, shown, engine: engineWords };
}

async function measureAllNoisy(
  levels: readonly NoiseLevel[],
  pictures: readonly CleanPicture[],
  options: CheckedEvaluateOptions,
) {
  const noisy: Measures[][] = [];
  const shown: PictureThumbnails[] = [];
  for (const [at, level] of levels.entries()) {
    const row: Measures[] = [];
    for (const [index, clean] of pictures.entries()) {
      options.signal?.throwIfAborted();
      const pair = await noisyPair(clean, index, level, options);
      row.push(measureNoisy(pair.reference, pair.noisy.data, level));
      if (index >= options.shown) continue;
      const images = { clean: await thumbnail(pair.reference), noisy: await thumbnail(pair.noisy) };
      shown.push({ picture: clean.name, level: at, ...images, restored: new Map(), uneven: new Map() });
    }
    noisy.push(row);
  }
  return { noisy, shown };
}

async function runTask(
  { level, contender, count }: EvaluationTask,
  restorer: Restorer,
  pictures: readonly CleanPicture[],
  options: CheckedEvaluateOptions,
  onRestored: (pair: NoisyPair, estimate: Float32Array) => Promise<void>,
): Promise<Omit<Cell, 'level' | 'contender'>> {
  const { signal } = options;
  async function restore([index, clean]: readonly [number, CleanPicture]): Promise<PictureResult> {
    signal?.throwIfAborted();
    const pair = await noisyPair(clean, index, level, options);
    const { data, ...told } = await restorer.restore(pair.noisy, level, { beta: betaOf(contender), signal });
    await onRestored(pair, data);
    return { ...measureRestored(pair.reference, pair.noisy.data, data, level), ...told };
  }
  const work = [...pictures.slice(0, count).entries()];
  const largest = Math.max(...work.map(([, { data }]) => data.length));
  const most = Math.min(2 * availableParallelism() + 1, Math.floor(MOST_SAMPLES / largest));
  const atOnce = contender.kind === 'given' ? 1 : Math.max(2, most);
  const results: PictureResult[] = [];
  let started = performance.now();
  // The first picture makes the engine prepare for this noise, so only the others are timed, if there are any.
  for (const part of [work.slice(0, 1), work.slice(1)]) {
    if (part.length > 0) started = performance.now();
    for await (const result of mapInOrder(part, atOnce, restore)) results.push(result);
  }
  const timed = work.slice(work.length > 1 ? 1 : 0);
  const megapixels = sum(timed.map(([, { width, height }]) => width * height)) / 1e6;
  const pace = Number((secondsSince(started) / megapixels).toPrecision(4));
  const isRead = contender.kind === 'given' && contender.folder !== undefined;
  return { ...(!isRead && { secondsPerMegapixel: pace }), pictures: results };
}

async function keepThumbnails(
  entry: PictureThumbnails,
  contender: number,
  level: NoiseLevel,
  { reference, noisy }: NoisyPair,
  estimate: Float32Array,
): Promise<void> {
  entry.restored.set(contender, await thumbnail({ ...noisy, data: estimate }));
  const residual = standardisedResidual(noisy.data, estimate, reference.data, level);
  const blocks = await blockThumbnail(blockRms(residual, noisy));
  if (blocks) entry.uneven.set(contender, blocks);
}

/** Reports the work ahead; returns a function to call after every picture. */
function progress(
  { tasks }: EvaluationPlan,
  secondsOf: (task: EvaluationTask) => number,
  { onEstimate, onProgress }: CheckedEvaluateOptions,
): (task: EvaluationTask) => void {
  const total = sum(tasks.map(({ count }) => count));
  const seconds = sum(tasks.map((task) => task.count * secondsOf(task)));
  onEstimate?.({ seconds, total });
  const started = performance.now();
  let [done, secondsDone] = [0, 0];
  return (task) => {
    done += 1;
    secondsDone += secondsOf(task);
    // The first pictures wait for the engine to prepare, so their pace is not typical.
    const pace = secondsDone > TELLING_PART * seconds ? secondsSince(started) / secondsDone : 1;
    const secondsLeft = pace * Math.max(0, seconds - secondsDone);
    onProgress?.({
      done,
      total,
      what: `${contenderName(task.contender)}, ${noiseName(task.level)}`,
      secondsLeft,
    });
  };
}

/** The seconds of every task of a prior. Opens each prior, so that one that does not suit fails before the work. */
async function expectedSeconds(
  { tasks, levels }: EvaluationPlan,
  pictures: readonly CleanPicture[],
  options: EngineOptions,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<EvaluationTask, number>> {
  const seconds = new Map<EvaluationTask, number>();
  const priors = tasks.flatMap(({ contender }) => (contender.kind === 'given' ? [] : contender.prior));
  for (const prior of new Set(priors)) {
    signal?.throwIfAborted();
    const denoiser = await openDenoiser({ ...options, prior, method: 'beta-map' });
    try {
      for (const level of levels) if (level.model === 'gaussian') checkSigma(level.sigma, denoiser);
      for (const task of tasks) {
        const { contender, count } = task;
        if (contender.kind === 'given' || contender.prior !== prior) continue;
        const approach = approachOf(approachOptions(contender));
        const estimate = await denoiser.estimate(pictures.slice(0, count), approach);
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
