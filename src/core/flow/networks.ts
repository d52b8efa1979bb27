// The flow's networks: the convolutional one inside couplings and splits, with its gradient, and the embedding of the noise
// level. Not bijections.
import type { TensorOps } from '../ops/tensor-ops.js';
import type { Architecture } from './architecture.js';
import type { ParameterSource } from './parameters.js';

export interface CouplingNet<T> {
  /** h = conv3(act(conv2(act(conv1(a) + f1)) + f2)), (f1, f2) = V e + v; zero without a condition e. */
  forward(a: T, condition?: T): { readonly h: T; pullback(dh: T): T };
}

/** @param prefix  begins the names of the net's parameters */
export function couplingNet<T>(
  ops: TensorOps<T>,
  source: ParameterSource<T>,
  prefix: string,
  { activation, conditioning }: Pick<Architecture, 'activation' | 'conditioning'>,
): CouplingNet<T> {
  const [conv1, conv2, conv3] = ['conv1', 'conv2', 'conv3'].map((name) => ({
    weight: source.kernel(`${prefix}.${name}.weight`),
    bias: source.vector(`${prefix}.${name}.bias`),
  })) as [Layer<T>, Layer<T>, Layer<T>];
  const film = conditioning && linear(source, `${prefix}.condition`);
  const back1 = ops.transposeKernel(conv1.weight);
  const back2 = ops.transposeKernel(conv2.weight);
  const back3 = ops.transposeKernel(conv3.weight);
  const activate = activation === 'relu' ? relu : silu;
  return {
    forward(a, condition) {
      const [shift1, shift2] =
        film && condition ? ops.halves(ops.dense(condition, film.weight, film.bias)) : [];
      const shifted = (x: T, shift: T | undefined) => (shift ? ops.addVector(x, shift) : x);
      const before1 = shifted(ops.conv2d(a, conv1.weight, conv1.bias), shift1);
      const hidden1 = activate(ops, before1);
      const before2 = shifted(ops.conv2d(hidden1.y, conv2.weight, conv2.bias), shift2);
      const hidden2 = activate(ops, before2);
      const h = ops.conv2d(hidden2.y, conv3.weight, conv3.bias);
      return {
        // Computing the slopes now frees the hidden layers before the pullback.
        h: ops.after(h, [hidden1.slope, hidden2.slope]),
        pullback(dh) {
          const d2 = ops.mul(ops.conv2d(dh, back3), hidden2.slope);
          const d1 = ops.mul(ops.conv2d(d2, back2), hidden1.slope);
          return ops.conv2d(d1, back1);
        },
      };
    },
  };
}

/** e = silu(W1 silu(W0 [l, l^2] + b0) + b1) with l = ln(sigma) + 2.5; sigma [B, 1] in [0, 1] units -> [B, E]. */
export function noiseCondition<T>(ops: TensorOps<T>, source: ParameterSource<T>): (sigma: T) => T {
  const layers = [linear(source, 'condition.0'), linear(source, 'condition.1')];
  return (sigma) => {
    const l = ops.affine(ops.log(sigma), 1, 2.5);
    let e = ops.concat(l, ops.mul(l, l));
    for (const { weight, bias } of layers) e = silu(ops, ops.dense(e, weight, bias)).y;
    return e;
  };
}

interface Layer<T> {
  readonly weight: T;
  readonly bias: T;
}

function linear<T>(source: ParameterSource<T>, name: string): Layer<T> {
  return { weight: source.matrix(`${name}.weight`), bias: source.vector(`${name}.bias`) };
}

interface Activation<T> {
  readonly y: T;
  /** dy/dx */
  readonly slope: T;
}

/** y = x s with s = sigmoid(x); dy/dx = s + y (1 - s). */
function silu<T>(ops: TensorOps<T>, x: T): Activation<T> {
  const fused = ops.silu?.(x);
  if (fused) return fused;
  const s = ops.sigmoid(x);
  const y = ops.mul(x, s);
  return { y, slope: ops.add(s, ops.mul(y, ops.complement(s))) };
}

/** y = max(x, 0); dy/dx = 1 where x > 0, else 0. */
function relu<T>(ops: TensorOps<T>, x: T): Activation<T> {
  const slope = ops.positive(x);
  return { y: ops.relu(x), slope };
}
