// Affine coupling (RealNVP, section 3.2; Glow, section 3.3) with a bounded log-scale.
import type { TensorOps } from '../ops/tensor-ops.js';
import type { Bijection } from './bijection.js';
import type { CouplingNet } from './coupling-net.js';
import { type CouplingScale, logScaleOf } from './coupling-scale.js';

/**
 * x = (a, b), halves of the channels; (p, t) = net(a); s = cap tanh(p / cap), or Glow's ln sigmoid(p + 2);
 * z = (a, (b + t) exp(s)), logDet = sum(s).
 */
export function affineCoupling<T>(
  ops: TensorOps<T>,
  net: CouplingNet<T>,
  scale: CouplingScale,
): Bijection<T> {
  function parts(a: T, condition?: T) {
    const { h, pullback } = net.forward(a, condition);
    const [p, shift] = ops.halves(h);
    return {
      shift,
      ...logScaleOf(ops, scale, p),
      pullback,
    };
  }
  return {
    forward(x, condition) {
      const [a, b] = ops.halves(x);
      const net = parts(a, condition);
      const factor = ops.exp(net.logScale);
      const zb = ops.mul(ops.add(b, net.shift), factor);
      return {
        z: ops.concat(a, zb),
        logDet: ops.sum(net.logScale),
        pullback(dz) {
          const [dza, dzb] = ops.halves(dz);
          const db = ops.mul(dzb, factor);
          // d logScale = dzb zb + 1 (from the log-determinant).
          const dLogScale = ops.affine(ops.mul(dzb, zb), 1, 1);
          const da = ops.add(dza, net.pullback(ops.concat(ops.mul(dLogScale, net.slope()), db)));
          return ops.concat(da, db);
        },
      };
    },
    inverse(z, condition) {
      const [a, zb] = ops.halves(z);
      const net = parts(a, condition);
      const unscaled = ops.mul(zb, ops.exp(ops.affine(net.logScale, -1, 0)));
      return ops.concat(a, ops.sub(unscaled, net.shift));
    },
  };
}
