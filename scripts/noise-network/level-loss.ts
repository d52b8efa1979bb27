// What both parts of the noise network learn by: the likelihood of levels under a Gaussian whose width they state
// (Nix and Weigend 1994).
import * as tf from '@tensorflow/tfjs-core';
import { UNCERTAINTY } from '#src/core/noise/estimate/noise-network.js';

/** ln of the square of `uncertaintyOf`. */
export function logVarianceOf(raw: tf.Tensor): tf.Tensor {
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
export function levelLoss(
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
