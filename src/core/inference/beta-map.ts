// beta-MAP, the paper's estimator ("Image Denoising with a Normalizing-Flow Prior"): the maximum of
// beta ln p(y | C) + ln p(C) by Adam, here under the flow's clean prior p_s at its smallest noise level s.
import { gaussianNoise, type NoiseModel } from '../noise/likelihood/noise-model.js';
import { numberOps } from '../ops/tensor-ops.js';
import { adamStep, type Climb, climbCourse, descent } from './climb.js';
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
  const { estimate = from, ...made } = yield* climb(y, from, sigma, noise, options);
  const evaluations = (start?.evaluations ?? 0) + made.steps + 1;
  return { ...made, estimate, evaluations, fallback: estimate === from ? fallback : undefined };
}

/** Adam step by step, with one evaluation of the prior each. An engine may take over the whole climb. */
function* climb(
  noisy: Float32Array,
  from: Float32Array,
  sigma: number,
  noise: NoiseModel,
  { beta, priorSigma, polish, steps, rate }: BetaMapOptions,
): Generator<DensityRequest, Climb, Answer> {
  const rules = { steps, rate: rate * sigma, epsilon: ADAM_EPSILON * sigma, betas: ADAM_BETAS };
  const tolerance = TOLERANCE * sigma;
  const { precision } = noise;
  const mostScore = MOST_NOISE / priorSigma;
  const whole = precision && { noisy, precision, beta, sigma, adam: rules, tolerance, mostScore, polish };
  const answer = yield { y: from, sigma: priorSigma, climb: whole };
  if ('steps' in answer) return answer;

  const course = climbCourse(rules, tolerance);
  const iterate = Float32Array.from(from);
  const gradient = new Float32Array(iterate.length);
  const first = new Float32Array(iterate.length);
  const second = new Float32Array(iterate.length);
  const weights = { beta, scale: -sigma * sigma };
  let best: { readonly iterate: Float32Array; readonly score: Float32Array } | undefined;
  for (let density = answer; ; density = yield* densityAt({ y: iterate, sigma: priorSigma })) {
    const { score, logDensity } = density;
    const objective = beta * noise.logLikelihood(iterate, noisy) + logDensity;
    const { isBest, isOver } = course.judge(objective, !hasBrokenDown(density, priorSigma));
    if (isBest) best = { iterate: Float32Array.from(iterate), score };
    if (isOver) {
      const estimate = best && (polish ? addScaled(best.iterate, best.score, priorSigma ** 2) : best.iterate);
      return { estimate, objective: course.objective, steps: course.steps, isConverged: course.isConverged };
    }
    noise.gradient(iterate, noisy, gradient);
    const factors = course.factors();
    let squares = 0;
    for (let i = 0; i < iterate.length; i++) {
      const down = Math.fround(descent(numberOps, gradient[i] as number, score[i] as number, weights));
      const before = { first: first[i] as number, second: second[i] as number };
      const step = adamStep(numberOps, before, down, factors, rules.betas);
      first[i] = step.first;
      second[i] = step.second;
      iterate[i] = (iterate[i] as number) - step.move;
      squares += step.move * step.move;
    }
    course.moved(Math.sqrt(squares / iterate.length));
  }
}
