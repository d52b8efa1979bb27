// Trains the picture head of the noise network: the first part is fixed and describes the cells of simulated pictures, the
// head learns the levels of the whole from any number of them.
import { availableParallelism } from 'node:os';
import * as tf from '@tensorflow/tfjs-core';
import type { ParameterSource, Weights } from '#src/core/flow/parameters.js';
import { parametersFrom } from '#src/core/flow/parameters.js';
import {
  CELL,
  FEATURES,
  LEAST_DEVIATION,
  LEVELS,
  logLevel,
  noiseNetwork,
} from '#src/core/noise/estimate/noise-network.js';
import {
  ATTENTIONS,
  CELL_INPUTS,
  CERTAINTY_SCALE,
  countInput,
  NOISY_255,
  pictureHeadShapes,
} from '#src/core/noise/estimate/picture-head.js';
import { gaussianGenerator } from '#src/core/noise/random.js';
import { tfjsOps } from '#src/core/ops/tfjs-ops.js';
import { freshTensors, optimizer } from '#src/train/loop/optimizer.js';
import {
  layoutOf,
  type ParameterLayout,
  parameterSource,
  parameterTensors,
  toVector,
  toWeights,
} from '#src/train/loop/parameter-vector.js';
import { levelLoss, logVarianceOf } from './level-loss.js';
import { drawsFrom, type NoisyShot } from './noisy-shot.js';
import { openShots, type SceneFiles } from './shots.js';

/** A picture as the head sees it. */
export interface DescribedPicture {
  /** [cells, CELL_INPUTS] */
  readonly cells: Float32Array;
  /** [LEVELS] */
  readonly levels: Float32Array;
}

/** Runs the first part on a shot of `side` pixels. */
export function describeShot(
  weights: Weights,
  { picture, levels }: NoisyShot,
  side: number,
): DescribedPicture {
  const columns = side / CELL;
  const outputs = tf.tidy(() =>
    noiseNetwork(
      tfjsOps,
      parametersFrom(tfjsOps, weights),
      tf.tensor4d(picture, [1, side, side, 3]),
    ).dataSync(),
  );
  const size = 2 * LEVELS + FEATURES;
  const cells = new Float32Array(columns * columns * CELL_INPUTS);
  for (let cell = 0; cell < columns * columns; cell++) {
    cells.set(outputs.subarray(cell * size, (cell + 1) * size), cell * CELL_INPUTS);
    cells[cell * CELL_INPUTS + size] = brightnessOf(picture, side, cell);
  }
  const powers = new Float64Array(LEVELS);
  for (let i = 0; i < levels.length; i++)
    powers[i % LEVELS] =
      (powers[i % LEVELS] as number) + Math.exp(2 * (levels[i] as number)) / (levels.length / LEVELS);
  // The floor is in every cell's power already.
  const floor = Math.exp(2 * logLevel(0));
  return { cells, levels: Float32Array.from(powers, (power) => logLevel((power - floor) / 255 ** 2)) };
}

/** Side of the pictures that the head learns from, pixels. */
const PICTURE_SIDE = 256;

/** So many simulated pictures, described by the first part; each core makes some of them. */
export async function describePictures(
  weights: Weights,
  files: SceneFiles,
  count: number,
  seed: number,
): Promise<DescribedPicture[]> {
  const makers = Array.from({ length: Math.min(count, availableParallelism()) }, () =>
    openShots({ ...files, seed, length: PICTURE_SIDE }),
  );
  try {
    const pictures = new Array<DescribedPicture>(count);
    let next = 0;
    await Promise.all(
      makers.map(async (maker) => {
        while (next < count) {
          const number = next++;
          const { pictures: picture, levels } = await maker.batch(number, 1);
          pictures[number] = describeShot(weights, { picture, levels }, PICTURE_SIDE);
        }
      }),
    );
    return pictures;
  } finally {
    await Promise.all(makers.map((maker) => maker.close()));
  }
}

