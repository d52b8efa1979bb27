// One tile's way from noisy samples to the correction that is blended, by the chosen method.
import { FlowDenoiseError } from '../core/errors.js';
import { betaMap } from '../core/inference/beta-map.js';
import { calibratedBetaMap } from '../core/inference/calibration.js';
import type { Estimation } from '../core/inference/estimation.js';
import { posteriorMean } from '../core/inference/posterior-mean.js';
import type { PriorModel } from '../core/model/model-json.js';
import type { Denoiser, SigmaRange } from './denoiser.js';
import { COMPLETED_NOISE } from './passes/grey.js';
import type { TileSamples } from './passes/tile-pass.js';
import type { Method } from './preset.js';

interface Estimator {
  /** The likelihood's weight; undefined for the posterior mean. */
  readonly beta: number | undefined;
  /** Evaluations of the prior per tile at most. */
  readonly evaluations: number;
  /** @param isStrict  whether to throw a `BreakDown` where the posterior mean breaks down */
  start(tile: TileSamples, isStrict?: boolean): Estimation;
}

const round4 = (value: number) => Number(value.toPrecision(4));

/** The noise levels that a prior knows, in 8-bit units; undefined where it takes any. */
export function sigmaRangeOf({ conditioning, sigmaRange }: PriorModel): Denoiser['sigmaRange'] {
  if (conditioning === null) return undefined;
  const range = (unit: number): SigmaRange => [round4(sigmaRange[0] * unit), round4(sigmaRange[1] * unit)];
  return { colour: range(255), grey: range(255 / COMPLETED_NOISE) };
}

/** @throws FlowDenoiseError NEEDS_CONDITIONING when the method needs a prior that knows noise levels */
export function checkMethod(model: PriorModel, method: Method): void {
  if (method === 'posterior-mean' && model.conditioning === null)
    throw new FlowDenoiseError(
      'NEEDS_CONDITIONING',
      `Expected 'beta-map' for method with prior ${model.name} but received 'posterior-mean': the prior is not conditioned on the noise level`,
    );
}

/**
 * The estimator for a noise level at the prior, [0, 1] units. A level beyond the prior's range counts as the range's
 * end.
 *
 * @throws FlowDenoiseError NEEDS_CONDITIONING
 */
export function chooseEstimator(
  model: PriorModel,
  method: Method,
  noiseLevel: number,
  beta: number | 'auto',
): Estimator {
  checkMethod(model, method);
  const [least, most] = model.conditioning ? model.sigmaRange : [0, Number.POSITIVE_INFINITY];
  const sigma = Math.min(most, Math.max(least, noiseLevel));
  switch (method) {
    case 'posterior-mean':
      return {
        beta: undefined,
        evaluations: 1,
        start: ({ data, varies }, isStrict) =>
          posteriorMean(data, sigma, { mostSigma: most, varies, isStrict }),
      };
    case 'beta-map': {
      const options = calibratedBetaMap(model, sigma, beta);
      const evaluations = options.steps + (options.start === 'noisy' ? 1 : 2);
      return {
        beta: options.beta,
        evaluations,
        start: ({ data, likelihood, varies }, isStrict) =>
          betaMap(data, sigma, { ...options, noise: likelihood, mostSigma: most, varies, isStrict }),
      };
    }
    default:
      throw new TypeError(`no method ${method satisfies never}`);
  }
}

/** A sigma that is right in a file's numbers is too small where they fill little of their container. */
const RANGE_HINT =
  'if the samples fill little of their container, pass black and white too, and sigma in 1/255 of white - black';

interface SigmaUse {
  /** What the user calls it. */
  readonly name?: string;
  /** Of the picture; without it, a sigma that suits either kind passes. */
  readonly kind?: 'colour' | 'grey';
}

/**
 * @param sigma  8-bit units
 * @throws       FlowDenoiseError SIGMA_OUT_OF_RANGE
 */
export function checkSigma(
  sigma: number | 'auto',
  { prior, sigmaRange }: Pick<Denoiser, 'prior' | 'sigmaRange'>,
  { name = 'sigma', kind }: SigmaUse = {},
): void {
  if (!sigmaRange || sigma === 'auto') return;
  const asked = kind ? [sigmaRange[kind]] : [sigmaRange.colour, sigmaRange.grey];
  if (asked.some(([least, most]) => sigma >= least && sigma <= most)) return;
  const { colour, grey } = sigmaRange;
  const [least, most] = kind === 'grey' ? grey : colour;
  const other = kind === undefined ? ` (grey pictures: ${grey[0]} to ${grey[1]})` : '';
  const picture = kind === 'grey' ? ' on a grey picture' : '';
  const advice =
    sigma < least
      ? `noise that faint is best left alone; ${RANGE_HINT}`
      : 'use a prior that is trained for stronger noise';
  throw new FlowDenoiseError(
    'SIGMA_OUT_OF_RANGE',
    `Expected a number from ${least} to ${most}${other} for ${name} with prior ${prior}${picture} but received ${sigma}; ${advice}`,
  );
}
