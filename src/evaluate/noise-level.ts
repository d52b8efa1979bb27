// The noise of one column of an evaluation: its names, how to describe it to the denoiser, its strength at a sample.
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
  if (level.model === 'camera') return `ISO ${level.iso}${codingName(level)}`;
  const { model, gain, sigma } = level;
  return model === 'gaussian' ? `sigma ${sigma}` : `gain ${gain}, read noise ${sigma}`;
}

function codingName({ jpeg }: CameraNoise): string {
  return jpeg ? `, JPEG ${jpeg.quality} ${jpeg.chromaSubsampling}` : '';
}

/** The x axis of a curve over noises of one kind. */
export function noiseAxis(level: NoiseLevel) {
  if (level.model === 'camera')
    return { quantity: `ISO speed${codingName(level)}`, label: 'ISO speed', value: level.iso };
  const { model, gain = Number.NaN, sigma } = level;
  return model === 'gaussian'
    ? { quantity: 'sigma', label: 'sigma of the noise (8-bit units)', value: sigma }
    : { quantity: 'gain', label: 'gain (8-bit units)', value: gain };
}

export function noiseFolder(level: NoiseLevel): string {
  const name = noiseName(level).toLowerCase().replace('read noise', 'sigma');
  return name.replaceAll(':', '').replaceAll(/[ ,]+/g, '-');
}

/** The noise as the denoiser gets it: its true model; nothing for a camera, as with any photograph. */
export function toldNoise(level: NoiseLevel): Pick<DenoiseCallOptions, 'sigma' | 'noise'> {
  if (level.model === 'camera') return {};
  const { model, sigma, gain = 0 } = level;
  return model === 'gaussian' ? { sigma } : { noise: { model, gain, sigma } };
}

/** The standard deviation of added noise at a clean sample, [0, 1] units. */
export function deviationAt({ model, sigma, gain = 0 }: AddedNoise, clean: number): number {
  if (model === 'gaussian') return sigma / 255;
  return Math.sqrt((gain / 255) * Math.max(0, clean) + (sigma / 255) ** 2);
}