function brightnessOf(picture: Float32Array, side: number, cell: number): number {
  const columns = side / CELL;
  const [row, column] = [Math.floor(cell / columns), cell % columns];
  let sum = 0;
  for (let y = row * CELL; y < (row + 1) * CELL; y++)
    for (let i = 3 * (y * side + column * CELL); i < 3 * (y * side + (column + 1) * CELL); i++)
      sum += picture[i] as number;
  return sum / (3 * CELL * CELL);
}

export interface HeadTrainingOptions {
  readonly steps: number;
  readonly batch?: number | undefined;
  readonly rate?: number | undefined;
  readonly seed?: number | undefined;
  /** Share of the pictures, from the end, that are kept for telling the error. */
  readonly heldBack?: number | undefined;
  readonly onCheck?:
    | ((step: number, loss: number, heldBackLoss: number, heldBackError: number) => void)
    | undefined;
}

const CHECK_EVERY = 250;
/** Of every weight, a step: the pictures are few. */
const DECAY = 2e-5;

function initialHead(layout: ParameterLayout, seed: number): Float32Array {
  const next = gaussianGenerator(seed);
  return toVector(
    layout,
    new Map(
      layout.entries.map(({ name, shape, size }) => {
        const scale = name.endsWith('.bias') ? 0 : Math.sqrt(2 / (shape[1] ?? 1));
        return [name, { shape, data: Float32Array.from({ length: size }, () => scale * next()) }] as const;
      }),
    ),
  );
}

/**
 * What picture-head.ts computes, for many pictures at once and differentiable.
 *
 * @param cells  [B, count, CELL_INPUTS]
 * @returns      [B, 2 * LEVELS + 1]
 */
export function headOf(parameters: ParameterSource<tf.Tensor>, cells: tf.Tensor3D): tf.Tensor2D {
  const layer = (x: tf.Tensor, name: string) => {
    const [weight, bias] = [parameters.matrix(`${name}.weight`), parameters.vector(`${name}.bias`)];
    return tf.add(tf.matMul(x as tf.Tensor2D, weight as tf.Tensor2D, false, true), bias);
  };
  const [batch, count] = cells.shape;
  const flat = tf.reshape(cells, [batch * count, CELL_INPUTS]);
  const features = tf.relu(layer(tf.relu(layer(flat, 'head.cell1')), 'head.cell2'));
  const logits = tf.reshape(layer(features, 'head.attention'), [batch, count, ATTENTIONS]);
  // Over the cells: softmax takes the last axis only.
  const weightings = tf.transpose(tf.softmax(tf.transpose(logits, [0, 2, 1])), [0, 2, 1]);
  const shared = tf.reshape(features, [batch, count, ATTENTIONS, -1]);
  const weighted = tf.sum(tf.mul(shared, tf.expandDims(weightings, 3)), 1);
  const mean = tf.mean(tf.reshape(features, [batch, count, -1]), 1);
  const [levels, raw] = tf.split(cells, [LEVELS, LEVELS, CELL_INPUTS - 2 * LEVELS], 2) as [
    tf.Tensor,
    tf.Tensor,
    tf.Tensor,
  ];
  const certainty = tf.reciprocal(tf.add(tf.exp(logVarianceOf(raw)), LEAST_DEVIATION ** 2));
  const ownLevels = tf.div(tf.sum(tf.mul(certainty, levels), 1), tf.sum(certainty, 1));
  const ownCertainty = tf.div(tf.log(tf.mean(certainty, 1)), CERTAINTY_SCALE);
  const told = tf.concat(
    [
      mean,
      tf.reshape(weighted, [batch, -1]),
      ownLevels,
      ownCertainty,
      tf.fill([batch, 1], countInput(count)),
    ],
    1,
  );
  return layer(tf.relu(layer(told, 'head.picture1')), 'head.picture2') as tf.Tensor2D;
}

/**
 * The loss of the evidence (its cross entropy) and of the levels, and the mean absolute error of these. Levels are learned
 * from noisy pictures alone: they say how strong the noise is if there is some, and the evidence says whether.
 */
