// How much two pictures differ: MSE, PSNR and SSIM. And means of numbers.
import { badOption } from '../errors.js';

export { gaussianKernel, ssim } from './ssim.js';

export function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}

export function mean(values: readonly number[]): number {
  return sum(values) / values.length;
}

/** The value in the middle; the upper one of two. NaN of nothing. */
export function median(values: ArrayLike<number>): number {
  return Float64Array.from(values).sort()[values.length >> 1] ?? Number.NaN;
}

/**
 * Mean squared error.
 *
 * @param a  samples in [0, 1], any layout
 * @param b  as many samples, in the same layout
 * @throws   FlowDenoiseError BAD_OPTION when there are none, or the counts differ
 */
export function mse(a: Float32Array | Float64Array, b: Float32Array | Float64Array): number {
  if (a.length !== b.length || a.length === 0)
    throw badOption(
      `Expected two pictures with equally many samples but received ${a.length} and ${b.length}`,
    );
  let squares = 0;
  for (let i = 0; i < a.length; i++) {
    const difference = (a[i] as number) - (b[i] as number);
    squares += difference * difference;
  }
  return squares / a.length;
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
