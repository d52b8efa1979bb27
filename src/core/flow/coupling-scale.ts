// How a coupling's network output p becomes the logarithm of a scale: bounded on both sides (ours), or by Glow's sigmoid.
import type { TensorOps } from '../ops/tensor-ops.js';

export type CouplingScale =
  | { readonly kind: 'tanh'; readonly cap: number }
  /** Glow's published code: the scale is sigmoid(p + 2), below 1. */
  | { readonly kind: 'sigmoid' };

/** Glow's offset: at the start, where p is 0, the scale is sigmoid(2) = 0.88. */
const SIGMOID_OFFSET = 2;

export interface LogScale<T> {
  readonly logScale: T;
  /** d logScale / dp. */
  slope(): T;
}

/** tanh: logScale = cap tanh(p / cap); sigmoid: logScale = ln sigmoid(p + 2). */
export function logScaleOf<T>(ops: TensorOps<T>, scale: CouplingScale, p: T): LogScale<T> {
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
