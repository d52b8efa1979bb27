// Measures the flow on crops that it is not trained on: bits per dimension, and PSNR at three noise levels.

import * as tf from '@tensorflow/tfjs-core';
import { openTfjsClimbs } from '../../core/engine/tfjs/tfjs-climbs.js';
import { levelPlans } from '../../core/flow/architecture.js';
import { densityAndScore, flowDensity, flowSampler } from '../../core/flow/log-density.js';
import type { ParameterSource } from '../../core/flow/parameters.js';
import { mean, psnr } from '../../core/metrics/index.js';
import { tfjsOps } from '../../core/ops/tfjs-ops.js';
import { clamped, toInterleaved, toPlanar } from '../../core/picture.js';
import type { TrainingSettings } from '../options.js';
import type { FlowSamples, ValidationCrop } from '../progress.js';
import { stepRandom } from './training-batch.js';

/** The number of measured crops, the first of which are shown. */
export const VALIDATION_CROPS = 24;
const SHOWN_CROPS = 4;
/** Fewer for an unconditioned flow, whose beta-MAP takes many evaluations. */
const CLIMBED_CROPS = 4;
const CLIMB = { steps: 30, rate: 0.15, beta: 1 } as const;
const BATCH = 8;
const SAMPLES = 8;
const SIGMAS_255 = [15, 25, 50] as const;
/** Training uses other seeds, since its steps start at 0. */
const FIRST_STEP = -1000;

interface FlowTask extends Pick<TrainingSettings, 'architecture' | 'sigmaRange' | 'seed' | 'crop'> {
  readonly source: ParameterSource<tf.Tensor>;
}

interface ValidationTask extends FlowTask {
  /** [count, crop, crop, 3], 8-bit. */
  readonly pixels: Uint8Array;
  readonly temperature: number;
}

/** Of a crop. */
const numbersIn = ({ crop }: FlowTask) => crop * crop * 3;

const toBytes = (picture: Float32Array) =>
  new Uint8Array(Uint8ClampedArray.from(picture, (value) => value * 255).buffer);

/** The measured noise levels: those of 15, 25 and 50 that the flow knows, or its range's ends and middle. */
function sigmasFor([low, high]: readonly [number, number]): readonly number[] {
  const known = SIGMAS_255.filter((sigma) => sigma / 255 >= low && sigma / 255 <= high);
  return known.length === SIGMAS_255.length ? known : [low, Math.sqrt(low * high), high].map((s) => s * 255);
}

/** Parts of equal length; the last may be shorter. */
function split<A extends Uint8Array | Float32Array | Float64Array>(data: A, length: number): A[] {
  const count = Math.ceil(data.length / length);
  return Array.from({ length: count }, (_, i) => data.subarray(i * length, (i + 1) * length) as A);
}

/** What `of` makes of all crops at one noise level, some at a time; crops are [B, crop, crop, 3], levels [B, 1]. */
function batched(
  task: FlowTask,
  values: Float32Array,
  sigma: number,
  of: (y: tf.Tensor, sigmas: tf.Tensor) => tf.Tensor,
): Float32Array {
  const { crop } = task;
  return tf.tidy(() => {
    const results = split(values, BATCH * numbersIn(task)).map((part) =>
      tf.tidy(() => {
        const y = tf.tensor4d(part, [part.length / numbersIn(task), crop, crop, 3]);
        return of(y, tf.fill([y.shape[0], 1], sigma));
      }),
    );
    return tf.concat(results).dataSync() as Float32Array;
  });
}

function bitsOf(task: ValidationTask): number {
  const { architecture, source, sigmaRange, seed, pixels } = task;
  const draws = stepRandom(seed, FIRST_STEP);
  const [sigma] = sigmaRange;
  const values = Float32Array.from(draws.uniform(pixels.length), (u, i) => ((pixels[i] as number) + u) / 256);
  const noise = architecture.conditioning ? draws.normal(pixels.length) : undefined;
  const noisy = noise ? values.map((value, i) => value + sigma * (noise[i] as number)) : values;
  const densities = batched(
    task,
    noisy,
    sigma,
    (y, sigmas) => flowDensity(tfjsOps, architecture, source)(y, sigmas).logDensity,
  );
  return 8 - mean([...densities]) / (numbersIn(task) * Math.LN2);
}

/** The posterior mean of noisy crops, [count, crop, crop, 3]. */
function tweedie(task: ValidationTask, noisy: Float32Array, sigma: number): Float32Array {
  return batched(task, noisy, sigma, (y, sigmas) => {
    const { score } = densityAndScore(tfjsOps, task.architecture, task.source)(y, sigmas);
    return tf.add(y, tf.mul(score, sigma * sigma));
  });
}

