// A simulated camera's filters: Gaussian blur and sharpening. Planes are [H W], borders reflected.
import { gaussianKernel } from '../../metrics/index.js';
import { reflected, type Size } from '../../picture.js';

/** @param sigma the Gaussian's, pixels; 0 returns the plane itself */
export function blurred(plane: Float32Array, { width, height }: Size, sigma: number): Float32Array {
  if (sigma === 0) return plane;
  const kernel = gaussianKernel(sigma);
  const reach = (kernel.length - 1) / 2;
  const rows = new Float32Array(plane.length);
  // The row, extended by its reflection on both sides, so that no tap has to reflect.
  const places = Int32Array.from({ length: width + 2 * reach }, (_, k) => reflected(k - reach, width));
  const padded = new Float32Array(places.length);
  for (let y = 0; y < height; y++) {
    for (let k = 0; k < padded.length; k++) padded[k] = plane[y * width + (places[k] as number)] as number;
    for (let x = 0; x < width; x++) {
      let sum = 0;
      for (let k = 0; k < kernel.length; k++) sum += (kernel[k] as number) * (padded[x + k] as number);
      rows[y * width + x] = sum;
    }
  }
  const out = new Float32Array(plane.length);
  for (let y = 0; y < height; y++)
    for (let k = 0; k < kernel.length; k++) {
      const from = reflected(y + k - reach, height) * width;
      const weight = kernel[k] as number;
      for (let x = 0; x < width; x++)
        out[y * width + x] = (out[y * width + x] as number) + weight * (rows[from + x] as number);
    }
  return out;
}

/** Unsharp masking: plane + amount (plane - blurred). */
export function sharpened(
  plane: Float32Array,
  size: Size,
  { amount, radius }: { readonly amount: number; readonly radius: number },
): Float32Array {
  if (amount === 0) return plane;
  const soft = blurred(plane, size, radius);
  return plane.map((value, i) => value + amount * (value - (soft[i] as number)));
}
