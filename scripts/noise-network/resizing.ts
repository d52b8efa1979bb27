// Resizes planes for the examples of the noise network. Planes are [H W], borders reflected.
import { reflected, type Size } from '#src/core/picture.js';

/** For every output place, its first input place and its weights. */
interface Taps {
  readonly first: Int32Array;
  readonly weights: readonly Float64Array[];
}

function filtered(plane: Float32Array, { width, height }: Size, across: Taps, down: Taps): Float32Array {
  const outWidth = across.first.length;
  const rows = new Float32Array(outWidth * height);
  // The row, extended by its reflection on both sides, so that no tap has to reflect.
  const reach = Math.max(0, -(across.first[0] as number));
  const last = outWidth - 1;
  const end = Math.max(width, (across.first[last] as number) + (across.weights[last] as Float64Array).length);
  const places = Int32Array.from({ length: reach + end }, (_, k) => reflected(k - reach, width));
  const padded = new Float32Array(places.length);
  for (let y = 0; y < height; y++) {
    for (let k = 0; k < padded.length; k++) padded[k] = plane[y * width + (places[k] as number)] as number;
    for (let x = 0; x < outWidth; x++) {
      const weights = across.weights[x] as Float64Array;
      const from = reach + (across.first[x] as number);
      let sum = 0;
      for (let k = 0; k < weights.length; k++) sum += (weights[k] as number) * (padded[from + k] as number);
      rows[y * outWidth + x] = sum;
    }
  }
  const outHeight = down.first.length;
  const out = new Float32Array(outWidth * outHeight);
  for (let y = 0; y < outHeight; y++) {
    const weights = down.weights[y] as Float64Array;
    for (let k = 0; k < weights.length; k++) {
      const from = reflected((down.first[y] as number) + k, height) * outWidth;
      const weight = weights[k] as number;
      for (let x = 0; x < outWidth; x++)
        out[y * outWidth + x] = (out[y * outWidth + x] as number) + weight * (rows[from + x] as number);
    }
  }
  return out;
}

/** Taps of a kernel of this half-width around each of `centres`, normalized to a sum of 1. */
function tapsOf(centres: readonly number[], reach: number, kernel: (distance: number) => number): Taps {
  const first = Int32Array.from(centres, (centre) => Math.ceil(centre - reach));
  const weights = centres.map((centre, i) => {
    const start = first[i] as number;
    const taps = Float64Array.from({ length: Math.floor(centre + reach) - start + 1 }, (_, k) =>
      kernel(start + k - centre),
    );
    const sum = taps.reduce((total, weight) => total + weight, 0);
    return taps.map((weight) => weight / sum);
  });
  return { first, weights };
}

/** Keys 1981, a = -1/2. */
function cubic(distance: number): number {
  const x = Math.abs(distance);
  if (x < 1) return 1.5 * x ** 3 - 2.5 * x ** 2 + 1;
  return x < 2 ? -0.5 * x ** 3 + 2.5 * x ** 2 - 4 * x + 2 : 0;
}

/** Cubic resizing; the kernel is widened to shrink. */
export function resized(plane: Float32Array, from: Size, to: Size): Float32Array {
  const taps = (length: number, target: number) => {
    const step = length / target;
    const width = Math.max(1, step);
    const centres = Array.from({ length: target }, (_, i) => (i + 0.5) * step - 0.5);
    return tapsOf(centres, 2 * width, (distance) => cubic(distance / width));
  };
  return filtered(plane, from, taps(from.width, to.width), taps(from.height, to.height));
}
