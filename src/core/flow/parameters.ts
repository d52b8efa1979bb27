// Turns a prior's numbers into a carrier's tensors. Training passes variables instead.
import type { TensorOps } from '../ops/tensor-ops.js';

export interface WeightArray {
  readonly shape: readonly number[];
  /** Row-major. */
  readonly data: Float32Array;
}

export type Weights = ReadonlyMap<string, WeightArray>;

/** Where a flow's parameters come from, by the names of the weights file. */
export interface ParameterSource<T> {
  /** [O, I, k, k], or a matrix [C, C] read as [C, C, 1, 1]. */
  kernel(name: string): T;
  vector(name: string): T;
  matrix(name: string): T;
}

export function parametersFrom<T>(ops: TensorOps<T>, weights: Weights): ParameterSource<T> {
  function find(name: string): WeightArray {
    const array = weights.get(name);
    if (!array) throw new TypeError(`the prior has no tensor ${name}`);
    return array;
  }
  return {
    kernel(name) {
      const { data, shape } = find(name);
      const [O = 1, I = 1, kh = 1, kw = 1] = shape;
      return ops.kernel(data, [O, I, kh, kw]);
    },
    vector: (name) => ops.vector(find(name).data),
    matrix(name) {
      const { data, shape } = find(name);
      const [rows = 1, columns = 1] = shape;
      return ops.matrix(data, [rows, columns]);
    },
  };
}
