// Measures the flow on crops that it is not trained on: bits per dimension, and PSNR at three noise levels.

import * as tf from '@tensorflow/tfjs-core';
import { openTfjsClimbs } from '../../core/engine/tfjs/tfjs-climbs.js';
import { type Architecture, levelPlans } from '../../core/flow/architecture.js';
import { densityAndScore, flowDensity, flowSampler } from '../../core/flow/log-density.js';
import type { ParameterSource } from '../../core/flow/parameters.js';
import { mean } from '../../core/metrics/index.js';
import { tfjsOps } from '../../core/ops/tfjs-ops.js';
import { toInterleaved, toPlanar } from '../../core/picture.js';
import type { FlowSamples, ValidationCrop, ValidationRecord } from '../progress.js';
import { stepRandom } from './step-random.js';

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

interface ValidationTask {
  readonly architecture: Architecture;
  readonly source: ParameterSource<tf.Tensor>;
  readonly sigmaRange: readonly [number, number];
  readonly seed: number;
  /** [count, size, size, 3], 8-bit. */
  readonly crops: Uint8Array;
  readonly size: number;
  readonly temperature: number;
}

type Measured = Pick<ValidationRecord, 'bitsPerDimension' | 'psnr' | 'crops' | 'samples'>;

const toBytes = (picture: Float32Array) =>
  new Uint8Array(Uint8ClampedArray.from(picture, (value) => value * 255).buffer);

function psnrOf(clean: Uint8Array, estimate: Float32Array): number {
  let squares = 0;
  for (let i = 0; i < clean.length; i++) {
    const value = Math.min(1, Math.max(0, estimate[i] as number));
    squares += (value - (clean[i] as number) / 255) ** 2;
  }
  return -10 * Math.log10(squares / clean.length);
}

/** The measured noise levels: those of 15, 25 and 50 that the flow knows, or its range's ends and middle. */
function sigmasFor([low, high]: readonly [number, number]): readonly number[] {
  const known = SIGMAS_255.filter((sigma) => sigma / 255 >= low && sigma / 255 <= high);
  return known.length === SIGMAS_255.length ? known : [low, Math.sqrt(low * high), high].map((s) => s * 255);
}

async function bitsOf(task: ValidationTask): Promise<number> {
  const { architecture, source, sigmaRange, seed, crops, size } = task;
  const numbers = size * size * 3;
  const count = crops.length / numbers;
  const draws = stepRandom(seed, FIRST_STEP);
  const [s] = sigmaRange;
  const values = Float32Array.from(draws.uniform(crops.length), (u, i) => ((crops[i] as number) + u) / 256);
  const noise = architecture.conditioning ? draws.normal(crops.length) : undefined;
  const y = noise ? values.map((value, i) => value + s * (noise[i] as number)) : values;
  const densities: number[] = [];
  for (let start = 0; start < count; start += BATCH) {
    const batch = Math.min(BATCH, count - start);
    const part = y.subarray(start * numbers, (start + batch) * numbers);
    const logDensity = tf.tidy(
      () =>
        flowDensity(
          tfjsOps,
          architecture,
          source,
        )(tf.tensor4d(part, [batch, size, size, 3]), tf.fill([batch, 1], s)).logDensity,
    );
    densities.push(...(await logDensity.data()));
    logDensity.dispose();
  }
  return 8 - mean(densities) / (numbers * Math.LN2);
}

/** The posterior mean of noisy crops, [count, size, size, 3]. */
function tweedie(
  { architecture, source, size }: ValidationTask,
  noisy: Float32Array,
  sigma: number,
): Float32Array {
  const numbers = size * size * 3;
  const estimate = new Float32Array(noisy.length);
  for (let start = 0; start < noisy.length; start += BATCH * numbers) {
    const part = noisy.subarray(start, start + BATCH * numbers);
    const batch = part.length / numbers;
    const result = tf.tidy(() => {
      const y = tf.tensor4d(part, [batch, size, size, 3]);
      const { score } = densityAndScore(tfjsOps, architecture, source)(y, tf.fill([batch, 1], sigma));
      return tf.add(y, tf.mul(score, sigma * sigma)).dataSync();
    });
    estimate.set(result as Float32Array, start);
  }
  return estimate;
}

