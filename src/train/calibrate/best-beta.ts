// Finds the best beta of beta-MAP for a prior at one noise level.

import { availableParallelism } from 'node:os';
import { type Engine, runEstimation } from '../../core/engine/engine.js';
import { betaMap } from '../../core/inference/beta-map.js';
import { calibratedBetaMap } from '../../core/inference/calibration.js';
import type { Estimation } from '../../core/inference/estimation.js';
import { posteriorMean } from '../../core/inference/posterior-mean.js';
import { mean, psnr } from '../../core/metrics/index.js';
import type { PriorModel } from '../../core/model/model-json.js';
import { addGaussianNoise } from '../../core/noise/index.js';
import { clamped } from '../../core/picture.js';
import { mapInOrder } from '../../tile/in-order.js';

/** Mean PSNR in dB over the crops at one noise level. */
export interface CalibrationRow {
  readonly sigma255: number;
  readonly beta: number;
  /** Of the noisy crops, clamped to [0, 1] like the others. */
  readonly noisy: number;
  /** Undefined for an unconditioned prior. */
  readonly posteriorMean: number | undefined;
  readonly betaMap: number;
  /** Crops on which the flow broke down, so beta-MAP gained nothing. */
  readonly fallbacks: number;
  /** Whether no beta is the best: PSNR only rises, or only falls, with beta up to the search's end. */
  readonly isAtEnd: boolean;
}

interface BetaTask {
  readonly engine: Engine;
  readonly model: PriorModel;
  readonly size: number;
  /** Clean, each planar [3, size, size], in [0, 1]. */
  readonly crops: readonly Float32Array[];
  readonly signal: AbortSignal | undefined;
}

/** The search in ln beta: brackets by factors of 2, narrowed to 15 %, within which PSNR hardly changes. */
const SEARCH = { step: Math.LN2, least: Math.log(0.02), most: Math.log(500), tolerance: 0.15 };
const FIRST_SEED = 5000;

/**
 * The beta with the best mean PSNR over the crops, with noise of one level added.
 *
 * @param onTried  called with every beta that was measured, and its PSNR in dB
 * @throws         FlowDenoiseError ENGINE_FAILED; the signal's reason
 */
export async function bestBeta(
  task: BetaTask,
  sigma255: number,
  start: number,
  onTried: (beta: number, psnr: number) => void,
): Promise<CalibrationRow> {
  const { model, crops } = task;
  const sigma = sigma255 / 255;
  const noisy = crops.map((crop, index) => addGaussianNoise(crop, sigma, FIRST_SEED + index));
  const mostSigma = model.conditioning ? model.sigmaRange[1] : undefined;
  const posterior = model.conditioning
    ? await denoised(task, noisy, (y) => posteriorMean(y, sigma, { mostSigma }))
    : undefined;
  const known = new Map<number, Awaited<ReturnType<typeof denoised>>>();
  async function withBeta(beta: number) {
    const before = known.get(beta);
    if (before !== undefined) return before;
    const options = { ...calibratedBetaMap(model, sigma, beta), mostSigma };
    const result = await denoised(task, noisy, (y) => betaMap(y, sigma, options));
    onTried(beta, result.psnr);
    known.set(beta, result);
    return result;
  }
  // Round first, so that the kept beta is the measured one.
  const betaAt = (x: number): number => Number(Math.exp(x).toPrecision(3));
  const { x } = await maximum(async (at) => (await withBeta(betaAt(at))).psnr, {
    ...SEARCH,
    start: Math.log(start),
  });
  const best = await withBeta(betaAt(x));
  return {
    sigma255,
    beta: betaAt(x),
    noisy: mean(noisy.map((y, index) => psnr(crops[index] ?? y, clamped(y)))),
    posteriorMean: posterior?.psnr,
    betaMap: best.psnr,
    fallbacks: best.fallbacks,
    isAtEnd: Math.min(x - SEARCH.least, SEARCH.most - x) < SEARCH.step,
  };
}

const GOLDEN = (Math.sqrt(5) - 1) / 2;

/**
 * The largest value of an expensive function that a search finds: a bracket by equal steps from `start`, then golden sections
 * until the bracket is narrower than `tolerance`. It is near the maximum, or near one of several.
 *
 * @param ask  called for one x from `least` to `most` after the other
 * @see        Kiefer 1953, Sequential minimax search for a maximum
 */
export async function maximum(
  ask: (x: number) => Promise<number>,
  { start, step, least, most, tolerance }: typeof SEARCH & { readonly start: number },
): Promise<{ readonly x: number; readonly value: number }> {
  const at = async (x: number) => {
    const inside = Math.min(most, Math.max(least, x));
    return { x: inside, value: await ask(inside) };
  };
  let best = await at(start);
  let [low, high] = [await at(best.x - step), await at(best.x + step)];
  while (high.value > best.value && high.x < most) [low, best, high] = [best, high, await at(high.x + step)];
  while (low.value > best.value && low.x > least) [low, best, high] = [await at(low.x - step), low, best];
  for (const end of [low, high]) if (end.value > best.value) best = end;

  while (high.x - low.x > tolerance) {
    // In the longer part, so that each evaluation removes an equal share.
    const isRight = high.x - best.x > best.x - low.x;
    const x = isRight ? best.x + (1 - GOLDEN) * (high.x - best.x) : best.x - (1 - GOLDEN) * (best.x - low.x);
    const next = await at(x);
    if (next.value > best.value) {
      [low, high] = isRight ? [best, high] : [low, best];
      best = next;
    } else [low, high] = isRight ? [low, next] : [next, high];
  }
  return best;
}

/** Seconds that beta-MAP takes for a crop, with all lanes busy. */
export async function measureCalibrationPace(task: BetaTask, sigma255: number): Promise<number> {
  const { engine, model } = task;
  const sigma = sigma255 / 255;
  const crops = task.crops.slice(0, Math.max(1, engine.lanes));
  let seconds = 0;
  // The engine's threads start and prepare in the first two passes.
  for (let pass = 0; pass < 3; pass++) {
    const started = performance.now();
    await denoised({ ...task, crops }, crops, (y) => betaMap(y, sigma, calibratedBetaMap(model, sigma)));
    seconds = (performance.now() - started) / 1000;
  }
  return seconds / crops.length;
}

async function denoised(
  { engine, size, crops, signal }: BetaTask,
  noisy: readonly Float32Array[],
  estimation: (y: Float32Array) => Estimation,
) {
  const shape = { channels: 3, height: size, width: size };
  const values: number[] = [];
  let fallbacks = 0;
  const lanes = Math.max(engine.lanes, Math.min(2, availableParallelism()));
  const results = mapInOrder(noisy, lanes, (y) => {
    signal?.throwIfAborted();
    return runEstimation(engine, shape, estimation(y));
  });
  for await (const { estimate, fallback } of results) {
    values.push(psnr(crops[values.length] ?? estimate, clamped(estimate)));
    if (fallback !== undefined) fallbacks++;
  }
  return { psnr: mean(values), fallbacks };
}
