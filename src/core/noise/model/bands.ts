// The frequency bands of a noise profile: an undecimated wavelet ("a trous", Holschneider et al. 1989) with the kernel
// [1, 2, 1] / 4, dilated by 1, 2 and 4. A plane is the sum of its bands, so gains per band are a filter.
import { mean } from '../../metrics/index.js';
import { reflected } from '../../picture.js';

/** Three detail bands of about an octave each, and a remainder coarser than 16 pixels. */
export const BANDS = 4;

/** Detail bands in measurements. Here the coarsest band is its finest octave only, which holds no brightness. */
export const MEASURED = 4;

/** H(f) = cos^2(pi f): the response of [1, 2, 1] / 4 along one axis. */
const lowpass = (frequency: number) => Math.cos(Math.PI * frequency) ** 2;

/** The response of band `band` of a split into `details` details and a remainder, at (fx, fy) in cycles per pixel. */
export function bandResponse(band: number, details: number, fx: number, fy: number): number {
  let low = 1;
  for (let octave = 0; octave < band; octave++) low *= lowpass(fx * 2 ** octave) * lowpass(fy * 2 ** octave);
  if (band === details) return low;
  return low * (1 - lowpass(fx * 2 ** band) * lowpass(fy * 2 ** band));
}

/** Means are taken over STEPS x STEPS frequencies. */
const STEPS = 64;

/** [STEPS STEPS] of each of the first `count` bands. Every process that loads this computes them, so each is computed once. */
const responses = (count: number, details: number): readonly (readonly number[])[] =>
  Array.from({ length: count }, (_, band) =>
    Array.from({ length: STEPS * STEPS }, (_, at) => {
      const [i, j] = [Math.floor(at / STEPS), at % STEPS];
      return bandResponse(band, details, (i + 0.5) / (2 * STEPS), (j + 0.5) / (2 * STEPS));
    }),
  );
const bandResponses = responses(BANDS, BANDS - 1);
const detailResponses = responses(MEASURED, MEASURED);

/** The bands' shares of the frequency plane: sum 1. */
export const BAND_SHARES: readonly number[] = bandResponses.map(mean);

/** The variance in each measured detail of white noise of variance 1. */
export const DETAIL_POWERS: readonly number[] = detailResponses.map((detail) =>
  mean(detail.map((response) => response ** 2)),
);

/** Row m: what power 1 in each band adds to detail m, relative to white noise of variance 1. Rows sum to 1. */
const LEAKAGE: readonly (readonly number[])[] = detailResponses.map((detail, m) =>
  bandResponses.map(
    (band) =>
      mean(detail.map((response, at) => response ** 2 * (band[at] as number))) / (DETAIL_POWERS[m] as number),
  ),
);

/**
 * The powers of the bands from those of the measured details, whose filters overlap: non-negative least squares by
 * multiplicative updates (Lee and Seung 2001).
 *
 * @param details  [MEASURED] variance of each detail over `DETAIL_POWERS`
 * @returns        [BANDS] at least 0
 */
export function bandPowers(details: readonly number[]): number[] {
  let powers = Array.from({ length: BANDS }, (_, band) => Math.max(1e-12, details[band] as number));
  for (let round = 0; round < 200; round++) {
    const modelled = detailPowers(powers);
    powers = powers.map((power, band) => {
      let up = 0;
      let down = 0;
      for (let m = 0; m < MEASURED; m++) {
        // Relative errors count, so that weak bands count as much as strong ones.
        const weight = 1 / Math.max(1e-12, details[m] as number) ** 2;
        up += weight * (LEAKAGE[m]?.[band] as number) * (details[m] as number);
        down += weight * (LEAKAGE[m]?.[band] as number) * (modelled[m] as number);
      }
      // 0 / 0 if nothing is measured and nothing modelled.
      return down > 0 ? power * (up / down) : 0;
    });
  }
  return powers;
}

/**
 * The inverse of `bandPowers`: the white-equivalent power of each measured detail, given the powers of the bands.
 *
 * @param powers  [BANDS] at least 0
 * @returns       [MEASURED]
 */
export function detailPowers(powers: readonly number[]): number[] {
  return LEAKAGE.map((row) => row.reduce((sum, share, band) => sum + share * (powers[band] as number), 0));
}

/**
 * Splits a plane into `details` detail bands, finest first, and a remainder; their sum is the plane. Borders are reflected.
 *
 * @param plane [H W]
 * @returns     `details` + 1 planes
 */
export function splitIntoBands(
  plane: Float32Array,
  width: number,
  height: number,
  details: number,
): Float32Array[] {
  const bands: Float32Array[] = [];
  let current = plane;
  for (let octave = 0; octave < details; octave++) {
    const smooth = smoothed(current, width, height, 2 ** octave);
    const detail = new Float32Array(plane.length);
    for (let i = 0; i < detail.length; i++) detail[i] = (current[i] as number) - (smooth[i] as number);
    bands.push(detail);
    current = smooth;
  }
  bands.push(current);
  return bands;
}

/** [1, 2, 1] / 4 along rows and columns, its taps `step` pixels apart. */
function smoothed(plane: Float32Array, width: number, height: number, step: number): Float32Array {
  const rows = new Float32Array(plane.length);
  const left = Int32Array.from({ length: width }, (_, x) => reflected(x - step, width));
  const right = Int32Array.from({ length: width }, (_, x) => reflected(x + step, width));
  for (let y = 0; y < height; y++) {
    const row = y * width;
    for (let x = 0; x < width; x++)
      rows[row + x] =
        ((plane[row + (left[x] as number)] as number) + (plane[row + (right[x] as number)] as number)) / 4 +
        (plane[row + x] as number) / 2;
  }
  const out = new Float32Array(plane.length);
  for (let y = 0; y < height; y++) {
    const [above, below] = [reflected(y - step, height) * width, reflected(y + step, height) * width];
    const row = y * width;
    for (let x = 0; x < width; x++)
      out[row + x] =
        ((rows[above + x] as number) + (rows[below + x] as number)) / 4 + (rows[row + x] as number) / 2;
  }
  return out;
}
