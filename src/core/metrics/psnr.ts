// Peak signal-to-noise ratio.
import { mse } from './mse.js';

/**
 * 10 log10(peak^2 / MSE).
 *
 * @param a     samples in [0, peak], any layout
 * @param b     as many, in the same layout
 * @param peak  the largest value a sample can have
 * @returns     decibels; Infinity for equal pictures
 * @throws      FlowDenoiseError BAD_OPTION when there are none, or not as many
 */
export function psnr(a: Float32Array | Float64Array, b: Float32Array | Float64Array, peak = 1): number {
  return 10 * Math.log10((peak * peak) / mse(a, b));
}
