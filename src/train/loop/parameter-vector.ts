// All parameters of a flow as one flat tensor, so that optimizer, average, snapshots and checkpoints take a few operations on
// one vector. Kernels have TensorFlow.js's layout (HWIO), so no step transposes them.
import * as tf from '@tensorflow/tfjs-core';
import { type Architecture, parameterShapes } from '../../core/flow/architecture.js';
import type { ParameterSource, WeightArray, Weights } from '../../core/flow/parameters.js';

interface Entry {
  readonly name: string;
  readonly offset: number;
  readonly size: number;
  /** Shape in the weights file. */
  readonly shape: readonly number[];
  /** Shape for the flow's operations. */
  readonly tensorShape: readonly number[];
}

export type ParameterLayout = ReturnType<typeof layoutOf>;

const sizeOf = (shape: readonly number[]) => shape.reduce((product, side) => product * side, 1);

/** A convolution's kernel; also a 1x1 matrix, which is written as [C, C]. */
const isKernel = (name: string, shape: readonly number[]) =>
  shape.length === 4 || name.endsWith('conv1x1.weight');

export function parameterLayout(architecture: Architecture): ParameterLayout {
  return layoutOf(parameterShapes(architecture));
}

/** @param shapes  every tensor's, by name, as in the weights file */
export function layoutOf(shapes: Readonly<Record<string, readonly number[]>>) {
  let offset = 0;
  const entries = Object.entries(shapes).map(([name, shape]): Entry => {
    const [O = 1, I = 1, kh = 1, kw = 1] = shape;
    const tensorShape = isKernel(name, shape) ? [kh, kw, I, O] : shape;
    const entry = { name, offset, size: sizeOf(shape), shape, tensorShape };
    offset += entry.size;
    return entry;
  });
  return { entries, size: offset };
}

/** @throws  TypeError if a parameter is missing */
export function toVector({ entries }: ParameterLayout, weights: Weights): Float32Array {
  return tf.tidy(() => {
    const parts = entries.map(({ name, shape, tensorShape }) => {
      const array = weights.get(name);
      if (!array) throw new TypeError(`there is no tensor ${name}`);
      const [O = 1, I = 1, kh = 1, kw = 1] = shape;
      const tensor = tf.tensor1d(array.data);
      if (tensorShape.length !== 4) return tensor;
      return tf.reshape(tf.transpose(tf.reshape(tensor, [O, I, kh, kw]), [2, 3, 1, 0]), [-1]);
    });
    return tf.concat(parts).dataSync<'float32'>();
  });
}

export function toWeights(layout: ParameterLayout, vector: Float32Array): Weights {
  const arrays = tf.tidy(() =>
    parameterTensors(layout, tf.tensor1d(vector)).map((tensor) =>
      (tensor.rank === 4 ? tf.transpose(tensor, [3, 2, 0, 1]) : tensor).dataSync<'float32'>(),
    ),
  );
  return new Map(
    layout.entries.map(({ name, shape }, i): [string, WeightArray] => [
      name,
      { shape, data: arrays[i] as Float32Array },
    ]),
  );
}

/** The parameters one by one, in the layout's order. Call it inside `tidy`. */
export function parameterTensors({ entries }: ParameterLayout, vector: tf.Tensor): tf.Tensor[] {
  return entries.map(({ offset, size, tensorShape }) =>
    tf.reshape(tf.slice(vector, offset, size), [...tensorShape]),
  );
}

/** Gives the flow its parameters from tensors. */
export function parameterSource(
  { entries }: ParameterLayout,
  tensors: readonly tf.Tensor[],
): ParameterSource<tf.Tensor> {
  const byName = new Map(entries.map(({ name }, i) => [name, tensors[i] as tf.Tensor]));
  const find = (name: string): tf.Tensor => {
    const tensor = byName.get(name);
    if (!tensor) throw new TypeError(`there is no tensor ${name}`);
    return tensor;
  };
  return { kernel: find, vector: find, matrix: find };
}

/** A vector with one number per parameter. */
export function perParameter(
  { entries, size }: ParameterLayout,
  value: (name: string) => number,
): Float32Array {
  const vector = new Float32Array(size);
  for (const { name, offset, size: length } of entries) vector.fill(value(name), offset, offset + length);
  return vector;
}
