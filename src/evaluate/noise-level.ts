// The noise of one column of an evaluation: how to make it, how to describe it to the denoiser, its strength at a sample. One
// seed always gives the same noise.

import { addGaussianNoise, addPoissonGaussianNoise } from '../core/noise/index.js';
import { clamped } from '../core/picture.js';
import type { DenoiseCallOptions } from '../denoiser/denoiser.js';

/** Noise to add to samples. All in 8-bit units. */
export interface AddedNoise {
  readonly model: 'gaussian' | 'poisson-gaussian';
  /** Standard deviation; of the read noise for Poisson-Gaussian noise. */
  readonly sigma: number;
  /** Poisson-Gaussian: variance per unit of signal. */
  readonly gain?: number;
  /** The name of this level in a publication, if it differs. */
  readonly stated?: number;
}

export interface JpegSettings {
  /** 1 to 100, as in sharp. */
  readonly quality: number;
  readonly chromaSubsampling: '4:2:0' | '4:4:4';
}

/** The noise of a simulated camera, which takes the picture as its scene. */
export interface CameraNoise {
  readonly model: 'camera';
  readonly iso: number;
  /** How its file is coded. Default: bytes without loss. */
  readonly jpeg?: JpegSettings;
  /** Undefined, since a camera's noise has no single sigma. */
  readonly sigma?: undefined;
  readonly gain?: undefined;
  readonly stated?: undefined;
}

export type NoiseLevel = AddedNoise | CameraNoise;

export function noiseName(level: NoiseLevel): string {
  switch (level.model) {
    case 'gaussian':
      return `sigma ${level.sigma}`;
    case 'poisson-gaussian':
      return `gain ${level.gain}, read noise ${level.sigma}`;
    case 'camera':
      return `ISO ${level.iso}${level.jpeg ? `, JPEG ${level.jpeg.quality} ${level.jpeg.chromaSubsampling}` : ''}`;
    default:
      return level satisfies never;
  }
}

/** The x axis of a curve over noises of one kind. */
export function noiseAxis(level: NoiseLevel): {
  readonly quantity: string;
  readonly label: string;
  readonly value: number;
} {
  switch (level.model) {
    case 'gaussian':
      return { quantity: 'sigma', label: 'sigma of the noise (8-bit units)', value: level.sigma };
    case 'poisson-gaussian':
      return { quantity: 'gain', label: 'gain (8-bit units)', value: level.gain ?? Number.NaN };
    case 'camera': {
      const { jpeg } = level;
      const coded = jpeg ? `, JPEG ${jpeg.quality} ${jpeg.chromaSubsampling}` : '';
      return { quantity: `ISO speed${coded}`, label: 'ISO speed', value: level.iso };
    }
    default:
      return level satisfies never;
  }
}

export function noiseFolder(level: NoiseLevel): string {
  switch (level.model) {
    case 'gaussian':
      return `sigma-${level.sigma}`;
    case 'poisson-gaussian':
      return `gain-${level.gain}-sigma-${level.sigma}`;
    case 'camera':
      return noiseName(level).toLowerCase().replaceAll(':', '').replaceAll(/\W+/g, '-');
    default:
      return level satisfies never;
  }
}

export function isSameNoise(a: NoiseLevel, b: NoiseLevel): boolean {
  return a.model === b.model && noiseName(a) === noiseName(b);
}

/**
 * @param clean  samples in [0, 1], any layout
 * @param seed   an integer from 0 to 2^32 - 1
 * @param clip   whether to clip to [0, 1], as in a file of integers
 */
export function withNoise(clean: Float32Array, level: AddedNoise, seed: number, clip: boolean): Float32Array {
  const sigma = level.sigma / 255;
  const noisy =
    level.model === 'gaussian'
      ? addGaussianNoise(clean, sigma, seed)
      : addPoissonGaussianNoise(clean, { gain: (level.gain ?? 0) / 255, sigma }, seed);
  return clip ? clamped(noisy) : noisy;
}

/** The noise as the denoiser gets it: its true model; nothing for a camera, as with any photograph. */
export function toldNoise(level: NoiseLevel): Pick<DenoiseCallOptions, 'sigma' | 'noise'> {
  switch (level.model) {
    case 'gaussian':
      return { sigma: level.sigma };
    case 'poisson-gaussian':
      return { noise: { model: level.model, gain: level.gain ?? 0, sigma: level.sigma } };
    case 'camera':
      return {};
    default:
      return level satisfies never;
  }
}

/** The standard deviation of added noise at a clean sample, [0, 1] units. */
export function deviationAt({ model, sigma, gain = 0 }: AddedNoise, clean: number): number {
  if (model === 'gaussian') return sigma / 255;
  return Math.sqrt((gain / 255) * Math.max(0, clean) + (sigma / 255) ** 2);
}
