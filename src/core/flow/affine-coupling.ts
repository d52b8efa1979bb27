// Affine coupling (RealNVP, section 3.2; Glow, section 3.3) with a bounded log-scale.
import type { TensorOps } from '../ops/tensor-ops.js';
import type { Architecture } from './architecture.js';
import type { Bijection } from './bijections.js';
import type { CouplingNet } from './networks.js';

/** Glow's offset: at the start, where p is 0, the scale is sigmoid(2) = 0.88. */
const SIGMOID_OFFSET = 2;

/**
 * x = (a, b), halves of the channels; (p, t) = net(a); s = cap tanh(p / cap), or Glow's ln sigmoid(p + 2);
 * z = (a, (b + t) exp(s)), logDet = sum(s).
 */
export function affineCoupling<T>(
  ops: TensorOps<T>,
  net: CouplingNet<T>,
  { couplingScale, scaleCap }: Pick<Architecture, 'couplingScale' | 'scaleCap'>,
): Bijection<T> {
  /** s, and ds / dp. */
  function logScaleOf(p: T): { readonly logScale: T; slope(): T } {
    if (couplingScale === 'sigmoid') {
      const s = ops.sigmoid(ops.affine(p, 1, SIGMOID_OFFSET));
      return { logScale: ops.log(s), slope: () => ops.complement(s) };
    }
    const bounded = ops.tanh(ops.affine(p, 1 / scaleCap, 0));
    return {
      logScale: ops.affine(bounded, scaleCap, 0),
      slope: () => ops.affine(ops.mul(bounded, bounded), -1, 1),
    };
  }
  return {
    forward(x, condition) {
      const [a, b] = ops.halves(x);
      const { h, pullback } = net.forward(a, condition);
      const [p, shift] = ops.halves(h);
      const { logScale, slope } = logScaleOf(p);
      const factor = ops.exp(logScale);
      const zb = ops.mul(ops.add(b, shift), factor);
      return {
        z: ops.concat(a, zb),
        logDet: ops.sum(logScale),
        pullback(dz) {
          const [dza, dzb] = ops.halves(dz);
          const db = ops.mul(dzb, factor);
          // d logScale = dzb zb + 1 (from the log-determinant).
          const dLogScale = ops.affine(ops.mul(dzb, zb), 1, 1);
          const da = ops.add(dza, pullback(ops.concat(ops.mul(dLogScale, slope()), db)));
          return ops.concat(da, db);
        },
      };
    },
    inverse(z, condition) {
      const [a, zb] = ops.halves(z);
      const [p, shift] = ops.halves(net.forward(a, condition).h);
      const unscaled = ops.mul(zb, ops.exp(ops.affine(logScaleOf(p).logScale, -1, 0)));
      return ops.concat(a, ops.sub(unscaled, shift));
    },
  };
}
