// The Gaussian of the last level as a bijection to a standard normal: mean and log-scale per channel.
import type { TensorOps } from '../ops/tensor-ops.js';
import type { Architecture } from './architecture.js';
import type { Bijection } from './bijection.js';
import type { ParameterSource } from './parameters.js';

/** (m, s) = bias + V e, a vector [2C]; z = (x - m) exp(-s) per channel, logDet = -H W sum(s). */
export function topGaussian<T>(
  ops: TensorOps<T>,
  architecture: Architecture,
  source: ParameterSource<T>,
): Bijection<T> {
  const bias = source.vector('top.bias');
  const weight = architecture.conditioning ? source.matrix('top.condition.weight') : undefined;
  function gaussian(condition?: T) {
    const both = weight && condition ? ops.dense(condition, weight, bias) : bias;
    const [mean, logScale] = ops.halves(both);
    return { mean, logScale };
  }
  return {
    forward(x, condition) {
      const { mean, logScale } = gaussian(condition);
      const inverseScale = ops.exp(ops.affine(logScale, -1, 0));
      return {
        z: ops.mulVector(ops.addVector(x, ops.affine(mean, -1, 0)), inverseScale),
        logDet: ops.forEachPixel(ops.affine(ops.sumVector(logScale), -1, 0), x),
        pullback: (dz) => ops.mulVector(dz, inverseScale),
      };
    },
    inverse(z, condition) {
      const { mean, logScale } = gaussian(condition);
      return ops.addVector(ops.mulVector(z, ops.exp(logScale)), mean);
    },
  };
}
