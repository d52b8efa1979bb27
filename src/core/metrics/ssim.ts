// Structural similarity: Wang, Bovik, Sheikh, Simoncelli 2004, equation 13, with their 11 x 11 Gaussian window.
// As scikit-image's structural_similarity(gaussian_weights=True, use_sample_covariance=False, data_range=1, channel_axis=-1).
import { badOption } from '../errors.js';
import type { Shape } from '../picture.js';

type Floats = Float32Array | Float64Array;

const RADIUS = 5;
const WINDOW = 2 * RADIUS + 1;
const C1 = 0.01 ** 2;
const C2 = 0.03 ** 2;
/** The filtered maps: a, b, a^2, b^2, ab. */
const MAPS = 5;
const KERNEL = gaussianKernel(1.5);

/**
 * The mean over channels and over all windows that lie inside the picture.
 *
 * @param a      samples in [0, 1], interleaved [height, width, channels], at least 11 x 11 pixels
 * @param b      the other picture, same shape
 * @param shape  of both
 * @returns      in [-1, 1]; 1 for equal pictures
 * @throws       FlowDenoiseError BAD_OPTION when the samples do not have that shape or are too few
 */
export function ssim(a: Floats, b: Floats, shape: Shape): number {
  const { width, height, channels } = shape;
  const samples = width * height * channels;
  if (a.length !== samples || b.length !== samples || channels < 1 || Math.min(width, height) < WINDOW)
    throw badOption(
      `Expected two pictures of ${width} x ${height} x ${channels} samples, at least ${WINDOW} x ${WINDOW} pixels, for SSIM ` +
        `but received ${a.length} and ${b.length} samples`,
    );
  let sum = 0;
  for (let c = 0; c < channels; c++) sum += channelSum(a, b, shape, c);
  return sum / (channels * (width - 2 * RADIUS) * (height - 2 * RADIUS));
}

/** The sum of the SSIM map of one channel. Keeps the last 11 horizontally filtered rows, [positions, MAPS], no whole maps. */
function channelSum(a: Floats, b: Floats, { width, height, channels }: Shape, channel: number): number {
  const positions = width - 2 * RADIUS;
  const ring = Array.from({ length: WINDOW }, () => new Float64Array(MAPS * positions));
  const means = new Float64Array(MAPS * positions);
  let sum = 0;
  for (let y = 0; y < height; y++) {
    const row = ring[y % WINDOW] as Float64Array;
    for (let x = 0; x < positions; x++) {
      let [meanA, meanB, squareA, squareB, product] = [0, 0, 0, 0, 0];
      for (let k = 0; k < WINDOW; k++) {
        const weight = KERNEL[k] as number;
        const at = (y * width + x + k) * channels + channel;
        const [valueA, valueB] = [a[at] as number, b[at] as number];
        meanA += weight * valueA;
        meanB += weight * valueB;
        squareA += weight * valueA * valueA;
        squareB += weight * valueB * valueB;
        product += weight * valueA * valueB;
      }
      row.set([meanA, meanB, squareA, squareB, product], x * MAPS);
    }
    if (y < 2 * RADIUS) continue;
    means.fill(0);
    for (let k = 0; k < WINDOW; k++) {
      const weight = KERNEL[k] as number;
      const line = ring[(y + 1 + k) % WINDOW] as Float64Array;
      for (let i = 0; i < means.length; i++) means[i] = (means[i] as number) + weight * (line[i] as number);
    }
    for (let i = 0; i < means.length; i += MAPS) sum += similarity(means, i);
  }
  return sum;
}

/** SSIM of one window, from its filtered a, b, a^2, b^2 and ab (population covariances). */
function similarity(means: Float64Array, at: number): number {
  const meanA = means[at] as number;
  const meanB = means[at + 1] as number;
  const varianceA = (means[at + 2] as number) - meanA * meanA;
  const varianceB = (means[at + 3] as number) - meanB * meanB;
  const covariance = (means[at + 4] as number) - meanA * meanB;
  return (
    ((2 * meanA * meanB + C1) * (2 * covariance + C2)) /
    ((meanA * meanA + meanB * meanB + C1) * (varianceA + varianceB + C2))
  );
}

/** A Gaussian's weights up to 3 sigma on either side, an odd number, with sum 1. */
export function gaussianKernel(sigma: number): Float64Array {
  const radius = Math.ceil(3 * sigma);
  const weights = Float64Array.from({ length: 2 * radius + 1 }, (_, i) =>
    Math.exp(-(((i - radius) / sigma) ** 2) / 2),
  );
  const sum = weights.reduce((total, weight) => total + weight, 0);
  return weights.map((weight) => weight / sum);
}
