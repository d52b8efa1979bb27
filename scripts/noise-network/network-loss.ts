// What the noise network learns by, differentiable: the likelihood of every cell's levels, that of the picture's, each under a
// Gaussian whose width the network states (Nix and Weigend 1994), and the cross entropy of the evidence.
import * as tf from '@tensorflow/tfjs-core';
import type { ParameterSource } from '#src/core/flow/parameters.js';
import {
  CELL,
  FEATURES,
  LEAST_DEVIATION,
  LEVELS,
  noiseNetwork,
  UNCERTAINTY,
} from '#src/core/noise/estimate/noise-network.js';
import {
  ATTENTIONS,
  CELL_INPUTS,
  CERTAINTY_SCALE,
  countInput,
  NOISY_255,
} from '#src/core/noise/estimate/picture-head.js';
import { tfjsOps } from '#src/core/ops/tfjs-ops.js';

/** ln of the square of `uncertaintyOf`. */
function logVarianceOf(raw: tf.Tensor): tf.Tensor {
  const { centre, reach } = UNCERTAINTY;
  return tf.add(tf.mul(tf.tanh(tf.div(raw, reach)), reach), centre);
}

/**
 * @param mean    predicted logarithms of levels
 * @param raw     what `uncertaintyOf` reads, of the same shape
 * @param levels  the truth
 * @param counts  1 for what counts, 0 for what does not, broadcast to the levels' shape; all of them where left out
 * @returns       the mean negative log likelihood (up to a constant) and the mean absolute error, scalars
 */
function levelLoss(
  mean: tf.Tensor,
  raw: tf.Tensor,
  levels: tf.Tensor,
  counts: tf.Tensor = tf.onesLike(levels),
): [tf.Tensor, tf.Tensor] {
  const spread = logVarianceOf(raw);
  const difference = tf.sub(levels, mean);
  const nll = tf.add(tf.mul(tf.square(difference), tf.exp(tf.neg(spread))), spread);
  const share = tf.mean(counts);
  const meanOf = (x: tf.Tensor) => tf.div(tf.mean(tf.mul(x, counts)), tf.maximum(share, 1e-6));
  return [tf.mul(meanOf(nll), 0.5), meanOf(tf.abs(difference))];
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
  const [levels, raw] = tf.split(cells, [LEVELS, LEVELS, CELL_INPUTS - 2 * LEVELS], 2) as tf.Tensor[] as [
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

/** Of the cross entropy in the loss: whether there is noise decides more than how strong it is. */
const EVIDENCE_WEIGHT = 2;

/** Scalars. */
export interface NetworkLoss {
  readonly loss: tf.Tensor;
  /** Mean absolute error of the logarithm of levels: the cells', and those of the noisy pictures. */
  readonly cellError: tf.Tensor;
  readonly pictureError: tf.Tensor;
  /** Mean cross entropy of the evidence, nats. */
  readonly surprise: tf.Tensor;
}

/**
 * Levels of pictures are learned from noisy ones alone: they say how strong the noise is if there is some, and the evidence
 * says whether.
 *
 * @param pictures  [B, H, W, 3] in [0, 1]
 * @param levels    [B, H / CELL, W / CELL, LEVELS], `logLevel` of the noise in every cell
 * @param seen      the cells that the picture head is shown, row by row; undefined for all
 */
export function networkLoss(
  parameters: ParameterSource<tf.Tensor>,
  pictures: tf.Tensor4D,
  levels: tf.Tensor4D,
  seen: readonly number[] | undefined,
): NetworkLoss {
  const out = noiseNetwork(tfjsOps, parameters, pictures as tf.Tensor) as tf.Tensor4D;
  const [batch, rows, columns] = out.shape;
  const [mean, raw] = tf.split(out, [LEVELS, LEVELS, FEATURES], 3) as tf.Tensor[] as [tf.Tensor, tf.Tensor];
  const [ofCells, cellError] = levelLoss(mean, raw, levels);

  const brightness = tf.mean(tf.avgPool(pictures, CELL, CELL, 'valid'), 3, true);
  const described = tf.reshape(tf.concat([out, brightness], 3), [batch, rows * columns, CELL_INPUTS]);
  const cells = seen ? tf.gather(described, [...seen], 1) : described;
  const [level, spread, logit] = tf.split(
    headOf(parameters, cells as tf.Tensor3D),
    [LEVELS, LEVELS, 1],
    1,
  ) as [tf.Tensor, tf.Tensor, tf.Tensor];
  // The level of the whole is that of the mean power.
  const truth = tf.mul(tf.log(tf.mean(tf.exp(tf.mul(levels, 2)), [1, 2])), 0.5);
  const isNoisy = tf.cast(tf.greater(tf.max(truth, 1, true), Math.log(NOISY_255)), 'float32');
  const [ofPictures, pictureError] = levelLoss(level, spread, truth, isNoisy);
  const surprise = tf.losses.sigmoidCrossEntropy(isNoisy, logit) as tf.Tensor;
  return {
    loss: tf.add(ofCells, tf.add(ofPictures, tf.mul(surprise, EVIDENCE_WEIGHT))),
    cellError,
    pictureError,
    surprise,
  };
}
