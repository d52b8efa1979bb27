// Actnorm (Glow, Kingma and Dhariwal 2018, section 3.1): an affine map per channel.
import type { TensorOps } from '../ops/tensor-ops.js';
import type { Bijection } from './bijection.js';

interface ActnormParameters<T> {
  /** [C] */
  readonly bias: T;
  /** [C] */
  readonly logScale: T;
}

/** z = (x + bias) exp(logScale) per channel; logDet = H W sum(logScale). */
export function actnorm<T>(ops: TensorOps<T>, { bias, logScale }: ActnormParameters<T>): Bijection<T> {
  const scale = ops.exp(logScale);
  const logDetPerPixel = ops.sumVector(logScale);
  return {
    forward: (x) => ({
      z: ops.mulVector(ops.addVector(x, bias), scale),
      logDet: ops.forEachPixel(logDetPerPixel, x),
      pullback: (dz) => ops.mulVector(dz, scale),
    }),
    inverse: (z) =>
      ops.addVector(ops.mulVector(z, ops.exp(ops.affine(logScale, -1, 0))), ops.affine(bias, -1, 0)),
  };
}
