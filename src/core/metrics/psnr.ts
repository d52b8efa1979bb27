// Mean squared error and peak signal-to-noise ratio.
import { badOption } from '../errors.js';

/**
 * Mean squared error.
 *
 * @param a  samples in [0, 1], any layout
 * @param b  as many samples, in the same layout
 * @returns  mean of (a - b)^2, at least 0
 * @throws   FlowDenoiseError BAD_OPTION when there are none, or the counts differ
 */
export function mse(a: Float32Array | Float64Array, b: Float32Array | Float64Array): number {
  if (a.length !== b.length || a.length === 0) {
    throw badOption(
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

/**
 * 10 log10(peak^2 / MSE).
 *
 * @param a     samples in [0, peak], any layout
 * @param b     as many samples, in the same layout
 * @param peak  the largest value a sample can have
 * @returns     decibels; Infinity for equal pictures
 * @throws      FlowDenoiseError BAD_OPTION when there are none, or the counts differ
 */
export function psnr(a: Float32Array | Float64Array, b: Float32Array | Float64Array, peak = 1): number {
  return 10 * Math.log10((peak * peak) / mse(a, b));
}
