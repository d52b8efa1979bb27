// Affine coupling (RealNVP, section 3.2; Glow, section 3.3) with a bounded log-scale.
import type { TensorOps } from '../ops/tensor-ops.js';
import type { Bijection } from './bijection.js';
import type { CouplingNet } from './coupling-net.js';

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

export type CouplingScale =
  | { readonly kind: 'tanh'; readonly cap: number }
  /** Glow's published code: the scale is sigmoid(p + 2), below 1. */
  | { readonly kind: 'sigmoid' };

/** Glow's offset: at the start, where p is 0, the scale is sigmoid(2) = 0.88. */
const SIGMOID_OFFSET = 2;

interface LogScale<T> {
  readonly logScale: T;
  /** d logScale / dp. */
  slope(): T;
}

/** tanh: logScale = cap tanh(p / cap); sigmoid: logScale = ln sigmoid(p + 2). */
function logScaleOf<T>(ops: TensorOps<T>, scale: CouplingScale, p: T): LogScale<T> {
  if (scale.kind === 'sigmoid') {
    const s = ops.sigmoid(ops.affine(p, 1, SIGMOID_OFFSET));
    return { logScale: ops.log(s), slope: () => ops.complement(s) };
  }
  const bounded = ops.tanh(ops.affine(p, 1 / scale.cap, 0));
  return {
    logScale: ops.affine(bounded, scale.cap, 0),
    slope: () => ops.affine(ops.mul(bounded, bounded), -1, 1),
  };
}
