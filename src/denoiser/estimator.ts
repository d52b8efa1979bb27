// Chooses the estimator of a method: from a noisy tile to its estimate.
import { FlowDenoiseError } from '../core/errors.js';
import { betaMap } from '../core/inference/beta-map.js';
import { calibratedBetaMap } from '../core/inference/calibration.js';
import type { Estimation } from '../core/inference/estimation.js';
import { posteriorMean } from '../core/inference/posterior-mean.js';
import type { PriorModel } from '../core/model/model-json.js';
import type { Denoiser, SigmaRange } from './denoiser.js';
import { noiseScale } from './passes/grey.js';
import type { TileSamples } from './passes/tile-pass.js';
import type { Method } from './preset.js';

interface Estimator {
  /** The likelihood's weight; undefined for the posterior mean. */
  readonly beta: number | undefined;
  /** The most evaluations of the prior per tile. */
  readonly evaluations: number;
  /** @param isStrict  throw a `BreakDown` if the posterior mean breaks down */
  start(tile: TileSamples, isStrict?: boolean): Estimation;
}

const round4 = (value: number) => Number(value.toPrecision(4));

/** The noise levels that a prior knows, in 8-bit units; undefined if it takes any. */
export function sigmaRangeOf({ conditioning, sigmaRange }: PriorModel): Denoiser['sigmaRange'] {
  return conditioning ? sigmaRange255(sigmaRange) : undefined;
}

/** From [0, 1] units, of colour, to 8-bit units. */
export function sigmaRange255([least, most]: SigmaRange): NonNullable<Denoiser['sigmaRange']> {
  const range = (unit: number) => [round4(least * unit), round4(most * unit)] as const;
  return { colour: range(255), grey: range(255 / noiseScale(1)) };
}

/** The noise levels at which a prior can be evaluated, [0, 1] units. */
export function knownLevels({ conditioning, sigmaRange }: PriorModel): SigmaRange {
  return conditioning ? sigmaRange : [0, Number.POSITIVE_INFINITY];
}

/** @throws FlowDenoiseError NEEDS_CONDITIONING if the method needs a prior conditioned on the noise level */
export function checkMethod(model: PriorModel, method: Method): void {
  if (method === 'posterior-mean' && model.conditioning === null)
    throw new FlowDenoiseError(
      'NEEDS_CONDITIONING',
      `Expected 'beta-map' for method with prior ${model.name} but received 'posterior-mean': the prior is not conditioned on the noise level`,
    );
}

/** For a noise level, [0, 1] units; for one beyond the prior's range, its end. @throws FlowDenoiseError NEEDS_CONDITIONING */
export function chooseEstimator(
  model: PriorModel,
  method: Method,
  noiseLevel: number,
  beta: number | 'auto',
): Estimator {
  checkMethod(model, method);
  const [least, most] = knownLevels(model);
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

/** If the samples fill little of their container, a sigma in their own units is too small. */
const RANGE_HINT =
  'if the samples fill little of their container, also pass black and white, and give sigma in 1/255 of white - black';

/**
 * @param sigma  8-bit units
 * @param use    the option's name, as the user knows it, and the picture's kind; by default a sigma that suits either kind passes
 * @throws       FlowDenoiseError SIGMA_OUT_OF_RANGE
 */
export function checkSigma(
  sigma: number | 'auto',
  { prior, sigmaRange }: Pick<Denoiser, 'prior' | 'sigmaRange'>,
  { name = 'sigma', kind }: { readonly name?: string; readonly kind?: 'colour' | 'grey' } = {},
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
