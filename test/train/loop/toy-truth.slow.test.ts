// Flows trained on data of known density: what they learn is the truth, in density, in score and in samples. 2x2 pixels of
// one channel, batches drawn on the spot, no pictures.
import * as tf from '@tensorflow/tfjs-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Architecture } from '#src/core/flow/architecture.js';
import { densityAndScore, flowSampler } from '#src/core/flow/log-density.js';
import { tfjsOps } from '#src/core/ops/tfjs-ops.js';
import { initializeActnorm, randomWeights } from '#src/train/loop/initial-weights.js';
import { evaluateStep } from '#src/train/loop/objective.js';
import { freshTensors, optimizer } from '#src/train/loop/optimizer.js';
import {
  parameterLayout,
  parameterSource,
  parameterTensors,
  perParameter,
  toVector,
} from '#src/train/loop/parameter-vector.js';
import { stepRandom, type TrainingBatch } from '#src/train/loop/training-batch.js';
import type { Objective } from '#src/train/options.js';
import { expectBelow, relativeDifference } from '../../core/flow/differences.js';
import { energyTest, gaussianTruth, MOONS, type Truth } from './toy-densities.js';
import { openTensorflow, usePlainBackend } from './training-backends.js';

const NUMBERS = 4;
const BATCH = 512;

test.before(async () => {
  if (!(await openTensorflow('toy truths on TensorFlow; on plain JavaScript instead')))
    await usePlainBackend();
});

const flowOf = (steps: number, width: number, features: number): Architecture => ({
  channels: 1,
  levels: [{ steps, width, kernel: 1 }],
  scaleCap: 1,
  conditioning: features > 0 ? { kind: 'log-sigma', features } : null,
});

interface Trained {
  readonly architecture: Architecture;
  /** The averaged parameters. */
  readonly parameters: tf.Tensor;
}

const pictures = (values: Float32Array) => tf.tensor4d(values, [values.length / NUMBERS, 2, 2, 1]);

/** The start, and the flow after so many steps: evaluateStep and the optimizer, as training has them. */
function train(
  architecture: Architecture,
  objective: Objective,
  truth: Truth,
  { steps, rate, range = [1, 1] }: { steps: number; rate: number; range?: readonly [number, number] },
): { readonly start: Trained; readonly trained: Trained } {
  const layout = parameterLayout(architecture);
  const batchFor = (step: number): TrainingBatch => {
    const draws = stepRandom(1, step);
    const clean = pictures(truth.sample(BATCH, 1000 + step));
    if (!architecture.conditioning) return { clean, noise: undefined, sigma: tf.ones([BATCH, 1]) };
    const sigma = tf.tensor2d(draws.sigmas(BATCH, range), [BATCH, 1]);
    return { clean, noise: pictures(draws.normal(BATCH * NUMBERS)), sigma };
  };
  const random = randomWeights(architecture, 3);
  let weights = random as ReturnType<typeof initializeActnorm>;
  tf.tidy(() => {
    const { clean, noise, sigma } = batchFor(0);
    const y = noise ? tf.add(clean, tf.mul(noise, tf.reshape(sigma, [-1, 1, 1, 1]))) : clean;
    weights = initializeActnorm(architecture, random, y, sigma);
  });
  const vector = toVector(layout, weights);
  const relative = perParameter(layout, (name) => (name.endsWith('conv1x1.weight') ? 0.5 : 1));
  const learner = optimizer(freshTensors(vector), tf.tensor1d(relative));
  for (let step = 0; step < steps; step++) {
    const { gradient, loss, gradientNorm } = evaluateStep(
      { architecture, objective },
      layout,
      learner.tensors.parameters,
      () => batchFor(step),
    );
    learner.update(gradient, loss, gradientNorm, rate * 0.5 * (1 + Math.cos((Math.PI * step) / steps)));
    gradient.dispose();
  }
  assert.is(learner.counts.updates, steps, 'no step is skipped');
  const parameters = tf.clone(learner.tensors.average);
  learner.dispose();
  return {
    start: { architecture, parameters: tf.tensor1d(vector) },
    trained: { architecture, parameters },
  };
}

function dispose(...flows: readonly Trained[]): void {
  for (const { parameters } of flows) parameters.dispose();
}

