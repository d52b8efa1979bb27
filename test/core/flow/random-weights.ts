// Random parameters for flows of any architecture, of sizes that keep every part far from the identity and
// far from overflow. Reproducible.
import { type Architecture, parameterShapes } from '#src/core/flow/architecture.js';
import type { WeightArray, Weights } from '#src/core/flow/parameters.js';
import { gaussianGenerator } from '#src/core/noise/index.js';

/** `count` samples of N(0, scale^2). */
export function randomNumbers(count: number, scale: number, seed: number): Float64Array {
  const normal = gaussianGenerator(seed);
  return Float64Array.from({ length: count }, () => scale * normal());
}

/** The identity plus noise: invertible, with a determinant that is not 1. */
export function randomMatrix(size: number, seed: number): Float64Array {
  return randomNumbers(size * size, 0.5 / Math.sqrt(size), seed).map((value, i) =>
    i % (size + 1) === 0 ? value + 1.3 : value,
  );
}

function parameter(name: string, shape: readonly number[], seed: number): WeightArray {
  const count = shape.reduce((product, side) => product * side, 1);
  const [outputs = 1] = shape;
  const values = name.endsWith('conv1x1.weight')
    ? randomMatrix(outputs, seed)
    : randomNumbers(count, shape.length === 1 ? 0.3 : 1 / Math.sqrt(count / outputs), seed);
  return { shape, data: Float32Array.from(values) };
}

export function randomWeights(architecture: Architecture, seed: number): Weights {
  const shapes = Object.entries(parameterShapes(architecture));
  return new Map(shapes.map(([name, shape], i) => [name, parameter(name, shape, seed + i)]));
}
