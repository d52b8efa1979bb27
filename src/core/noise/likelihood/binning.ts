// Binning, for pictures with so few counts that the prior does not know their stabilised noise: averages blocks of pixels, so
// that the smaller picture can be denoised, and enlarges the result. After Azzari and Foi 2016, Variance stabilization for
// noisy+estimate combination in iterative Poisson denoising.
import { reflected, type Shape } from '../../picture.js';

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

/** Keys's cubic convolution (a = -1/2) at a distance in samples. */
function keys(distance: number): number {
  const t = Math.abs(distance);
  if (t < 1) return 1 + t * t * (1.5 * t - 2.5);
  return t < 2 ? 2 + t * (-4 + t * (2.5 - 0.5 * t)) : 0;
}

/** The weights of each sample of the long side: four places on the short side, and a weight for each. */
function taps(length: number, small: number, factor: number): { places: Int32Array; weights: Float64Array } {
  const places = new Int32Array(4 * length);
  const weights = new Float64Array(4 * length);
  for (let i = 0; i < length; i++) {
    const centre = (i + 0.5) / factor - 0.5;
    const first = Math.floor(centre) - 1;
    for (let k = 0; k < 4; k++) {
      places[4 * i + k] = Math.min(small - 1, Math.max(0, first + k));
      weights[4 * i + k] = keys(centre - first - k);
    }
  }
  return { places, weights };
}

/** Enlarges rows of `small` samples to `length`; `stride` is the distance between a row's samples. */
function stretch(
  data: Float32Array,
  size: { readonly lines: number; readonly small: number; readonly length: number; readonly stride: number },
  factor: number,
): Float32Array {
  const { lines, small, length, stride } = size;
  const { places, weights } = taps(length, small, factor);
  const out = new Float32Array(lines * length * stride);
  for (let line = 0; line < lines; line++)
    for (let i = 0; i < length; i++)
      for (let s = 0; s < stride; s++) {
        let sum = 0;
        for (let k = 4 * i; k < 4 * i + 4; k++)
          sum +=
            (weights[k] as number) * (data[(line * small + (places[k] as number)) * stride + s] as number);
        out[(line * length + i) * stride + s] = sum;
      }
  return out;
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
  const wide = stretch(
    data,
    { lines: channels * small.height, small: small.width, length: width, stride: 1 },
    factor,
  );
  return stretch(wide, { lines: channels, small: small.height, length: height, stride: width }, factor);
}
