// The symmetries of the square on a tile, for the self-ensemble: a photograph mirrored or turned is a photograph, the prior
// was trained on both, and its errors on the eight differ.
import type { NoiseModel } from '../../core/noise/likelihood/noise-model.js';
import type { Shape } from '../../core/picture.js';

/** First mirrors left to right, then flips top to bottom, then transposes. */
interface Symmetry {
  readonly isMirrored: boolean;
  readonly isFlipped: boolean;
  readonly isTransposed: boolean;
}

/** All eight. The first is the identity; the first four keep a tile's shape. */
export const SYMMETRIES: readonly Symmetry[] = [false, true].flatMap((isTransposed) =>
  [false, true].flatMap((isFlipped) =>
    [false, true].map((isMirrored) => ({ isMirrored, isFlipped, isTransposed })),
  ),
);

export function turnedShape({ channels, height, width }: Shape, { isTransposed }: Symmetry): Shape {
  return isTransposed ? { channels, height: width, width: height } : { channels, height, width };
}

/** Turns samples of this shape, planar [C, H, W], or [H, W] for all channels, into a new array. */
export function turned(
  samples: Float32Array,
  { height, width }: Shape,
  { isMirrored, isFlipped, isTransposed }: Symmetry,
): Float32Array {
  const result = new Float32Array(samples.length);
  for (let first = 0; first < samples.length; first += height * width)
    for (let y = 0; y < height; y++) {
      const row = first + (isFlipped ? height - 1 - y : y) * width;
      for (let x = 0; x < width; x++) {
        const to = first + (isTransposed ? x * height + y : y * width + x);
        result[to] = samples[row + (isMirrored ? width - 1 - x : x)] as number;
      }
    }
  return result;
}

/** The inverse of `turned`; `shape` is the result's. */
export function turnedBack(samples: Float32Array, shape: Shape, symmetry: Symmetry): Float32Array {
  const { isMirrored, isFlipped, isTransposed } = symmetry;
  const inverse = isTransposed ? { isMirrored: isFlipped, isFlipped: isMirrored, isTransposed } : symmetry;
  return turned(samples, turnedShape(shape, symmetry), inverse);
}

/** A likelihood for turned tiles: turns them back for the model. */
export function turnedLikelihood(model: NoiseModel, shape: Shape, symmetry: Symmetry): NoiseModel {
  const there = (samples: Float32Array) => turned(samples, shape, symmetry);
  const back = (samples: Float32Array) => turnedBack(samples, shape, symmetry);
  const { name, precision } = model;
  return {
    name,
    precision: precision && (precision.length === 1 ? precision : there(precision)),
    logLikelihood: (estimate, noisy) => model.logLikelihood(back(estimate), back(noisy)),
    gradient(estimate, noisy, out) {
      out.set(there(model.gradient(back(estimate), back(noisy), new Float32Array(out.length))));
      return out;
    },
  };
}