/** A few steps of beta-MAP from the noisy crops. A crop on which the flow breaks down stays as it is. */
async function climbed(task: ValidationTask, noisy: Float32Array, sigma: number): Promise<Float32Array> {
  const { architecture, source, sigmaRange, crop } = task;
  const numbers = numbersIn(task);
  const starts = split(noisy, numbers).map((start) => toPlanar(start, 3));
  let tiles = starts.map((start, place) => ({
    place,
    shape: { channels: 3, height: crop, width: crop },
    y: start,
    sigma: sigmaRange[0],
    climb: {
      noisy: start,
      precision: Float32Array.of(1 / sigma ** 2),
      beta: CLIMB.beta,
      sigma,
      adam: {
        steps: CLIMB.steps,
        rate: CLIMB.rate * sigma,
        epsilon: 1e-3 * sigma,
        betas: [0.9, 0.99] as const,
      },
      tolerance: 0,
      mostScore: Number.MAX_VALUE,
      polish: false,
    },
  }));
  const climbs = openTfjsClimbs((y, s) =>
    tf.tidy(() => ({ ...densityAndScore(tfjsOps, architecture, source)(y, s) })),
  );
  try {
    const estimate = Float32Array.from(noisy);
    while (tiles.length > 0) {
      const ended = await climbs.step(tiles);
      for (const [i, { place }] of tiles.entries()) {
        const best = ended[i]?.estimate;
        if (best) estimate.set(toInterleaved(best, 3), place * numbers);
      }
      tiles = tiles.filter((_, i) => !ended[i]);
    }
    return estimate;
  } finally {
    climbs.dispose();
  }
}

async function denoisedAt(task: ValidationTask, sigma255: number) {
  const { architecture, pixels, crop: size, seed } = task;
  const numbers = numbersIn(task);
  const count = architecture.conditioning ? pixels.length / numbers : CLIMBED_CROPS;
  const bytes = pixels.subarray(0, count * numbers);
  const clean = Float64Array.from(bytes, (value) => value / 255);
  const sigma = sigma255 / 255;
  const normal = stepRandom(seed, FIRST_STEP - Math.round(sigma255)).normal(clean.length);
  const noisy = normal.map((n, i) => (clean[i] as number) + sigma * n);
  const denoised = await (architecture.conditioning ? tweedie : climbed)(task, noisy, sigma);
  const truth = split(clean, numbers);
  const [before, after] = [split(noisy, numbers), split(denoised, numbers)];
  const decibels = (crops: readonly Float32Array[]) =>
    mean(crops.map((crop, i) => psnr(truth[i] ?? crop, clamped(crop))));
  const shown = split(bytes, numbers).slice(0, SHOWN_CROPS);
  return {
    psnr: { sigma255, noisy: decibels(before), denoised: decibels(after) },
    shown: shown.map(
      (crop, i): ValidationCrop => ({
        size,
        sigma255,
        clean: crop.slice(),
        noisy: toBytes(before[i] as Float32Array),
        denoised: toBytes(after[i] as Float32Array),
      }),
    ),
  };
}

/** Pictures drawn from the flow at its smallest noise level. */
export function sampleFlow(task: FlowTask, temperature: number): FlowSamples {
  const { architecture, source, sigmaRange, seed, crop: size } = task;
  const draws = stepRandom(seed, FIRST_STEP * 2);
  const data = tf.tidy(() => {
    const latents = levelPlans(architecture).flatMap(({ channels, splits }, level) => {
      const isLast = level === architecture.levels.length - 1;
      const own = isLast ? channels : splits ? channels / 2 : 0;
      if (own === 0) return [];
      const side = size / 2 ** (level + 1);
      const values = draws.normal(SAMPLES * side * side * own).map((n) => temperature * n);
      return [tf.tensor4d(values, [SAMPLES, side, side, own])];
    });
    const flow = flowSampler(tfjsOps, architecture, source);
    return flow(latents, tf.fill([SAMPLES, 1], sigmaRange[0])).dataSync() as Float32Array;
  });
  return { size, temperature, pictures: split(data, numbersIn(task)).map(toBytes) };
}

/** Measures the flow with the parameters of `source`. */
export async function validate(task: ValidationTask) {
  const bitsPerDimension = bitsOf(task);
  const results: Awaited<ReturnType<typeof denoisedAt>>[] = [];
  for (const sigma255 of sigmasFor(task.sigmaRange)) results.push(await denoisedAt(task, sigma255));
  return {
    bitsPerDimension,
    psnr: results.map(({ psnr }) => psnr),
    crops: results.flatMap(({ shown }) => shown),
    samples: task.temperature > 0 ? sampleFlow(task, task.temperature) : undefined,
  };
}
