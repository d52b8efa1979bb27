// The embedding of the noise level, which conditions every network of the flow.
import type { TensorOps } from '../ops/tensor-ops.js';
import { silu } from './coupling-net.js';
import type { ParameterSource } from './parameters.js';

/** e = silu(W1 silu(W0 [l, l^2] + b0) + b1) with l = ln(sigma) + 2.5; sigma [B, 1] in [0, 1] units -> [B, E]. */
export function noiseCondition<T>(ops: TensorOps<T>, source: ParameterSource<T>): (sigma: T) => T {
  const layers = [0, 1].map((k) => ({
    weight: source.matrix(`condition.${k}.weight`),
    bias: source.vector(`condition.${k}.bias`),
  }));
  return (sigma) => {
    const l = ops.affine(ops.log(sigma), 1, 2.5);
    let e = ops.concat(l, ops.mul(l, l));
    for (const { weight, bias } of layers) e = silu(ops, ops.dense(e, weight, bias)).y;
    return e;
  };
}
