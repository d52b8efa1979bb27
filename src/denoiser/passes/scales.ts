// Several scales of one tile. Averaging 2 x 2 pixels halves the noise, which stays white, and brings coarse structure within
// reach of the prior's networks, so it is estimated better there. Only full size has fine structure. After Facciolo, Pierazzo
// and Morel 2017, Conservative scale recomposition for multiscale denoising (there in the DCT domain).
import { gaussianKernel } from '../../core/metrics/index.js';
import { bin, binnedShape, resampledLines, unbin } from '../../core/noise/likelihood/few-counts.js';
import { type PlanarTile, reflected, type Shape } from '../../core/picture.js';

/** Coarse structure is what a Gaussian of this standard deviation keeps, in coarse pixels. Measured: docs/benchmarks.md. */
const COARSE = 1.5;

/** The same if the noise is stronger at the coarser scale. On polyu44 and cc15 it gains 0.12 and 0.2 dB over a width of 1.5. */
export const COARSE_OF_COLOURED = 0.8;

/** Averages blocks of 2 x 2, and extends the result to multiples of `multiple` by reflection. */
export function coarseTile(tile: Float32Array, shape: Shape, multiple: number): PlanarTile {
  const small = binnedShape(shape, 2);
  const up = (length: number) => Math.ceil(length / multiple) * multiple;
  const padded = { channels: shape.channels, height: up(small.height), width: up(small.width) };
  return { ...padded, data: resized(bin(tile, shape, 2), small, padded) };
}

/** Replaces the low frequencies of a fine estimate, [C, H, W], by those of an estimate of its `coarseTile`, in place. */
export function withCoarse(
  fine: Float32Array,
  shape: Shape,
  coarse: PlanarTile,
  width = COARSE,
): Float32Array {
  const small = binnedShape(shape, 2);
  const difference = resized(coarse.data, coarse, small);
  const own = bin(fine, shape, 2);
  for (let i = 0; i < difference.length; i++) difference[i] = (difference[i] as number) - (own[i] as number);
  const correction = unbin(smoothed(difference, small, width), shape, 2);
  for (let i = 0; i < fine.length; i++) fine[i] = (fine[i] as number) + (correction[i] as number);
  return fine;
}

/** Cuts planes to another size, or extends them by reflection. */
function resized(data: Float32Array, from: Shape, to: Shape): Float32Array {
  const columns = Int32Array.from({ length: to.width }, (_, x) => reflected(x, from.width));
  const out = new Float32Array(to.channels * to.height * to.width);
  let at = 0;
  for (let c = 0; c < to.channels; c++)
    for (let y = 0; y < to.height; y++) {
      const row = (c * from.height + reflected(y, from.height)) * from.width;
      for (let x = 0; x < to.width; x++) out[at++] = data[row + (columns[x] as number)] as number;
    }
  return out;
}

/** Convolves with a Gaussian along rows and columns, with reflection. */
function smoothed(data: Float32Array, { channels, height, width }: Shape, sigma: number): Float32Array {
  const weights = [...gaussianKernel(sigma)];
  const radius = (weights.length - 1) / 2;
  const tapsOf = (length: number) => (i: number) =>
    weights.map((weight, k) => ({ weight, place: reflected(i + k - radius, length) }));
  const rows = { lines: channels * height, from: width, to: width, stride: 1 };
  const columns = { lines: channels, from: height, to: height, stride: width };
  return resampledLines(resampledLines(data, rows, tapsOf(width)), columns, tapsOf(height));
}
