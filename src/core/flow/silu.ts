// SiLU, x sigmoid(x), and its derivative for the pullback.
import type { TensorOps } from '../ops/tensor-ops.js';

export interface Activation<T> {
  readonly y: T;
  /** dy/dx, all that the pullback keeps. */
  readonly slope: T;
  /** dL/dy -> dL/dx */
  pullback(dy: T): T;
}

/** y = x s with s = sigmoid(x); dy/dx = s + y (1 - s). */
export function silu<T>(ops: TensorOps<T>, x: T): Activation<T> {
  const s = ops.sigmoid(x);
  const y = ops.mul(x, s);
  const slope = ops.add(s, ops.mul(y, ops.complement(s)));
  return { y, slope, pullback: (dy) => ops.mul(dy, slope) };
}
