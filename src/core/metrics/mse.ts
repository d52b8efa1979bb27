// Mean squared error.
import { FlowDenoiseError } from '../errors.js';

/**
 * @param a  samples in [0, 1], any layout
 * @param b  as many, in the same layout
 * @returns  mean of (a - b)^2, at least 0
 * @throws   FlowDenoiseError BAD_OPTION when there are none, or not as many
 */
export function mse(a: Float32Array | Float64Array, b: Float32Array | Float64Array): number {
  if (a.length !== b.length || a.length === 0) {
    throw new FlowDenoiseError(
      'BAD_OPTION',
      `Expected two pictures with equally many samples but received ${a.length} and ${b.length}`,
    );
  }
  let sum = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = (a[i] as number) - (b[i] as number);
    sum += difference * difference;
  }
  return sum / a.length;
}
