// The small convolutional network inside couplings and splits, with its gradient. Not a bijection.
import type { TensorOps } from '../ops/tensor-ops.js';

interface Convolution<T> {
  /** [O, I, k, k] */
  readonly weight: T;
  /** [O] */
  readonly bias: T;
}

export interface CouplingNetParameters<T> {
  /** Default SiLU. */
  readonly activation?: ActivationName | undefined;
  readonly conv1: Convolution<T>;
  readonly conv2: Convolution<T>;
  readonly conv3: Convolution<T>;
  /** From the noise level's embedding to a bias for both hidden layers: matrix [2 width, E], bias [2 width]. */
  readonly condition?: { readonly weight: T; readonly bias: T };
}

export interface CouplingNet<T> {
  /** h = conv3(act(conv2(act(conv1(a) + f1)) + f2)), (f1, f2) = V e + v; zero without a condition. */
  forward(a: T, condition?: T): { readonly h: T; pullback(dh: T): T };
}

export function couplingNet<T>(ops: TensorOps<T>, parameters: CouplingNetParameters<T>): CouplingNet<T> {
  const { activation = 'silu', conv1, conv2, conv3, condition: film } = parameters;
  const back1 = ops.transposeKernel(conv1.weight);
  const back2 = ops.transposeKernel(conv2.weight);
  const back3 = ops.transposeKernel(conv3.weight);
  return {
    forward(a, condition) {
      const [shift1, shift2] =
        film && condition ? ops.halves(ops.dense(condition, film.weight, film.bias)) : [];
      const shifted = (x: T, shift: T | undefined) => (shift ? ops.addVector(x, shift) : x);
      const before1 = shifted(ops.conv2d(a, conv1.weight, conv1.bias), shift1);
      const hidden1 = activate(ops, activation, before1);
      const before2 = shifted(ops.conv2d(hidden1.y, conv2.weight, conv2.bias), shift2);
      const hidden2 = activate(ops, activation, before2);
      const h = ops.conv2d(hidden2.y, conv3.weight, conv3.bias);
      return {
        // Computing the slopes now frees the hidden layers before the pullback.
        h: ops.after(h, [hidden1.slope, hidden2.slope]),
        pullback(dh) {
          const d2 = hidden2.pullback(ops.conv2d(dh, back3));
          const d1 = hidden1.pullback(ops.conv2d(d2, back2));
          return ops.conv2d(d1, back1);
        },
      };
    },
  };
}

export type ActivationName = 'silu' | 'relu';

interface Activation<T> {
  readonly y: T;
  /** dy/dx, the only thing that the pullback keeps. */
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

function activate<T>(ops: TensorOps<T>, name: ActivationName, x: T): Activation<T> {
  return name === 'relu' ? relu(ops, x) : silu(ops, x);
}
