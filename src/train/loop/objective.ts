// The training loss and its gradient, by the flow's forward and pullback on TensorFlow.js.
import * as tf from '@tensorflow/tfjs-core';
import type { Architecture } from '../../core/flow/architecture.js';
import { flowDensity } from '../../core/flow/log-density.js';
import { tfjsOps } from '../../core/ops/tfjs-ops.js';
import { type ParameterLayout, parameterSource, parameterTensors } from './parameter-vector.js';
import { noisy, type TrainingBatch } from './training-batch.js';

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

interface Trained {
  readonly architecture: Architecture;
  readonly objective: Objective;
}

/** [loss, bits per dimension as of 8-bit numbers (-log2 p(y) + 8), mean of e or 0 for the likelihood], each []. */
function figuresOf(
  { architecture, objective }: Trained,
  layout: ParameterLayout,
  tensors: readonly tf.Tensor[],
  batch: TrainingBatch,
): readonly [loss: tf.Tensor, bitsPerDimension: tf.Tensor, error: tf.Tensor] {
  const { clean, noise, sigma } = batch;
  const flow = flowDensity(tfjsOps, architecture, parameterSource(layout, tensors));
  const { logDensity, score } = flow(noisy(batch), sigma);
  const nats = tf.mul(tf.mean(logDensity), -sigma.size / clean.size);
  const bitsPerDimension = tf.add(tf.mul(nats, 1 / Math.LN2), 8);
  if (objective === 'likelihood') return [nats, bitsPerDimension, tf.scalar(0)];
  if (!noise) throw new TypeError(`objective ${objective} needs noise`);
  const level = tf.reshape(sigma, [-1, 1, 1, 1]);
  const errors = tf.mean(tf.square(tf.add(tf.mul(level, score()), noise)), [1, 2, 3]);
  const loss = tf.add(
    tf.mean(tf.log(tf.add(errors, LEAST_ERROR))),
    tf.mul(nats, LIKELIHOOD_WEIGHT[objective]),
  );
  return [loss, bitsPerDimension, tf.mean(errors)];
}

interface Evaluated {
  /** [size]; the caller owns it. */
  readonly gradient: tf.Tensor;
  readonly loss: number;
  /** The gradient's. */
  readonly norm: number;
  readonly bitsPerDimension: number;
  /** Mean of e; undefined for the likelihood. */
  readonly denoisingError: number | undefined;
}

/** Loss and gradient for a batch, with respect to the flat parameter vector. */
export function evaluateStep(
  trained: Trained,
  layout: ParameterLayout,
  parameters: tf.Tensor,
  makeBatch: () => TrainingBatch,
): Evaluated {
  const [gradient, told] = tf.tidy(() => {
    const batch = makeBatch();
    const tensors = parameterTensors(layout, parameters);
    let beside: tf.Tensor[] = [];
    const { value, grads } = tf.engine().gradients(() => {
      const [loss, ...others] = figuresOf(trained, layout, tensors, batch);
      // Kept, since `gradients` disposes of everything but its result.
      beside = others.map((tensor) => tf.keep(tensor));
      return loss;
    }, tensors);
    const flat = tf.concat(grads.map((part) => tf.reshape(part, [-1])));
    const norm = tf.sqrt(tf.sum(tf.square(flat)));
    const numbers = tf.stack([value, norm, ...beside]);
    tf.dispose(beside);
    return [flat, numbers] as const;
  });
  const [loss = Number.NaN, norm = Number.NaN, bitsPerDimension = Number.NaN, error] = told.dataSync();
  told.dispose();
  const denoisingError = trained.objective === 'likelihood' ? undefined : error;
  return { gradient, loss, norm, bitsPerDimension, denoisingError };
}
