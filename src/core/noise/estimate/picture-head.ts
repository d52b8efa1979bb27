// The second part of the noise network: from all cells of a picture to the levels of the whole. One cell often cannot tell
// faint noise from texture; a picture's cells together can. A set network: every cell through two layers; their mean (Zaheer
// et al. 2017, Deep Sets) and weighted means in which a few telling cells can outvote the rest (attention, Ilse, Tomczak and
// Welling 2018); beside them the mean of the cells' own levels, each by its certainty; two layers more. Plain JavaScript.
import type { Weights } from '../../flow/parameters.js';
import { FEATURES, LEAST_DEVIATION, LEVELS, shapesOf, uncertaintyOf } from './noise-network.js';

/** Per cell: the network's levels and uncertainties, its features, and the cell's brightness. */
export const CELL_INPUTS = 2 * LEVELS + FEATURES + 1;
const WIDTH = 64;
/** Weightings of the cells. Each pools an equal share of the cell's channels. */
export const ATTENTIONS = 8;

/** What 'picture1' is told: the mean, the weighted means, the cells' own levels and their certainty, and how many cells there are. */
const TOLD = 2 * WIDTH + 2 * LEVELS + 1;

/** [out, in] of every layer. */
const LAYERS = {
  'head.cell1': [WIDTH, CELL_INPUTS],
  'head.cell2': [WIDTH, WIDTH],
  'head.attention': [ATTENTIONS, WIDTH],
  'head.picture1': [WIDTH, TOLD],
  'head.picture2': [2 * LEVELS + 1, WIDTH],
} as const;

/** Every tensor's shape by name, as in the weights file. */
export const pictureHeadShapes = () => shapesOf(LAYERS);

/** What 'picture1' is told of certainties is the logarithm of their mean over this. */
export const CERTAINTY_SCALE = 3;

/** What 'picture1' is told of the number of cells. */
export const countInput = (cells: number) => Math.log(cells) / 5 - 1;

/** The level of a detail, 8-bit units, below which there is nothing that is worth removing. */
export const NOISY_255 = 2;

/** Level `i` of cells, [CELL_INPUTS] each, as `logLevel`: the mean, each by its certainty, and the sum of these. */
export function meanByCertainty(
  cells: readonly Float32Array[],
  i: number,
): { readonly certainty: number; readonly level: number } {
  let [certainty, weighted] = [0, 0];
  for (const cell of cells) {
    const own = 1 / (uncertaintyOf(cell[LEVELS + i] as number) ** 2 + LEAST_DEVIATION ** 2);
    certainty += own;
    weighted += own * (cell[i] as number);
  }
  return { certainty, level: weighted / certainty };
}

export interface PictureLevels {
  /** [LEVELS] `logLevel` of the noise of the whole picture in each detail, if there is noise. */
  readonly levels: readonly number[];
  /** [LEVELS] the standard deviations of these. */
  readonly deviations: readonly number[];
  /** The probability that there is noise: that one of the levels is above NOISY_255. */
  readonly evidence: number;
}

/** The levels of a picture of at least one cell, [count, CELL_INPUTS]. The weights have `pictureHeadShapes`. */
export function poolCells(weights: Weights, inputs: Float32Array): PictureLevels {
  const count = inputs.length / CELL_INPUTS;
  const cells = Array.from({ length: count }, (_, cell) =>
    inputs.subarray(cell * CELL_INPUTS, (cell + 1) * CELL_INPUTS),
  );
  const described = cells.map((cell) => {
    const features = dense(weights, 'head.cell2', dense(weights, 'head.cell1', cell, true), true);
    return { features, logits: dense(weights, 'head.attention', features, false) };
  });
  const most = Array.from({ length: ATTENTIONS }, (_, k) =>
    described.reduce((max, { logits }) => Math.max(max, logits[k] as number), Number.NEGATIVE_INFINITY),
  );
  const totals = new Float64Array(ATTENTIONS);
  const pooled = new Float64Array(TOLD);
  for (const { features, logits } of described) {
    const weightings = logits.map((logit, k) => Math.exp(logit - (most[k] as number)));
    for (const [k, weighting] of weightings.entries()) totals[k] = (totals[k] as number) + weighting;
    for (const [i, feature] of features.entries()) {
      pooled[i] = (pooled[i] as number) + feature / count;
      pooled[WIDTH + i] = (pooled[WIDTH + i] as number) + feature * (weightings[attentionOf(i)] as number);
    }
  }
  for (let i = 0; i < WIDTH; i++)
    pooled[WIDTH + i] = (pooled[WIDTH + i] as number) / (totals[attentionOf(i)] as number);
  for (let i = 0; i < LEVELS; i++) {
    const { certainty, level } = meanByCertainty(cells, i);
    pooled[2 * WIDTH + i] = level;
    pooled[2 * WIDTH + LEVELS + i] = Math.log(certainty / count) / CERTAINTY_SCALE;
  }
  pooled[TOLD - 1] = countInput(count);
  const out = dense(weights, 'head.picture2', dense(weights, 'head.picture1', pooled, true), false);
  return {
    levels: Array.from(out.subarray(0, LEVELS)),
    deviations: Array.from(out.subarray(LEVELS, 2 * LEVELS), uncertaintyOf),
    evidence: 1 / (1 + Math.exp(-(out[2 * LEVELS] as number))),
  };
}

/** Which weighting pools a channel. */
const attentionOf = (channel: number) => Math.floor((channel * ATTENTIONS) / WIDTH);

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
