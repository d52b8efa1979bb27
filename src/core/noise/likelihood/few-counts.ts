// For pictures of so few counts that the prior does not know their stabilised noise. Blocks of pixels are denoised as one. A
// second pass denoises a first estimate with a little of the noisy picture mixed in, which is again Poisson-Gaussian: Azzari
// and Foi 2016, Variance stabilization for noisy+estimate combination in iterative Poisson denoising.
import { badOption } from '../../errors.js';
import { reflected, type Shape } from '../../picture.js';
import { type PoissonGaussianParameters, poissonGaussianNoise } from './poisson-gaussian.js';

export type BinFactor = 2 | 4;

/** The shape after binning; an incomplete last block counts as one. */
export function binnedShape({ channels, height, width }: Shape, factor: BinFactor): Shape {
  return { channels, height: Math.ceil(height / factor), width: Math.ceil(width / factor) };
}

/**
 * Means of factor x factor blocks, whose noise is `binnedNoise`. Incomplete blocks are completed by reflection.
 *
 * @param data  [C, H, W], not modified
 * @returns     samples of `binnedShape`
 */
export function bin(data: Float32Array, shape: Shape, factor: BinFactor): Float32Array {
  const { channels, height, width } = shape;
  const small = binnedShape(shape, factor);
  const out = new Float32Array(channels * small.height * small.width);
  for (let c = 0, to = 0; c < channels; c++)
    for (let y = 0; y < small.height; y++)
      for (let x = 0; x < small.width; x++, to++) {
        let sum = 0;
        for (let dy = 0; dy < factor; dy++) {
          const row = (c * height + reflected(y * factor + dy, height)) * width;
          for (let dx = 0; dx < factor; dx++) sum += data[row + reflected(x * factor + dx, width)] as number;
        }
        out[to] = sum / (factor * factor);
      }
  return out;
}

/** The noise of block means: gain / f^2 (the same signal from f^2 times the counts), sigma / f, the same offset. */
export function binnedNoise<P extends { readonly gain: number; readonly sigma: number }>(
  noise: P,
  factor: BinFactor,
): P {
  return { ...noise, gain: noise.gain / (factor * factor), sigma: noise.sigma / factor };
}

/**
 * Enlarges a binned estimate to full size by Keys's cubic convolution, which reproduces planes.
 *
 * @param data   samples of `binnedShape(shape, factor)`, not modified
 * @param shape  the full size
 * @returns      [C, H, W]
 * @see          Keys 1981, Cubic convolution interpolation for digital image processing
 */
export function unbin(data: Float32Array, shape: Shape, factor: BinFactor): Float32Array {
  const { channels, height, width } = shape;
  const small = binnedShape(shape, factor);
  const tapsOf = (from: number) => (i: number) => {
    const centre = (i + 0.5) / factor - 0.5;
    return [-1, 0, 1, 2].map((k) => {
      const place = Math.floor(centre) + k;
      return { weight: keys(centre - place), place: Math.min(from - 1, Math.max(0, place)) };
    });
  };
  const across = { lines: channels * small.height, from: small.width, to: width, stride: 1 };
  const down = { lines: channels, from: small.height, to: height, stride: width };
  const wide = resampledLines(data, across, tapsOf(across.from));
  return resampledLines(wide, down, tapsOf(down.from));
}

interface Lines {
  readonly lines: number;
  /** The number of a line's samples before and after. */
  readonly from: number;
  readonly to: number;
  /** Distance between a line's samples, and number of lines side by side. */
  readonly stride: number;
}

/** Along lines: sample i becomes the weighted sum of the samples at the places of `tapsOf(i)`. */
export function resampledLines(
  data: Float32Array,
  { lines, from, to, stride }: Lines,
  tapsOf: (i: number) => readonly { readonly weight: number; readonly place: number }[],
): Float32Array {
  const out = new Float32Array(lines * to * stride);
  for (let i = 0; i < to; i++) {
    const taps = tapsOf(i);
    for (let line = 0; line < lines; line++)
      for (let s = 0; s < stride; s++) {
        let sum = 0;
        for (const { weight, place } of taps)
          sum += weight * (data[(line * from + place) * stride + s] as number);
        out[(line * to + i) * stride + s] = sum;
      }
  }
  return out;
}

/** Keys's cubic convolution (a = -1/2) at a distance in samples. */
function keys(distance: number): number {
  const t = Math.abs(distance);
  if (t < 1) return 1 + t * t * (1.5 * t - 2.5);
  return t < 2 ? 2 + t * (-4 + t * (2.5 - 0.5 * t)) : 0;
}

const STEPS = 24;
const LEAST_WEIGHT = 1e-3;

/**
 * weight noisy + (1 - weight) estimate.
 *
 * @param noisy     samples in [0, 1], not clipped, any layout; not modified
 * @param estimate  a first estimate of the same samples
 * @param weight    the noisy picture's, above 0 to 1
 */
export function combine(noisy: Float32Array, estimate: Float32Array, weight: number): Float32Array {
  if (noisy.length !== estimate.length || !(weight > 0 && weight <= 1))
    throw badOption(
      `Expected pictures of one size and a weight above 0 to 1 but received ${noisy.length} and ${estimate.length} samples and ${weight}`,
    );
  return noisy.map((value, i) => weight * value + (1 - weight) * (estimate[i] as number));
}

/** The noise of `combine`'s result if the estimate is right: var = weight^2 (gain (x - offset) + sigma^2). */
export function combinedNoise(
  { gain, sigma, offset = 0 }: PoissonGaussianParameters,
  weight: number,
): Required<PoissonGaussianParameters> {
  return { gain: gain * weight * weight, sigma: sigma * weight, offset };
}

/**
 * The weight for which the combination has a given noise level after stabilisation; 1 if a second pass gains nothing.
 *
 * @param sigma  the level of `poissonGaussianNoise(combinedNoise(noise, weight))`; 30 to 45 / 255 did best
 */
export function weightForSigma(noise: PoissonGaussianParameters, sigma: number): number {
  const sigmaOf = (weight: number) => poissonGaussianNoise(combinedNoise(noise, weight)).sigma;
  if (sigmaOf(1) <= sigma) return 1;
  let [low, high] = [LEAST_WEIGHT, 1];
  for (let step = 0; step < STEPS; step++) {
    const middle = Math.sqrt(low * high);
    if (sigmaOf(middle) > sigma) high = middle;
    else low = middle;
  }
  return low;
}
