// beta-MAP, the paper's estimator ("Image Denoising with a Normalizing-Flow Prior"): the maximum of
// beta ln p(y | C) + ln p(C) by Adam, here under the flow's clean prior p_s at its smallest noise level s.
import { gaussianNoise, type NoiseModel } from '../noise/likelihood/noise-model.js';
import { numberOps } from '../ops/tensor-ops.js';
import { adam } from './adam.js';
import { type Climb, type ClimbRequest, climbCourse, descent } from './climb.js';
import {
  type Answer,
  type DensityRequest,
  densityAt,
  type Estimate,
  type Estimation,
  hasBrokenDown,
  MOST_NOISE,
} from './estimation.js';
import { addScaled, type PosteriorMeanOptions, posteriorMean } from './posterior-mean.js';

const ADAM_BETAS = [0.9, 0.99] as const;
/** Adam's epsilon, in units of sigma. Gradients are about as large as sigma, so rounding flips no step. */
const ADAM_EPSILON = 1e-3;
/** A tile has converged when the RMS of its update is below this multiple of sigma. */
const TOLERANCE = 1e-3;

export interface BetaMapOptions extends PosteriorMeanOptions {
  /** Weight of the likelihood. Larger values stay closer to the noisy picture. */
  readonly beta: number;
  /** The most Adam steps. Takes one evaluation more, and another to start at the posterior mean. */
  readonly steps: number;
  /** Adam's first rate, in units of sigma. */
  readonly rate: number;
  /** The posterior mean needs a prior that is conditioned on the noise level. */
  readonly start: 'posterior-mean' | 'noisy';
  /** Remove the prior's own noise at the end: C + s^2 score(C; s). Needs a conditioned prior. */
  readonly polish: boolean;
  /** s, the noise level of the clean prior, [0, 1] units. */
  readonly priorSigma: number;
  /** Default: Gaussian noise of the given sigma. */
  readonly noise?: NoiseModel | undefined;
}

export interface BetaMapEstimate extends Estimate {
  /** Adam steps that were made. */
  readonly steps: number;
  readonly isConverged: boolean;
  /** J = beta ln p(y | C) + ln p_s(C) of the best iterate (before the polish), nats. */
  readonly objective: number;
}

/**
 * argmax over C of J(C) = beta ln p(y | C) + ln p_s(C), by Adam on -sigma^2 J. Keeps the iterate with the best J.
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
  const { noise = gaussianNoise(sigma) } = options;
  const start = options.start === 'posterior-mean' ? yield* posteriorMean(y, sigma, options) : undefined;
  const fallback = !start || start.fallback === 'noisy' ? 'noisy' : 'posterior-mean';
  const from = start?.estimate ?? Float32Array.from(y);
  const { estimate = from, ...made } = yield* climb({ noisy: y, from, sigma, noise, options });
  const evaluations = (start?.evaluations ?? 0) + made.steps + 1;
  return { ...made, estimate, evaluations, fallback: estimate === from ? fallback : undefined };
}

interface Problem {
  readonly noisy: Float32Array;
  readonly from: Float32Array;
  readonly sigma: number;
  readonly noise: NoiseModel;
  readonly options: BetaMapOptions;
}

/** Adam step by step, with one evaluation of the prior each. An engine may take over the whole climb. */
function* climb({ noisy, from, sigma, noise, options }: Problem): Generator<DensityRequest, Climb, Answer> {
  const { beta, priorSigma, polish, steps } = options;
  const rules = { steps, rate: options.rate * sigma, epsilon: ADAM_EPSILON * sigma, betas: ADAM_BETAS };
  const tolerance = TOLERANCE * sigma;
  const whole: ClimbRequest | undefined = noise.precision && {
    noisy,
    precision: noise.precision,
    beta,
    sigma,
    adam: rules,
    tolerance,
    mostScore: MOST_NOISE / priorSigma,
    polish,
  };
  const first = yield { y: from, sigma: priorSigma, climb: whole };
  if ('steps' in first) return first;

  const course = climbCourse(rules, tolerance);
  const iterate = Float32Array.from(from);
  const optimizer = adam(iterate.length, rules);
  const gradient = new Float32Array(iterate.length);
  const weights = { beta, scale: -sigma * sigma };
  let best: { readonly iterate: Float32Array; readonly score: Float32Array } | undefined;
  for (let density = first; ; density = yield* densityAt({ y: iterate, sigma: priorSigma })) {
    const { score, logDensity } = density;
    const objective = beta * noise.logLikelihood(iterate, noisy) + logDensity;
    const { isBest, isOver } = course.judge(objective, !hasBrokenDown(density, priorSigma));
    if (isBest) best = { iterate: Float32Array.from(iterate), score };
    if (isOver) {
      const estimate = best && (polish ? addScaled(best.iterate, best.score, priorSigma ** 2) : best.iterate);
      return { estimate, objective: course.objective, steps: course.steps, isConverged: course.isConverged };
    }
    noise.gradient(iterate, noisy, gradient);
    for (let i = 0; i < gradient.length; i++)
      gradient[i] = descent(numberOps, gradient[i] as number, score[i] as number, weights);
    course.moved(optimizer.step(iterate, gradient, course.factors()));
  }
}
