// Noise of a sensor: photons arrive at random (Poisson) and reading adds Gaussian noise,
//   y = gain Poisson((x - offset) / gain) + offset + N(0, sigma^2),   var(y) = gain (x - offset) + sigma^2,
// all in [0, 1] units. As a stabiliser, which works with any prior, and as a likelihood.
import { badOption } from '../../errors.js';
import { exactUnbiasedInverse, expectedAnscombe, generalizedAnscombe } from './anscombe.js';
import { independentNoise, type NoiseModel } from './noise-model.js';

export interface PoissonGaussianParameters {
  /** Variance per unit of signal, above 0: 1 / 30 if 30 photons make white. In [0, 1] units: gain255 / 255. */
  readonly gain: number;
  /** Standard deviation of the read noise, at least 0, in [0, 1] units: sigma255 / 255. */
  readonly sigma: number;
  /** The sample without light (black level), below 1, in [0, 1] units. Default 0. */
  readonly offset?: number | undefined;
}

/** A map to samples with Gaussian noise of one sigma, and its inverse, so that a prior for Gaussian noise can be used. */
export interface Stabiliser {
  /** Standard deviation of the noise after `stabilise`, in units of its result (8-bit units: times 255). */
  readonly sigma: number;

  /**
   * Maps noisy samples to the domain of Gaussian noise. A clean signal in [0, 1] stays in [0, 1], as a prior expects.
   *
   * @param noisy  samples in [0, 1], not clipped, any layout; not modified
   * @returns      as many samples
   */
  stabilise(noisy: Float32Array): Float32Array;

  /**
   * Maps a denoised picture back to [0, 1]. It is unbiased, unlike the plain inverse of `stabilise`.
   *
   * @param estimate  an estimate of the mean of `stabilise`'s result; not modified
   * @returns         the clean samples, not clipped at 1
   */
  destabilise(estimate: Float32Array): Float32Array;
}

/** Means above this many counts need no sum over the Poisson distribution: E[f] = 2 sqrt(lambda + 1/8 + sigma^2). */
const MANY = 1000;
/** Below this signal, counts, the likelihood's variance falls no further: pure Poisson would reach 0. */
const LEAST_COUNTS = 1 / 4;

/** @throws FlowDenoiseError BAD_OPTION */
export function checkPoissonGaussian({ gain, sigma, offset = 0 }: PoissonGaussianParameters): void {
  const isValid = gain > 0 && sigma >= 0 && offset < 1;
  if (isValid && [gain, sigma, offset].every(Number.isFinite)) return;
  throw badOption(
    `Expected finite numbers above 0 for gain, of at least 0 for sigma and below 1 for offset but received ${gain}, ${sigma}, ${offset}`,
  );
}

/**
 * The generalized Anscombe transform, scaled so that clean pictures stay in [0, 1], with the exact unbiased inverse: see
 * anscombe.ts. Below about 2 counts the noise is weaker than `sigma`.
 *
 * @throws FlowDenoiseError BAD_OPTION
 */
export function poissonGaussianNoise(parameters: PoissonGaussianParameters): Stabiliser {
  checkPoissonGaussian(parameters);
  const { gain, sigma, offset = 0 } = parameters;
  const readNoise = sigma / gain;
  const expected = expectedAnscombe(readNoise);
  let inverse: ((d: number) => number) | undefined;
  /** E[f] of a clean sample in [0, 1]. */
  const landsOn = (x: number): number => {
    const lambda = Math.max(0, (x - offset) / gain);
    const isTabled = lambda <= MANY && readNoise <= MANY;
    return isTabled ? expected(lambda).value : 2 * Math.sqrt(lambda + 1 / 8 + readNoise * readNoise);
  };
  const black = landsOn(0);
  const span = landsOn(1) - black;
  return {
    sigma: 1 / span,
    stabilise(noisy) {
      return noisy.map((value) => (generalizedAnscombe((value - offset) / gain, readNoise) - black) / span);
    },
    destabilise(estimate) {
      inverse ??= exactUnbiasedInverse(readNoise);
      const toCounts = inverse;
      return estimate.map((value) => gain * toCounts(value * span + black) + offset);
    },
  };
}

/**
 * log p(y | C) = -sum ((y - C)^2 / (2 v) + ln(v) / 2), v = gain (C - offset) + sigma^2: the Gaussian with the
 * noise's mean and variance, good from about ten counts on.
 *
 * @returns a likelihood for beta-MAP; its maximum is not at C = y but a little below, where v is smaller
 * @throws  FlowDenoiseError BAD_OPTION
 */
export function poissonGaussianLikelihood(parameters: PoissonGaussianParameters): NoiseModel {
  checkPoissonGaussian(parameters);
  const { gain, sigma, offset = 0 } = parameters;
  const least = LEAST_COUNTS * gain;
  const varianceAt = (clean: number) => gain * Math.max(least, clean - offset) + sigma * sigma;

  return independentNoise('poisson-gaussian', {
    cost: (error, clean) => error ** 2 / varianceAt(clean) + Math.log(varianceAt(clean)),
    over: 2,
    slope(error, clean) {
      const variance = varianceAt(clean);
      const growth = clean - offset > least ? gain : 0;
      return error / variance + (growth / 2) * ((error / variance) ** 2 - 1 / variance);
    },
  });
}
