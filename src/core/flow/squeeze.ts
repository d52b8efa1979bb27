// Squeeze (RealNVP, Dinh et al. 2017, section 3.6): space to channels, volume preserving.
import type { TensorOps } from '../ops/tensor-ops.js';
import type { Bijection } from './bijection.js';

/** [B, C, H, W] -> [B, 4C, H/2, W/2]: channel c, row dy, column dx becomes channel 4c + 2dy + dx. */
export function squeeze<T>(ops: TensorOps<T>): Bijection<T> {
  return {
    forward: (x) => ({
      z: ops.squeeze(x),
      logDet: ops.sumVector(ops.vector(Float32Array.of(0))),
      pullback: (dz) => ops.unsqueeze(dz),
    }),
    inverse: (z) => ops.unsqueeze(z),
  };
}
