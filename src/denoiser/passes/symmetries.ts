// The symmetries of the square on a tile, for the self-ensemble: photographs mirrored or turned are photographs, the
// prior was trained on both, and its errors on the eight differ. Pure functions; the mean is ensemble-pass's.
import type { NoiseModel } from '../../core/noise/likelihood/noise-model.js';

export interface TileShape {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** Mirrored left to right, then flipped top to bottom, then transposed. */
export interface Symmetry {
  readonly isMirrored: boolean;
  readonly isFlipped: boolean;
  readonly isTransposed: boolean;
}

/** All eight; the first leaves a tile as it is, the first four keep its shape. */
export const SYMMETRIES: readonly Symmetry[] = [false, true].flatMap((isTransposed) =>
  [false, true].flatMap((isFlipped) =>
    [false, true].map((isMirrored) => ({ isMirrored, isFlipped, isTransposed })),
  ),
);

/** The shape that a tile has afterwards. */
export function turnedShape({ channels, height, width }: TileShape, { isTransposed }: Symmetry): TileShape {
  return isTransposed ? { channels, height: width, width: height } : { channels, height, width };
}

/** Calls `visit` with every sample's place before and after, in as many planes as `length` has. */
function forEachSample(
  length: number,
  { height, width }: TileShape,
  { isMirrored, isFlipped, isTransposed }: Symmetry,
  visit: (before: number, after: number) => void,
): void {
  const plane = height * width;
  for (let first = 0; first < length; first += plane)
    for (let y = 0; y < height; y++) {
      const row = first + (isFlipped ? height - 1 - y : y) * width;
      for (let x = 0; x < width; x++) {
        const before = row + (isMirrored ? width - 1 - x : x);
        visit(before, first + (isTransposed ? x * height + y : y * width + x));
      }
    }
}

/**
 * @param samples  planar [C, H, W], or [H, W] for all channels
 * @param shape    H and W before
 * @returns        the samples in their new places, a new array
 */
export function turned(samples: Float32Array, shape: TileShape, symmetry: Symmetry): Float32Array {
  const result = new Float32Array(samples.length);
  forEachSample(samples.length, shape, symmetry, (before, after) => {
    result[after] = samples[before] as number;
  });
  return result;
}

/** The inverse of `turned`; `shape` is the one before, which is the result's. */
export function turnedBack(samples: Float32Array, shape: TileShape, symmetry: Symmetry): Float32Array {
  const result = new Float32Array(samples.length);
  forEachSample(samples.length, shape, symmetry, (before, after) => {
    result[before] = samples[after] as number;
  });
  return result;
}

/** The likelihood of turned tiles: the model's own of the tiles before they were turned. */
export function turnedLikelihood(model: NoiseModel, shape: TileShape, symmetry: Symmetry): NoiseModel {
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
