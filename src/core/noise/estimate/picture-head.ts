// The second part of the noise network: from all cells of a picture to the levels of the whole. One cell often cannot tell
// faint noise from texture; a picture's cells together can. A set network (Zaheer et al. 2017, Deep Sets): every cell through
// two layers, their mean, two layers more. Small enough for plain JavaScript.
import type { Weights } from '../../flow/parameters.js';
import { FEATURES, LEVELS, uncertaintyOf } from './noise-network.js';

/** Per cell: the network's levels and uncertainties, its features, and the cell's brightness. */
export const CELL_INPUTS = 2 * LEVELS + FEATURES + 1;
const WIDTH = 64;

/** [out, in] of every layer; the third also sees how many cells there are. */
const LAYERS = {
  'head.cell1': [WIDTH, CELL_INPUTS],
  'head.cell2': [WIDTH, WIDTH],
  'head.picture1': [WIDTH, WIDTH + 1],
  'head.picture2': [2 * LEVELS, WIDTH],
} as const;

/** Every tensor's shape by name, as in the weights file. */
export function pictureHeadShapes(): Readonly<Record<string, readonly number[]>> {
  return Object.fromEntries(
    Object.entries(LAYERS).flatMap(([name, [out, inputs]]) => [
      [`${name}.weight`, [out, inputs]],
      [`${name}.bias`, [out]],
    ]),
  );
}

/** What the third layer is told of the number of cells. */
export const countInput = (cells: number) => Math.log(cells) / 5 - 1;

export interface PictureLevels {
  /** [LEVELS] `logLevel` of the noise of the whole picture in each detail. */
  readonly levels: readonly number[];
  /** [LEVELS] the standard deviations of these. */
  readonly deviations: readonly number[];
}

/**
 * The levels of a picture.
 *
 * @param weights  of `pictureHeadShapes`
 * @param cells    [count, CELL_INPUTS], at least one cell
 */
export function poolCells(weights: Weights, cells: Float32Array): PictureLevels {
  const count = cells.length / CELL_INPUTS;
  const mean = new Float64Array(WIDTH + 1);
  for (let cell = 0; cell < count; cell++) {
    const inputs = cells.subarray(cell * CELL_INPUTS, (cell + 1) * CELL_INPUTS);
    const second = dense(weights, 'head.cell2', dense(weights, 'head.cell1', inputs, true), true);
    for (let i = 0; i < WIDTH; i++) mean[i] = (mean[i] as number) + (second[i] as number) / count;
  }
  mean[WIDTH] = countInput(count);
  const out = dense(weights, 'head.picture2', dense(weights, 'head.picture1', mean, true), false);
  return {
    levels: Array.from(out.subarray(0, LEVELS)),
    deviations: Array.from(out.subarray(LEVELS), uncertaintyOf),
  };
}

function dense(
  weights: Weights,
  name: keyof typeof LAYERS,
  inputs: Float32Array | Float64Array,
  isRectified: boolean,
): Float64Array {
  const weight = weights.get(`${name}.weight`);
  const bias = weights.get(`${name}.bias`);
  if (!weight || !bias) throw new TypeError(`there is no layer ${name}`);
  const out = new Float64Array(bias.data.length);
  for (let o = 0; o < out.length; o++) {
    let sum = bias.data[o] as number;
    const row = o * inputs.length;
    for (let i = 0; i < inputs.length; i++) sum += (weight.data[row + i] as number) * (inputs[i] as number);
    out[o] = isRectified ? Math.max(0, sum) : sum;
  }
  return out;
}
