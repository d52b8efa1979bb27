// A step's batch, and its random numbers (noise, noise levels, dequantization) as a function of seed and step, so that training
// can resume.
import * as tf from '@tensorflow/tfjs-core';
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { mersenne } from 'pure-rand/generator/mersenne';
import { gaussianGenerator } from '../../core/noise/random.js';
import type { TrainingSettings } from '../options.js';

/** Separates these draws from others with the same seed. */
const SALT = 0x9e3779b9;

/** @param seed an integer from 0 to 2^32 - 1 */
export function stepRandom(seed: number, step: number) {
  const own = (seed + Math.imul(step + 1, SALT)) >>> 0;
  const generator = mersenne(own);
  const gaussian = gaussianGenerator((own ^ SALT) >>> 0);
  const uniform = () => uniformFloat64(generator);
  return {
    /** `count` samples of N(0, 1). */
    normal: (count: number) => new Float32Array(count).map(gaussian),
    /** `count` samples of U(0, 1). */
    uniform: (count: number) => new Float32Array(count).map(uniform),
    /** `count` noise levels, log-uniform over the range and stratified: one in each of `count` equal parts, shuffled. */
    sigmas(count: number, [low, high]: readonly [number, number]): Float32Array {
      const levels = Float32Array.from({ length: count }, (_, i) => {
        const t = (i + uniform()) / count;
        return low * (high / low) ** t;
      });
      for (let i = count - 1; i > 0; i--) {
        const j = Math.floor(uniform() * (i + 1));
        [levels[i], levels[j]] = [levels[j] as number, levels[i] as number];
      }
      return levels;
    },
  };
}

/** Pictures are [B, H, W, C]. */
export interface TrainingBatch {
  /** [0, 1]. */
  readonly clean: tf.Tensor;
  /** N(0, 1), like `clean`; undefined for a flow that is not conditioned on noise. */
  readonly noise: tf.Tensor | undefined;
  /** [B, 1], [0, 1] units. */
  readonly sigma: tf.Tensor;
}

/** A step's batch as tensors. Call it inside `tidy`. */
export function batchOf(
  { architecture, batch, crop, seed, sigmaRange }: TrainingSettings,
  pixels: Uint8Array,
  step: number,
): TrainingBatch {
  const draws = stepRandom(seed, step);
  const tensor = (values: Float32Array) => tf.tensor4d(values, [batch, crop, crop, 3]);
  if (!architecture.conditioning) {
    // Uniform dequantization (Theis et al. 2016): whole numbers become intervals, so that they have a density.
    const spread = draws.uniform(pixels.length);
    return {
      clean: tensor(spread.map((u, i) => ((pixels[i] as number) + u) / 256)),
      noise: undefined,
      sigma: tf.fill([batch, 1], sigmaRange[0]),
    };
  }
  return {
    clean: tensor(Float32Array.from(pixels, (value) => value / 255)),
    noise: tensor(draws.normal(pixels.length)),
    sigma: tf.tensor2d(draws.sigmas(batch, sigmaRange), [batch, 1]),
  };
}

/** The batch's pictures with their noise. */
export function noisy({ clean, noise, sigma }: TrainingBatch): tf.Tensor {
  return noise ? tf.add(clean, tf.mul(tf.reshape(sigma, [-1, 1, 1, 1]), noise)) : clean;
}
