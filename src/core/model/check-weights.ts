// The tensors of a weights file against the shapes that an architecture asks for.
import type { WeightArray, Weights } from '../flow/parameters.js';
import type { TensorData } from './safetensors.js';

/**
 * Every tensor that is asked for, float32.
 *
 * @param shapes  by name
 * @throws        Error that names the tensor that is missing, of another shape, not finite, or not asked for
 */
export function checkWeights(
  shapes: Readonly<Record<string, readonly number[]>>,
  tensors: ReadonlyMap<string, TensorData>,
): Weights {
  const weights = new Map<string, WeightArray>();
  for (const [name, shape] of Object.entries(shapes)) {
    const tensor = tensors.get(name);
    if (!tensor) throw new Error(`tensor ${name} is missing`);
    if (tensor.shape.join() !== shape.join())
      throw new Error(`tensor ${name} has shape [${tensor.shape}], model.json asks for [${shape}]`);
    if (!tensor.data.every(Number.isFinite))
      throw new Error(`tensor ${name} holds a number that is not finite`);
    weights.set(name, { shape, data: Float32Array.from(tensor.data) });
  }
  const unknown = [...tensors.keys()].find((name) => !weights.has(name));
  if (unknown !== undefined) throw new Error(`tensor ${unknown} is not part of this architecture`);
  return weights;
}
