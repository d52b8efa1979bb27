// beta-MAP, the paper's estimator ("Image Denoising with a Normalizing-Flow Prior"): the maximum of
// beta ln p(y | C) + ln p(C) by Adam, here under the flow's clean prior p_s at its smallest noise level s.
import type { Ascent } from '../engine/ascent.js';
import { gaussianNoise } from '../noise/likelihood/gaussian.js';
import type { NoiseModel } from '../noise/likelihood/noise-model.js';
import type { PictureShape } from '../ops/tensor-ops.js';
import { type AdamOptions, adam } from './adam.js';
import {
  type Answer,
  climbOf,
  densityAt,
  type Estimate,
  type Estimation,
  type EstimationRequest,
  hasBrokenDown,
  MOST_NOISE,
} from './estimation.js';
import { addScaled, type PosteriorMeanOptions, posteriorMean } from './posterior-mean.js';

const ADAM_BETAS = [0.9, 0.99] as const;
/** Adam's epsilon, in units of sigma: gradients are of the size of sigma, so nothing flips on rounding. */
const ADAM_EPSILON = 1e-3;
/** A tile has converged when the RMS of its update is below this many sigma. */
const TOLERANCE = 1e-3;

export interface BetaMapOptions extends PosteriorMeanOptions {
  /** Weight of the likelihood: larger stays closer to the noisy picture. */
  readonly beta: number;
  /** Adam steps at most; evaluations are one more, and another for the start at the posterior mean. */
  readonly steps: number;
  /** Adam's first rate, in units of sigma. */
  readonly rate: number;
  /** The posterior mean needs a prior that is conditioned on the noise level. */
  readonly start: 'posterior-mean' | 'noisy';
  /** Take the prior's own noise off at the end: C + s^2 score(C; s). Needs a conditioned prior. */
  readonly polish: boolean;
  /** s: the noise level of the clean prior, [0, 1] units. */
  readonly priorSigma: number;
  /** Other than Gaussian noise of the given sigma. */
  readonly noise?: NoiseModel | undefined;
  /** The tile's shape, where the engine takes climbs: Gaussian noise is then left to it. */
  readonly climbs?: Omit<PictureShape, 'batch'> | undefined;
}

export interface BetaMapEstimate extends Estimate {
  /** Adam steps that were made. */
  readonly steps: number;
  readonly isConverged: boolean;
  /** J = beta ln p(y | C) + ln p_s(C) of the iterate that was kept (before the polish), nats. */
  readonly objective: number;
}

/**
 * argmax over C of J(C) = beta ln p(y | C) + ln p_s(C), by Adam on -sigma^2 J; the iterate with the best J is kept.
 *
 * @param y      noisy tile, Float32, planar [C, H, W], [0, 1] before noise (not clipped)
 * @param sigma  noise standard deviation, same units; also the unit of Adam's rate and of the stopping rule
 * @returns      clean estimate, not clipped
 * @see          the paper's equation for C_hat; docs/method.md
 */
export function* betaMap(
  y: Float32Array,
  sigma: number,
  options: BetaMapOptions,
): Estimation<BetaMapEstimate> {
  const { noise = gaussianNoise(sigma), climbs } = options;
  const start = options.start === 'posterior-mean' ? yield* posteriorMean(y, sigma, options) : undefined;
  const fallback = !start || start.fallback === 'noisy' ? 'noisy' : 'posterior-mean';
  const problem: Problem = {
    noisy: y,
    start: start?.estimate ?? Float32Array.from(y),
    sigma,
    noise,
    options,
    optimizer: {
      steps: options.steps,
      rate: options.rate * sigma,
      epsilon: ADAM_EPSILON * sigma,
      betas: ADAM_BETAS,
    },
  };
  const { precision } = noise;
  const ascent =
    climbs && precision ? yield* climbElsewhere(problem, precision, climbs) : yield* climbHere(problem);
  const { estimate = problem.start, ...made } = ascent;
  const evaluations = (start?.evaluations ?? 0) + ascent.steps + 1;
  return { ...made, estimate, evaluations, fallback: ascent.estimate ? undefined : fallback };
}

interface Problem {
  readonly noisy: Float32Array;
  readonly start: Float32Array;
  readonly sigma: number;
  readonly noise: NoiseModel;
  readonly options: BetaMapOptions;
  readonly optimizer: AdamOptions;
}

/** Adam step by step, the prior evaluated for each. */
function* climbHere({
  noisy,
  start,
  sigma,
  noise,
  options,
  optimizer,
}: Problem): Generator<EstimationRequest, Ascent, Answer> {
  const { beta, priorSigma, polish } = options;
  const iterate = Float32Array.from(start);
  const state = adam(iterate.length, optimizer);
  const gradient = new Float32Array(iterate.length);
  let best: { objective: number; iterate: Float32Array; score: Float32Array } | undefined;
  let isConverged = false;
  for (let steps = 0; ; steps++) {
    const density = yield* densityAt({ y: iterate, sigma: priorSigma });
    const isOver = hasBrokenDown(density, priorSigma);
    const objective = beta * noise.logLikelihood(iterate, noisy) + density.logDensity;
    if (!isOver && !(best && best.objective >= objective))
      best = { objective, iterate: Float32Array.from(iterate), score: density.score };
    if (steps === optimizer.steps || isConverged || isOver) {
      if (!best) return { steps, isConverged, estimate: undefined, objective: Number.NEGATIVE_INFINITY };
      const estimate = polish ? addScaled(best.iterate, best.score, priorSigma ** 2) : best.iterate;
      return { steps, isConverged, estimate, objective: best.objective };
    }
    noise.gradient(iterate, noisy, gradient);
    const scale = -sigma * sigma;
    for (let i = 0; i < gradient.length; i++)
      gradient[i] = scale * (beta * (gradient[i] as number) + (density.score[i] as number));
    isConverged = state.step(iterate, gradient) < TOLERANCE * sigma;
  }
}

/** The same by the engine, in one request. */
function climbElsewhere(
  { noisy, start, sigma, options, optimizer }: Problem,
  precision: Float32Array,
  shape: Omit<PictureShape, 'batch'>,
): Generator<EstimationRequest, Ascent, Answer> {
  const { beta, priorSigma, polish } = options;
  return climbOf({
    shape,
    // Copies: the engine takes the buffers away.
    start: start.slice(),
    noisy: noisy.slice(),
    precision,
    beta,
    priorSigma,
    sigma,
    adam: optimizer,
    tolerance: TOLERANCE * sigma,
    mostScore: MOST_NOISE / priorSigma,
    polish,
  });
}