/** A few steps of beta-MAP from the noisy crops. A crop on which the flow breaks down stays as it is. */
async function climbed(
  { architecture, source, sigmaRange, size }: ValidationTask,
  noisy: Float32Array,
  sigma: number,
): Promise<Float32Array> {
  const numbers = size * size * 3;
  const evaluate = (y: tf.Tensor, s: tf.Tensor) =>
    tf.tidy(() => ({ ...densityAndScore(tfjsOps, architecture, source)(y, s) }));
  const starts = Array.from({ length: noisy.length / numbers }, (_, i) =>
    toPlanar(noisy.subarray(i * numbers, (i + 1) * numbers), 3),
  );
  let tiles = starts.map((start, place) => ({
    place,
    shape: { channels: 3, height: size, width: size },
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
  const climbs = openTfjsClimbs(evaluate);
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
  const { architecture, crops, size, seed } = task;
  const numbers = size * size * 3;
  const count = architecture.conditioning ? crops.length / numbers : CLIMBED_CROPS;
  const clean = crops.subarray(0, count * numbers);
  const sigma = sigma255 / 255;
  const normal = stepRandom(seed, FIRST_STEP - Math.round(sigma255)).normal(clean.length);
  const noisy = normal.map((n, i) => (clean[i] as number) / 255 + sigma * n);
  const denoised = architecture.conditioning
    ? tweedie(task, noisy, sigma)
    : await climbed(task, noisy, sigma);
  const at = <A extends Uint8Array | Float32Array>(data: A, i: number) =>
    data.subarray(i * numbers, (i + 1) * numbers) as A;
  const indices = Array.from({ length: clean.length / numbers }, (_, i) => i);
  const decibels = (data: Float32Array) => mean(indices.map((i) => psnrOf(at(clean, i), at(data, i))));
  return {
    psnr: { sigma255, noisy: decibels(noisy), denoised: decibels(denoised) },
    shown: indices.slice(0, SHOWN_CROPS).map(
      (i): ValidationCrop => ({
        size,
        sigma255,
        clean: at(clean, i).slice(),
        noisy: toBytes(at(noisy, i)),
        denoised: toBytes(at(denoised, i)),
      }),
    ),
  };
}

/** Pictures drawn from the flow at its smallest noise level. */
export function sampleFlow(
  { architecture, source, sigmaRange, seed, size }: Omit<ValidationTask, 'crops' | 'temperature'>,
  temperature: number,
): FlowSamples {
  const draws = stepRandom(seed, FIRST_STEP * 2);
  const data = tf.tidy(() => {
    const latents: tf.Tensor[] = [];
    let side = size;
    for (const { channels, splits } of levelPlans(architecture)) {
      side /= 2;
      const own = splits ? channels / 2 : 0;
      if (own > 0) latents.push(latent(own));
    }
    latents.push(latent(levelPlans(architecture).at(-1)?.channels ?? 0));
    function latent(channels: number): tf.Tensor {
      const shape: [number, number, number, number] = [SAMPLES, side, side, channels];
      const values = draws.normal(SAMPLES * side * side * channels);
      return tf.tensor4d(
        values.map((n) => temperature * n),
        shape,
      );
    }
    return flowSampler(
      tfjsOps,
      architecture,
      source,
    )(latents, tf.fill([SAMPLES, 1], sigmaRange[0])).dataSync();
  });
  const numbers = size * size * 3;
  const pictures = Array.from({ length: SAMPLES }, (_, i) =>
    toBytes(Float32Array.from(data.slice(i * numbers, (i + 1) * numbers))),
  );
  return { size, temperature, pictures };
}

/** Measures the flow with the parameters of `source`. */
export async function validate(task: ValidationTask): Promise<Measured> {
  const bitsPerDimension = await bitsOf(task);
  const results: Awaited<ReturnType<typeof denoisedAt>>[] = [];
  for (const sigma255 of sigmasFor(task.sigmaRange)) results.push(await denoisedAt(task, sigma255));
  return {
    bitsPerDimension,
    psnr: results.map(({ psnr }) => psnr),
    crops: results.flatMap(({ shown }) => shown),
    samples: task.temperature > 0 ? sampleFlow(task, task.temperature) : undefined,
  };
}
