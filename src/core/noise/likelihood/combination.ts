// A second pass for pictures of few counts: a first estimate with a little of the noisy picture mixed in is again a
// Poisson-Gaussian picture, with less noise. Azzari and Foi 2016, Variance stabilization for noisy+estimate combination in
// iterative Poisson denoising.
import { badOption } from '../../errors.js';
import { type PoissonGaussianParameters, poissonGaussianNoise } from './poisson-gaussian.js';

const STEPS = 24;
const LEAST_WEIGHT = 1e-3;

/**
 * weight noisy + (1 - weight) estimate.
 *
 * @param noisy     samples in [0, 1], not clipped, any layout; not modified
 * @param estimate  a first estimate of the same samples
 * @param weight    the noisy picture's, above 0 to 1
 */
export function combine(noisy: Float32Array, estimate: Float32Array, weight: number): Float32Array {
  if (noisy.length !== estimate.length || !(weight > 0 && weight <= 1))
    throw badOption(
      `Expected pictures of one size and a weight above 0 to 1 but received ${noisy.length} and ${estimate.length} samples and ${weight}`,
    );
  return noisy.map((value, i) => weight * value + (1 - weight) * (estimate[i] as number));
}

/**
 * The noise of `combine`'s result if the estimate is right: var = weight^2 (gain (x - offset) + sigma^2), with the same
 * mean. Also Poisson-Gaussian.
 */
export function combinedNoise(
  { gain, sigma, offset = 0 }: PoissonGaussianParameters,
  weight: number,
): Required<PoissonGaussianParameters> {
  return { gain: gain * weight * weight, sigma: sigma * weight, offset };
}

/**
 * The weight for which the combination has a given noise level after stabilisation; 1 if a second pass gains nothing.
 *
 * @param sigma  the level of `poissonGaussianNoise(combinedNoise(noise, weight))`; 30 to 45 / 255 did best
 */
export function weightForSigma(noise: PoissonGaussianParameters, sigma: number): number {
  const sigmaOf = (weight: number) => poissonGaussianNoise(combinedNoise(noise, weight)).sigma;
  if (sigmaOf(1) <= sigma) return 1;
  let [low, high] = [LEAST_WEIGHT, 1];
  for (let step = 0; step < STEPS; step++) {
    const middle = Math.sqrt(low * high);
    if (sigmaOf(middle) > sigma) high = middle;
    else low = middle;
  }
  return low;
}
