// beta-MAP's default options for a prior: the calibration in model.json, or safe values.
import type { PriorModel } from '../model/model-json.js';
import type { BetaMapOptions } from './beta-map.js';

/** Without a calibration: measured settings for a conditioned prior; for others, enough steps to converge. */
const CONDITIONED = { steps: 5, rate: 0.05, polish: true, table: [{ sigma255: 25, beta: 4 }] };
const UNCONDITIONED = { steps: 200, rate: 0.15, polish: false, table: [{ sigma255: 25, beta: 1 }] };

/** The calibrated beta at a noise level, 8-bit units: interpolated in ln sigma between the table's rows, constant beyond them. */
export function calibratedBeta(
  table: readonly { readonly sigma255: number; readonly beta: number }[],
  sigma255: number,
): number {
  const rows = [...table].sort((a, b) => a.sigma255 - b.sigma255);
  const above = rows.findIndex((row) => row.sigma255 >= sigma255);
  const high = rows[above === -1 ? rows.length - 1 : above];
  const low = rows[Math.max(0, above - 1)];
  if (!high || !low) throw new RangeError('a calibration table has at least one row');
  if (above <= 0) return high.beta;
  const t = Math.log(sigma255 / low.sigma255) / Math.log(high.sigma255 / low.sigma255);
  return low.beta + t * (high.beta - low.beta);
}

/** beta-MAP's options for a prior at a noise level ([0, 1] units). `beta` overrides the calibrated one. */
export function calibratedBetaMap(
  model: PriorModel,
  sigma: number,
  beta: number | 'auto' = 'auto',
): BetaMapOptions {
  const isConditioned = model.conditioning !== null;
  const calibration = model.calibration?.betaMap ?? (isConditioned ? CONDITIONED : UNCONDITIONED);
  return {
    beta: beta === 'auto' ? calibratedBeta(calibration.table, sigma * 255) : beta,
    steps: calibration.steps,
    rate: calibration.rate,
    start: isConditioned ? 'posterior-mean' : 'noisy',
    polish: isConditioned && calibration.polish,
    priorSigma: model.sigmaRange[0],
  };
}
