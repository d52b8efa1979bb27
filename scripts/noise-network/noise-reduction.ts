// The noise reduction of cameras, for the examples of the noise network: smooths flat places and leaves edges and texture with
// their noise, so noise in flat places is weaker and coarser. The guided filter (He, Sun and Tang 2013) and the garrote of
// wavelet details (Gao 1998). Planes are [H W], borders reflected.
import { DETAIL_POWERS, splitIntoBands } from '#src/core/noise/model/bands.js';
import type { CameraSettings } from '#src/core/noise/simulate/camera.js';
import { reflected, type Size } from '#src/core/picture.js';

export interface NoiseReduction {
  readonly kind: 'guided' | 'garrote';
  /** Structure weaker than this many standard deviations of the noise counts as noise; 0 turns it off. */
  readonly luma: number;
  readonly chroma: number;
  /** Half the side of the guided filter's window, pixels; for the garrote, the number of octaves (at most 4). */
  readonly reach: { readonly luma: number; readonly chroma: number };
  /** Weight of the smoothed picture in the result, 0 to 1. */
  readonly strength: number;
}

/** The reduction as a camera takes it. */
export function noiseReducer({
  kind,
  reach,
  strength,
  ...thresholds
}: NoiseReduction): NonNullable<CameraSettings['noiseReduction']> {
  return (plane, size, noise, part) => {
    const threshold = thresholds[part];
    if (threshold === 0 || strength === 0) return plane;
    const smooth =
      kind === 'guided'
        ? guided(plane, size, noise, threshold, reach[part])
        : garrote(plane, size, noise, threshold, Math.min(4, reach[part]));
    return plane.map((value, i) => value + strength * ((smooth[i] as number) - value));
  };
}

function guided(
  plane: Float32Array,
  size: Size,
  noise: Float32Array,
  threshold: number,
  reach: number,
): Float32Array {
  const mean = boxMean(plane, size, reach);
  const square = boxMean(
    plane.map((value) => value * value),
    size,
    reach,
  );
  const share = new Float32Array(plane.length);
  const rest = new Float32Array(plane.length);
  for (let i = 0; i < plane.length; i++) {
    const centre = mean[i] as number;
    const variance = Math.max(0, (square[i] as number) - centre * centre);
    const kept = variance / (variance + (threshold * (noise[i] as number)) ** 2 + 1e-12);
    share[i] = kept;
    rest[i] = centre * (1 - kept);
  }
  const meanShare = boxMean(share, size, reach);
  const meanRest = boxMean(rest, size, reach);
  return plane.map((value, i) => (meanShare[i] as number) * value + (meanRest[i] as number));
}

function garrote(
  plane: Float32Array,
  { width, height }: Size,
  noise: Float32Array,
  threshold: number,
  octaves: number,
): Float32Array {
  const bands = splitIntoBands(plane, width, height, octaves);
  const out = (bands[octaves] as Float32Array).slice();
  for (let octave = 0; octave < octaves; octave++) {
    const factor = threshold ** 2 * (DETAIL_POWERS[octave] as number);
    const detail = bands[octave] as Float32Array;
    for (let i = 0; i < out.length; i++) {
      const value = detail[i] as number;
      const least = factor * (noise[i] as number) ** 2;
      if (value * value > least) out[i] = (out[i] as number) + value - least / value;
    }
  }
  return out;
}

/** The mean over a window of 2 reach + 1 pixels a side. */
function boxMean(plane: Float32Array, { width, height }: Size, reach: number): Float32Array {
  const share = 1 / (2 * reach + 1);
  const rows = new Float32Array(plane.length);
  for (let y = 0; y < height; y++) {
    const at = (x: number) => plane[y * width + reflected(x, width)] as number;
    let sum = 0;
    for (let x = -reach; x <= reach; x++) sum += at(x);
    for (let x = 0; x < width; x++) {
      rows[y * width + x] = share * sum;
      sum += at(x + reach + 1) - at(x - reach);
    }
  }
  const out = new Float32Array(plane.length);
  const sums = new Float64Array(width);
  const add = (y: number, sign: number) => {
    const from = reflected(y, height) * width;
    for (let x = 0; x < width; x++) sums[x] = (sums[x] as number) + sign * (rows[from + x] as number);
  };
  for (let y = -reach; y <= reach; y++) add(y, 1);
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) out[y * width + x] = share * (sums[x] as number);
    add(y + reach + 1, 1);
    add(y - reach, -1);
  }
  return out;
}
