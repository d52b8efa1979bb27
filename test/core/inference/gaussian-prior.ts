// A prior of independent Gaussians, N(mu, tau^2) per number, seen at noise level s: ln density and score in closed
// form, for driving estimators without an engine. Also the drivers.
import type { Density, DensityRequest, Estimate, Estimation } from '#src/core/inference/estimation.js';

export type DensityFunction = (request: DensityRequest) => Density;

/** y ~ N(mu, tau^2 + s^2): what pictures of the prior look like under noise of level s. */
export function gaussianPrior(mu: Float32Array, tau: number): DensityFunction {
  return ({ y, sigma }) => {
    const variance = tau ** 2 + sigma ** 2;
    let logDensity = 0;
    const score = y.map((value, i) => {
      const distance = value - (mu[i] as number);
      logDensity -= distance ** 2 / (2 * variance) + Math.log(2 * Math.PI * variance) / 2;
      return -distance / variance;
    });
    return { logDensity, score };
  };
}

/** An evaluation that an estimator asked for, with a copy of the point. */
export interface Visit {
  readonly y: Float32Array;
  readonly sigma: number;
}

/** Runs an estimation to its end and lists the points that it asked for. */
export function drive<E extends Estimate>(
  estimation: Estimation<E>,
  density: DensityFunction,
): { readonly result: E; readonly visits: readonly Visit[] } {
  const visits: Visit[] = [];
  let step = estimation.next();
  while (!step.done) {
    visits.push({ y: Float32Array.from(step.value.y), sigma: step.value.sigma });
    step = estimation.next(density(step.value));
  }
  return { result: step.value, visits };
}
