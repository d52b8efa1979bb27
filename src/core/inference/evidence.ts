// How likely a noisy tile is under a conditioned prior, measured by how well the prior denoises it. choose-prior.ts compares
// priors with it.
import { addGaussianNoise } from '../noise/simulate/add-noise.js';
import { densityAt, type Estimate, type Estimation, hasBrokenDown } from './estimation.js';

export interface Evidence extends Estimate {
  /** ln p_sigma(y) above that under a flat prior, nats per number of the tile. */
  readonly nats: number;
}

/** The ratio of an added noise level to the one before. */
const STEP = 2;

/** The integral of (tau / first)^2 d ln tau up to the first level. */
const BELOW_FIRST = 1 / 2;

/** The standard deviations of the added noise, evenly spaced in their logarithm, from half the tile's own or less. */
function addedLevels(sigma: number, mostSigma: number): number[] {
  const most = Math.sqrt(mostSigma ** 2 - sigma ** 2);
  const least = Math.min(sigma, most) / 2;
  const steps = Math.ceil(Math.log(most / least) / Math.log(STEP));
  return Array.from({ length: steps + 1 }, (_, i) => least * (most / least) ** (i / steps));
}

/** How many evaluations of the prior `evidence` takes. */
export function evidenceEvaluations(sigma: number, mostSigma: number): number {
  return addedLevels(sigma, mostSigma).length;
}

/**
 * The evidence for a prior in a noisy tile y of n numbers. With y' = y + tau e, e standard normal,
 *
 *     ln p(y) = c - integral of |y - E[y | y']|^2 / tau^2 d ln tau,
 *
 * where c is the same for all priors. By Tweedie's formula E[y | y'] = y' + tau^2 score(y'; sqrt(sigma^2 + tau^2)). A flat
 * prior has E[y | y'] = y'; the improvement on it is integrated by trapezoids up to `mostSigma`. Below the first level it falls
 * as tau^2. (Priors trained to denoise have comparable scores, but not comparable ln p: docs/architecture.md.)
 *
 * @param y      noisy tile, Float32, planar [C, H, W], [0, 1] before noise
 * @param sigma  of its noise, same units, within the prior's `sigmaRange`
 * @param mostSigma  the strongest added noise, above `sigma`; all compared priors must know it
 * @param seed   of the added noise. Use one seed for all compared priors, so that it hardly affects the difference
 * @see          Kong, Brekelmans and Ver Steeg 2023, Information-Theoretic Diffusion, eq. 7
 */
export function* evidence(
  y: Float32Array,
  sigma: number,
  { mostSigma, seed }: { readonly mostSigma: number; readonly seed: number },
): Estimation<Evidence> {
  const levels = addedLevels(sigma, mostSigma);
  const [first = 0, second = first] = levels;
  const width = Math.log(second / first);
  const noise = addGaussianNoise(new Float32Array(y.length), 1, seed);
  let nats = 0;
  for (const [index, tau] of levels.entries()) {
    const level = Math.hypot(sigma, tau);
    const noisier = y.map((value, i) => value + tau * (noise[i] as number));
    const density = yield* densityAt({ y: noisier, sigma: level, varies: true });
    const isEnd = index === 0 || index === levels.length - 1;
    const weight = (isEnd ? width / 2 : width) + (index === 0 ? BELOW_FIRST : 0);
    // If the flow breaks down, the prior knows nothing about the tile.
    if (!hasBrokenDown(density, level)) nats += weight * improvement(density.score, noise, tau);
  }
  return { estimate: y, evaluations: levels.length, nats };
}

/** The mean over all numbers of (|y - y'|^2 - |y - E[y | y']|^2) / tau^2 = e^2 - (e + tau score)^2. */
function improvement(score: Float32Array, noise: Float32Array, tau: number): number {
  let sum = 0;
  for (let i = 0; i < score.length; i++) {
    const change = tau * (score[i] as number);
    sum -= change * (2 * (noise[i] as number) + change);
  }
  return sum / score.length;
}
