// The posterior mean by Tweedie's formula (Robbins 1956; Efron 2011): one evaluation of a noise-conditioned prior.
import { type Estimation, hasOverflowed } from './estimation.js';

/**
 * E[C | y] under the flow's noise-conditioned prior: y + sigma^2 d/dy ln p_sigma(y).
 *
 * @param y      noisy tile, Float32, planar [C, H, W], [0, 1] before noise (not clipped)
 * @param sigma  noise standard deviation, same units as y, within the prior's `sigmaRange`
 * @returns      clean estimate, not clipped; y itself where the flow overflowed
 * @see          Efron 2011, "Tweedie's Formula and Selection Bias"; docs/architecture.md
 */
export function* posteriorMean(y: Float32Array, sigma: number): Estimation {
  const density = yield { y, sigma };
  if (hasOverflowed(density)) return { estimate: y.slice(), evaluations: 1, fallback: 'noisy' };
  return { estimate: addScaled(y, density.score, sigma * sigma), evaluations: 1 };
}

/** a + scale * b, elementwise. */
export function addScaled(a: Float32Array, b: Float32Array, scale: number): Float32Array {
  const sum = new Float32Array(a.length);
  for (let i = 0; i < sum.length; i++) sum[i] = (a[i] as number) + scale * (b[i] as number);
  return sum;
}
