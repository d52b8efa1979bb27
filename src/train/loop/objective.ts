// The training loss as a differentiable function of the parameters: the flow's forward and pullback on TensorFlow.js.
import * as tf from '@tensorflow/tfjs-core';
import type { Architecture } from '../../core/flow/architecture.js';
import { flowDensity } from '../../core/flow/log-density.js';
import { tfjsOps } from '../../core/ops/tfjs-ops.js';
import { type ParameterLayout, parameterSource } from './parameter-vector.js';

/**
 * likelihood: the negative log density per dimension, nats (Glow's, and the paper's).
 * denoising: mean over pictures of ln(e + 1e-3), e = mean over a picture of (sigma score(x + sigma n; sigma) + n)^2, plus
 * 0.002 times the likelihood's. The logarithm makes every noise level count alike (Vincent 2011, A connection between score
 * matching and denoising autoencoders).
 * both: the same with 1 times the likelihood's.
 */
export type Objective = 'likelihood' | 'denoising' | 'both';

export const OBJECTIVES = ['likelihood', 'denoising', 'both'] as const satisfies readonly Objective[];

/** Weight of the negative log density per dimension, added to the denoising term. */
const LIKELIHOOD_WEIGHT = { denoising: 0.002, both: 1 } as const;
/** Keeps the logarithm of the denoising error finite, and pictures without structure from dominating. */
const LEAST_ERROR = 1e-3;

/** Pictures are [B, H, W, C]. */
export interface TrainingBatch {
  /** [0, 1]. */
  readonly clean: tf.Tensor;
  /** N(0, 1), like `clean`; undefined for a flow that is not conditioned on noise. */
  readonly noise: tf.Tensor | undefined;
  /** [B, 1], [0, 1] units. */
  readonly sigma: tf.Tensor;
}

export interface Loss {
  /** [] */
  readonly loss: tf.Tensor;
  /** Mean over pictures and dimensions, as of 8-bit numbers: -log2 p(y) + 8, []. */
  readonly bitsPerDimension: tf.Tensor;
  /** Mean of e, []; undefined for the likelihood. */
  readonly denoisingError: tf.Tensor | undefined;
}

/**
 * The loss of a batch under the flow with these parameters. Call it inside `tidy`.
 *
 * @param tensors  from `parameterTensors`
 */
export function lossOf(
  architecture: Architecture,
  layout: ParameterLayout,
  tensors: readonly tf.Tensor[],
  { clean, noise, sigma }: TrainingBatch,
  objective: Objective,
): Loss {
  const [batch = 1, height = 1, width = 1, channels = 1] = clean.shape;
  const numbers = height * width * channels;
  const level = tf.reshape(sigma, [batch, 1, 1, 1]);
  const y = noise ? tf.add(clean, tf.mul(level, noise)) : clean;
  const { logDensity, score } = flowDensity(
    tfjsOps,
    architecture,
    parameterSource(layout, tensors),
  )(y, sigma);
  const nats = tf.mul(tf.mean(logDensity), -1 / numbers);
  const bitsPerDimension = tf.add(tf.mul(nats, 1 / Math.LN2), 8);
  if (objective === 'likelihood') return { loss: nats, bitsPerDimension, denoisingError: undefined };
  if (!noise) throw new TypeError(`objective ${objective} needs noise`);
  const errors = tf.mean(tf.square(tf.add(tf.mul(level, score()), noise)), [1, 2, 3]);
  const loss = tf.add(
    tf.mean(tf.log(tf.add(errors, LEAST_ERROR))),
    tf.mul(nats, LIKELIHOOD_WEIGHT[objective]),
  );
  return { loss, bitsPerDimension, denoisingError: tf.mean(errors) };
}
