// The training loss and its gradient, by the flow's forward and pullback on TensorFlow.js.
import * as tf from '@tensorflow/tfjs-core';
import { flowDensity } from '../../core/flow/log-density.js';
import { tfjsOps } from '../../core/ops/tfjs-ops.js';
import type { TrainingSettings } from '../options.js';
import type { StepRecord } from '../progress.js';
import { type ParameterLayout, parameterSource, parameterTensors } from './parameter-vector.js';
import { noisy, type TrainingBatch } from './training-batch.js';

/** Weight of the negative log density per dimension, added to the denoising term. */
const LIKELIHOOD_WEIGHT = { denoising: 0.002, both: 1 } as const;
/** Keeps the logarithm of the denoising error finite, and pictures without structure from dominating. */
const LEAST_ERROR = 1e-3;

type Trained = Pick<TrainingSettings, 'architecture' | 'objective'>;

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

type Figures = Pick<StepRecord, 'loss' | 'bitsPerDimension' | 'denoisingError' | 'gradientNorm'>;

/** Figures of a batch, and the gradient with respect to the flat parameter vector, [size]; the caller disposes of it. */
export function evaluateStep(
  trained: Trained,
  layout: ParameterLayout,
  parameters: tf.Tensor,
  makeBatch: () => TrainingBatch,
): Figures & { readonly gradient: tf.Tensor } {
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
  const [loss = Number.NaN, gradientNorm = Number.NaN, bitsPerDimension = Number.NaN, error] =
    told.dataSync();
  told.dispose();
  const denoisingError = trained.objective === 'likelihood' ? undefined : error;
  return { gradient, loss, bitsPerDimension, denoisingError, gradientNorm };
}
