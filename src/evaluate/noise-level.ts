// The noise of one column of an evaluation: how it is made, how it is told to the denoiser, how strong it is at a
// sample. The same seed gives the same noise, whatever is evaluated on it.
import { addGaussianNoise, addPoissonGaussianNoise } from '../core/noise/index.js';
import type { DenoiseCallOptions } from '../denoiser/denoiser.js';

/** All in 8-bit units. */
export interface NoiseLevel {
  readonly model: 'gaussian' | 'poisson-gaussian';
  /** Standard deviation; of the read noise for Poisson-Gaussian noise. */
  readonly sigma: number;
  /** Poisson-Gaussian: variance per unit of signal. */
  readonly gain?: number;
  /** What a publication calls this level, where that is something else. */
  readonly stated?: number;
}

export function noiseName({ model, sigma, gain }: NoiseLevel): string {
  return model === 'gaussian' ? `sigma ${sigma}` : `gain ${gain}, read noise ${sigma}`;
}

/** A name for a folder. */
export function noiseFolder({ model, sigma, gain }: NoiseLevel): string {
  return model === 'gaussian' ? `sigma-${sigma}` : `gain-${gain}-sigma-${sigma}`;
}

export function isSameNoise(a: NoiseLevel, b: NoiseLevel): boolean {
  return a.model === b.model && a.sigma === b.sigma && a.gain === b.gain;
}

/**
 * @param clean  samples in [0, 1], any layout; not modified
 * @param seed   an integer from 0 to 2^32 - 1
 * @param clip   whether what leaves [0, 1] is cut off, as in a file of integers
 */
export function withNoise(clean: Float32Array, level: NoiseLevel, seed: number, clip: boolean): Float32Array {
  const sigma = level.sigma / 255;
  const noisy =
    level.model === 'gaussian'
      ? addGaussianNoise(clean, sigma, seed)
      : addPoissonGaussianNoise(clean, { gain: (level.gain ?? 0) / 255, sigma }, seed);
  return clip ? clamped(noisy) : noisy;
}

/** Samples cut off at 0 and 1. */
export function clamped(data: Float32Array): Float32Array {
  return data.map((value) => Math.min(1, Math.max(0, value)));
}

/** The noise as the denoiser is told it: what it really is. */
export function toldNoise({
  model,
  sigma,
  gain = 0,
}: NoiseLevel): Pick<DenoiseCallOptions, 'sigma' | 'noise'> {
  return model === 'gaussian' ? { sigma } : { noise: { model, gain, sigma } };
}

/** The noise's standard deviation at a clean sample, [0, 1] units. */
export function deviationAt({ model, sigma, gain = 0 }: NoiseLevel, clean: number): number {
  if (model === 'gaussian') return sigma / 255;
  return Math.sqrt((gain / 255) * Math.max(0, clean) + (sigma / 255) ** 2);
}
