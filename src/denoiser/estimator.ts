// One tile's way from noisy samples to the correction that is blended, by the chosen method.
import { FlowDenoiseError } from '../core/errors.js';
import { betaMap } from '../core/inference/beta-map.js';
import { calibratedBetaMap } from '../core/inference/calibration.js';
import type { Estimation } from '../core/inference/estimation.js';
import { posteriorMean } from '../core/inference/posterior-mean.js';
import type { PriorModel } from '../core/model/model-json.js';
import type { Method } from './denoiser.js';

export interface Estimator {
  /** The likelihood's weight; undefined for the posterior mean. */
  readonly beta: number | undefined;
  /** Evaluations of the prior per tile at most. */
  readonly evaluations: number;
  start(y: Float32Array): Estimation;
}

const in255 = (value: number) => Number((value * 255).toPrecision(4));

/** @throws FlowDenoiseError SIGMA_OUT_OF_RANGE when the prior does not know this noise level */
function checkSigma(model: PriorModel, sigma: number, isGrey: boolean): void {
  const [low, high] = model.sigmaRange;
  const slack = 1e-6;
  if (sigma >= low * (1 - slack) && sigma <= high * (1 + slack)) return;
  const grey = isGrey ? Math.sqrt(3) : 1;
  const range = `${in255(low / grey)} to ${in255(high / grey)}`;
  throw new FlowDenoiseError(
    'SIGMA_OUT_OF_RANGE',
    `Expected a number from ${range} for sigma with prior ${model.name}${isGrey ? ' on a grey picture' : ''} but received ` +
      `${in255(sigma / grey)}; ${sigma < low ? 'noise that faint is best left alone' : 'use a prior trained for stronger noise'}`,
  );
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
 * The estimator for a prior, a method and a noise level ([0, 1] units).
 *
 * @throws FlowDenoiseError SIGMA_OUT_OF_RANGE, NEEDS_CONDITIONING
 */
export function chooseEstimator(
  model: PriorModel,
  method: Method,
  sigma: number,
  { beta, isGrey }: { readonly beta: number | 'auto'; readonly isGrey: boolean },
): Estimator {
  checkMethod(model, method);
  if (model.conditioning !== null) checkSigma(model, sigma, isGrey);
  switch (method) {
    case 'posterior-mean':
      return { beta: undefined, evaluations: 1, start: (y) => posteriorMean(y, sigma) };
    case 'beta-map': {
      const options = calibratedBetaMap(model, sigma, beta);
      const evaluations = options.steps + (options.start === 'noisy' ? 1 : 2);
      return { beta: options.beta, evaluations, start: (y) => betaMap(y, sigma, options) };
    }
    default:
      throw new TypeError(`no method ${method satisfies never}`);
  }
}