function lossOf(out: tf.Tensor2D, levels: tf.Tensor2D): [tf.Tensor, tf.Tensor] {
  const [mean, raw, logit] = tf.split(out, [LEVELS, LEVELS, 1], -1) as [tf.Tensor, tf.Tensor, tf.Tensor];
  const isNoisy = tf.cast(tf.greater(tf.max(levels, 1, true), Math.log(NOISY_255)), 'float32');
  const [loss, error] = levelLoss(mean, raw, levels, isNoisy);
  return [tf.add(loss, tf.losses.sigmoidCrossEntropy(isNoisy, logit)), error];
}

/**
 * Trains the head on the current TensorFlow.js backend.
 *
 * @param pictures  of one number of cells
 */
export async function trainPictureHead(
  pictures: readonly DescribedPicture[],
  options: HeadTrainingOptions,
): Promise<Weights> {
  const { steps, batch = 32, rate = 1e-3, seed = 1, heldBack = 0.1, onCheck } = options;
  const layout = layoutOf(pictureHeadShapes());
  const learner = optimizer(freshTensors(initialHead(layout, seed)), tf.ones([layout.size]));
  const source = (tensors: readonly tf.Tensor[]) => parameterSource(layout, tensors);
  const draws = drawsFrom(seed);
  const known = pictures.slice(0, Math.ceil(pictures.length * (1 - heldBack)));
  const kept = pictures.slice(known.length);
  const all = (pictures[0]?.cells.length ?? 0) / CELL_INPUTS;

  function tensorsOf(chosen: readonly DescribedPicture[], count: number): [tf.Tensor3D, tf.Tensor2D] {
    const cells = new Float32Array(chosen.length * count * CELL_INPUTS);
    for (const [i, picture] of chosen.entries())
      for (let cell = 0; cell < count; cell++) {
        const from = count === all ? cell : Math.floor(draws.uniform(0, all));
        const described = picture.cells.subarray(from * CELL_INPUTS, (from + 1) * CELL_INPUTS);
        cells.set(described, (i * count + cell) * CELL_INPUTS);
      }
    const levels = Float32Array.from(chosen.flatMap((picture) => Array.from(picture.levels)));
    return [
      tf.tensor3d(cells, [chosen.length, count, CELL_INPUTS]),
      tf.tensor2d(levels, [chosen.length, LEVELS]),
    ];
  }

  async function check(): Promise<[number, number]> {
    const [loss, error] = tf.tidy(() => {
      const [cells, levels] = tensorsOf(kept, all);
      return lossOf(headOf(source(parameterTensors(layout, learner.tensors.average)), cells), levels);
    });
    const told = [(await loss.data())[0] ?? Number.NaN, (await error.data())[0] ?? Number.NaN] as const;
    tf.dispose([loss, error]);
    return [...told];
  }

  try {
    let sum = 0;
    for (let step = 1; step <= steps; step++) {
      const chosen = Array.from(
        { length: batch },
        () => known[Math.floor(draws.uniform(0, known.length))] as DescribedPicture,
      );
      // Small pictures have few cells.
      const count = draws.chance(0.5) ? all : Math.round(draws.logUniform(4, all));
      const [gradient, told] = tf.tidy(() => {
        const tensors = parameterTensors(layout, learner.tensors.parameters);
        const [cells, levels] = tensorsOf(chosen, count);
        const { value, grads } = tf
          .engine()
          .gradients(() => lossOf(headOf(source(tensors), cells), levels)[0], tensors);
        const flat = tf.concat(grads.map((part) => tf.reshape(part, [-1])));
        const decayed = tf.add(flat, tf.mul(learner.tensors.parameters, DECAY));
        return [decayed, tf.stack([value, tf.sqrt(tf.sum(tf.square(decayed)))])] as const;
      });
      const [loss = Number.NaN, norm = Number.NaN] = told.dataSync();
      told.dispose();
      learner.update(gradient, loss, norm, rate * 0.5 * (1 + Math.cos((Math.PI * step) / steps)));
      gradient.dispose();
      sum += loss;
      if (step % CHECK_EVERY === 0) {
        onCheck?.(step, sum / CHECK_EVERY, ...(await check()));
        sum = 0;
      }
    }
    return toWeights(layout, (await learner.tensors.average.data()) as Float32Array);
  } finally {
    learner.dispose();
  }
}
