// The posterior mean by Tweedie's formula (Robbins 1956; Efron 2011): one evaluation of a noise-conditioned prior.
import { mse } from '../metrics/index.js';
import { BreakDown, densityAt, type Estimation, hasBrokenDown } from './estimation.js';

/** If the flow breaks down, it is asked again with this much more noise: it is smoother there. */
const RAISE = 1.5;
const MOST_RAISES = 3;
/**
 * What that may remove, root mean square over the noise's sigma. A posterior mean removes at most the noise, so more is picture,
 * or a pattern that a flow makes where it hardly holds: 1.22 on a picture in saturated blue, which came back with a grid.
 */
const MOST_REMOVED = 1.1;

export interface PosteriorMeanOptions {
  /** The strongest noise that the prior knows, [0, 1] units; sigma is raised up to it. */
  readonly mostSigma?: number | undefined;
  /** Whether other tiles have other noise levels. */
  readonly varies?: boolean | undefined;
  /** Throw a `BreakDown` if the flow breaks down, instead of raising sigma. */
  readonly isStrict?: boolean | undefined;
}

/**
 * E[C | y] under the flow's noise-conditioned prior: y + sigma^2 d/dy ln p_sigma(y).
 *
 * @param y      noisy tile, Float32, planar [C, H, W], [0, 1] before noise (not clipped)
 * @param sigma  noise standard deviation, same units as y, within the prior's `sigmaRange`
 * @returns      clean estimate, not clipped. If the flow broke down, `fallback` is 'stronger' for the posterior mean at the
 *               next level where it did not and removes no more than noise, or 'noisy' for y itself
 * @throws       BreakDown if `isStrict`
 * @see          Efron 2011, "Tweedie's Formula and Selection Bias"; docs/architecture.md
 */
export function* posteriorMean(
  y: Float32Array,
  sigma: number,
  { mostSigma = Number.POSITIVE_INFINITY, varies, isStrict }: PosteriorMeanOptions = {},
): Estimation {
  let level = sigma;
  for (let evaluations = 1; ; evaluations++) {
    const density = yield* densityAt({ y, sigma: level, varies: varies || evaluations > 1 });
    if (!hasBrokenDown(density, level)) {
      const estimate = addScaled(y, density.score, level * level);
      if (evaluations === 1) return { estimate, evaluations };
      if (Math.sqrt(mse(y, estimate)) <= MOST_REMOVED * sigma)
        return { estimate, evaluations, fallback: 'stronger' };
    }
    if (isStrict) throw new BreakDown(addScaled(new Float32Array(y.length), density.score, level));
    if (evaluations > MOST_RAISES || level >= mostSigma)
      return { estimate: y.slice(), evaluations, fallback: 'noisy' };
    level = Math.min(mostSigma, level * RAISE);
  }
}

/** a + scale * b, elementwise. */
export function addScaled(a: Float32Array, b: Float32Array, scale: number): Float32Array {
  const sum = new Float32Array(a.length);
  for (let i = 0; i < sum.length; i++) sum[i] = (a[i] as number) + scale * (b[i] as number);
  return sum;
}
