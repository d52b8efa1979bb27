// The activations of the networks, each with its derivative for the pullback: SiLU (ours) and ReLU (Glow's).
import type { TensorOps } from '../ops/tensor-ops.js';

export type ActivationName = 'silu' | 'relu';

export interface Activation<T> {
  readonly y: T;
  /** dy/dx, all that the pullback keeps. */
  readonly slope: T;
  /** dL/dy -> dL/dx */
  pullback(dy: T): T;
}

function composedSilu<T>(ops: TensorOps<T>, x: T): { y: T; slope: T } {
  const s = ops.sigmoid(x);
  const y = ops.mul(x, s);
  return { y, slope: ops.add(s, ops.mul(y, ops.complement(s))) };
}

/** y = x s with s = sigmoid(x); dy/dx = s + y (1 - s). */
export function silu<T>(ops: TensorOps<T>, x: T): Activation<T> {
  const { y, slope } = ops.silu?.(x) ?? composedSilu(ops, x);
  return { y, slope, pullback: (dy) => ops.mul(dy, slope) };
}

/** y = max(x, 0); dy/dx = 1 where x > 0, else 0. */
export function relu<T>(ops: TensorOps<T>, x: T): Activation<T> {
  const slope = ops.positive(x);
  return { y: ops.relu(x), slope, pullback: (dy) => ops.mul(dy, slope) };
}

export function activate<T>(ops: TensorOps<T>, name: ActivationName, x: T): Activation<T> {
  return name === 'relu' ? relu(ops, x) : silu(ops, x);
}