/** Log density and score of points at a noise level, by the flow. */
function evaluate({ architecture, parameters }: Trained, y: Float32Array, sigma = 1) {
  return tf.tidy(() => {
    const layout = parameterLayout(architecture);
    const source = parameterSource(layout, parameterTensors(layout, parameters));
    const count = y.length / NUMBERS;
    const density = densityAndScore(tfjsOps, architecture, source);
    const { logDensity, score } = density(pictures(y), tf.fill([count, 1], sigma));
    return {
      logDensity: logDensity.dataSync() as Float32Array,
      score: score.dataSync() as Float32Array,
    };
  });
}

function samplesOf({ architecture, parameters }: Trained, count: number): Float32Array {
  return tf.tidy(() => {
    const layout = parameterLayout(architecture);
    const source = parameterSource(layout, parameterTensors(layout, parameters));
    const latent = tf.tensor4d(stepRandom(77, 0).normal(count * NUMBERS), [count, 1, 1, NUMBERS]);
    return flowSampler(
      tfjsOps,
      architecture,
      source,
    )([latent], tf.ones([count, 1])).dataSync() as Float32Array;
  });
}

const mean = (values: ArrayLike<number>) =>
  Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;

const gaussian = gaussianTruth();

test('likelihood on a known Gaussian: the entropy to 0.02 nats per dimension, the score to 5%', () => {
  const { start, trained } = train(flowOf(1, 4, 0), 'likelihood', gaussian, { steps: 600, rate: 1e-2 });
  const y = gaussian.sample(20_000, 1);
  const nats = (flow: Trained) => -mean(evaluate(flow, y).logDensity) / NUMBERS;
  const entropy = gaussian.entropy() / NUMBERS;
  expectBelow(Math.abs(nats(trained) - entropy), 0.02, 'nats per dimension above the entropy');
  expectBelow(relativeDifference(evaluate(trained, y).score, gaussian.score(y)), 0.05, 'score');
  assert.ok(nats(start) - entropy > 0.1, `an untrained flow is not there: ${nats(start)} for ${entropy}`);
  dispose(start, trained);
});

test('denoising on a known Gaussian: the score of every noise level to 5%', () => {
  const range = [0.04, 0.4] as const;
  const { start, trained } = train(flowOf(2, 8, 16), 'denoising', gaussian, {
    steps: 1300,
    rate: 1e-2,
    range,
  });
  for (const sigma of [0.06, 0.12, 0.2, 0.4]) {
    const noise = stepRandom(5, Math.round(1000 * sigma)).normal(5000 * NUMBERS);
    const y = gaussian.sample(5000, 2).map((value, i) => value + sigma * (noise[i] as number));
    const error = (flow: Trained) =>
      relativeDifference(evaluate(flow, y, sigma).score, gaussian.score(y, sigma));
    expectBelow(error(trained), 0.05, `score at sigma ${sigma}`);
    assert.ok(error(start) > 0.2, `an untrained flow is not there: ${error(start)} at sigma ${sigma}`);
  }
  dispose(start, trained);
});

test('two moons in 2x2 pixels: density and samples are the truth, which neither start nor a Gaussian pass', () => {
  const { start, trained } = train(flowOf(5, 24, 0), 'likelihood', MOONS, { steps: 900, rate: 1e-2 });
  const fresh = MOONS.sample(4000, 1);
  const truthOf = MOONS.logDensity(fresh);
  const below = (logDensity: ArrayLike<number>) =>
    mean(truthOf.map((truth, i) => truth - (logDensity[i] as number)));
  const gap = (flow: Trained) => below(evaluate(flow, fresh).logDensity);
  const alike = MOONS.gaussianAlike();
  const gaussianGap = below(alike.logDensity(fresh));
  // Kullback-Leibler divergence, nats for all four numbers.
  expectBelow(gap(trained), 0.16, 'log density below the truth');
  assert.ok(
    gaussianGap > 0.3 && gap(start) > 0.3,
    `${gaussianGap} of a Gaussian, ${gap(start)} at the start`,
  );

  const truth = MOONS.sample(1000, 2);
  const p = (other: Float32Array) => energyTest(truth, other, NUMBERS, 9);
  assert.ok(p(MOONS.sample(1000, 3)) > 0.05, 'the truth passes');
  assert.ok(p(samplesOf(trained, 1000)) > 0.05, 'the flow passes');
  assert.ok(p(alike.sample(1000, 4)) < 0.02, 'a Gaussian of the same mean and covariance does not');
  assert.ok(p(samplesOf(start, 1000)) < 0.02, 'nor does the flow that training began with');
  dispose(start, trained);
});

test.run();
