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

export interface ParameterLayout {
  readonly entries: readonly Entry[];
  readonly size: number;
}

const sizeOf = (shape: readonly number[]) => shape.reduce((product, side) => product * side, 1);

/** A convolution's kernel; also a 1x1 matrix, which is written as [C, C]. */
const isKernel = (name: string, shape: readonly number[]) =>
  shape.length === 4 || name.endsWith('conv1x1.weight');

export function parameterLayout(architecture: Architecture): ParameterLayout {
  return layoutOf(parameterShapes(architecture));
}

/** @param shapes  every tensor's, by name, as in the weights file */
export function layoutOf(shapes: Readonly<Record<string, readonly number[]>>): ParameterLayout {
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

/** For every number in the weights file's order, its place in the vector, relative to the entry's offset. */
function placesOf({ shape, tensorShape, size }: Entry): Int32Array {
  if (tensorShape.length !== 4) return Int32Array.from({ length: size }, (_, i) => i);
  const [O = 1, I = 1, kh = 1, kw = 1] = shape;
  const places = new Int32Array(size);
  let index = 0;
  for (let o = 0; o < O; o++)
    for (let i = 0; i < I; i++)
      for (let y = 0; y < kh; y++)
        for (let x = 0; x < kw; x++) places[index++] = ((y * kw + x) * I + i) * O + o;
  return places;
}

/** @throws  TypeError if a parameter is missing */
export function toVector({ entries, size }: ParameterLayout, weights: Weights): Float32Array {
  const vector = new Float32Array(size);
  for (const entry of entries) {
    const array = weights.get(entry.name);
    if (!array) throw new TypeError(`there is no tensor ${entry.name}`);
    const places = placesOf(entry);
    for (let i = 0; i < entry.size; i++)
      vector[entry.offset + (places[i] as number)] = array.data[i] as number;
  }
  return vector;
}

export function toWeights({ entries }: ParameterLayout, vector: Float32Array): Weights {
  return new Map(
    entries.map((entry): [string, WeightArray] => {
      const places = placesOf(entry);
      const data = new Float32Array(entry.size).map(
        (_, i) => vector[entry.offset + (places[i] as number)] as number,
      );
      return [entry.name, { shape: entry.shape, data }];
    }),
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
