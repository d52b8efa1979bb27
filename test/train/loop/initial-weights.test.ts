// What training begins with: orthogonal matrices, last layers of zeros, and an actnorm that fits its first batch.
import * as tf from '@tensorflow/tfjs-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { affineCoupling } from '#src/core/flow/affine-coupling.js';
import { type Architecture, levelPlans } from '#src/core/flow/architecture.js';
import { actnorm, invertibleConv1x1 } from '#src/core/flow/bijections.js';
import { densityAndScore, flowInput } from '#src/core/flow/log-density.js';
import { couplingNet, noiseCondition } from '#src/core/flow/networks.js';
import { parametersFrom, type Weights } from '#src/core/flow/parameters.js';
import { initializeActnorm, randomWeights } from '#src/train/loop/initial-weights.js';
import { presets } from '#src/train/options.js';
import { expectBelow } from '../../core/flow/differences.js';
import { float64Ops as ops, type Tensor64, tensor64 } from '../../core/flow/float64-ops.js';
import * as test64 from '../../core/flow/random-weights.js';
import { usePlainBackend, withoutLeak } from './training-backends.js';

const [BATCH, SIDE] = [4, 8];
const levels = [
  { steps: 2, width: 3, kernel: 1 as const, splitWidth: 2 },
  { steps: 2, width: 3, kernel: 3 as const },
];
const conditioned: Architecture = {
  channels: 3,
  levels,
  scaleCap: 1,
  conditioning: { kind: 'log-sigma', features: 3 },
};
const paper: Architecture = {
  ...conditioned,
  activation: 'relu',
  couplingScale: 'sigmoid',
  conditioning: null,
};

test.before(usePlainBackend);

test('1x1 matrices are orthogonal, each another one; what ends a network is zero, the rest is not', () => {
  for (const architecture of [conditioned, presets.small.architecture]) {
    const weights = randomWeights(architecture, 5);
    const matrices = [...weights].filter(([name]) => name.endsWith('conv1x1.weight'));
    assert.is(
      matrices.length,
      architecture.levels.reduce((sum, { steps }) => sum + steps, 0),
    );
    for (const [name, { shape, data }] of matrices) {
      const [size = 0] = shape;
      for (let i = 0; i < size; i++)
        for (let j = 0; j < size; j++) {
          let product = 0;
          for (let k = 0; k < size; k++) product += (data[i * size + k] ?? 0) * (data[j * size + k] ?? 0);
          expectBelow(Math.abs(product - (i === j ? 1 : 0)), 1e-6, `${name}, rows ${i} and ${j}`);
        }
    }
    assert.is(new Set(matrices.map(([, { data }]) => data.join())).size, matrices.length);
    for (const [name, { shape, data }] of weights) {
      const isZero = data.every((value) => value === 0);
      const ends = /conv3|bias$|logScale$|^top/.test(name);
      assert.is(isZero, ends, name);
      if (!ends && !name.includes('conv1x1') && data.length > 500) {
        const [outputs = 1] = shape;
        const power = data.reduce((sum, value) => sum + value * value, 0) / outputs;
        assert.ok(power > 0.7 && power < 1.3, `${name}: ${power} for every output`);
      }
    }
  }
});

test('the same seed begins alike, another one does not', () => {
  const text = (seed: number) => JSON.stringify([...randomWeights(conditioned, seed)]);
  assert.is(text(5), text(5));
  assert.is.not(text(5), text(6));
});

/** [B, C, H, W] as [B, H, W, C]. */
function pixelFirst(data: Float64Array): Float32Array {
  const plane = SIDE * SIDE;
  return Float32Array.from(data, (_, i) => {
    const [b, pixel, c] = [Math.floor(i / (3 * plane)), Math.floor(i / 3) % plane, i % 3];
    return data[(3 * b + c) * plane + pixel] ?? Number.NaN;
  });
}

/** Mean and variance of every channel over batch and pixels. */
function moments({ shape, data }: Tensor64): { mean: number; variance: number }[] {
  const [batch = 0, channels = 0, height = 0, width = 0] = shape;
  return Array.from({ length: channels }, (_, c) => {
    const plane = height * width;
    const values = Array.from({ length: batch }, (_, b) =>
      data.subarray((b * channels + c) * plane, (b * channels + c + 1) * plane),
    ).flatMap((part) => [...part]);
    const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
    const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
    return { mean, variance };
  });
}

/** What leaves every actnorm of the flow, in float64. */
function* actnormOutputs(architecture: Architecture, weights: Weights, y: Tensor64, sigma: Tensor64) {
  const source = parametersFrom(ops, weights);
  const condition = architecture.conditioning ? noiseCondition(ops, source)(sigma) : undefined;
  let x = flowInput(ops, y);
  for (const [i, { level, splits }] of levelPlans(architecture).entries()) {
    x = ops.squeeze(x);
    for (let k = 0; k < level.steps; k++) {
      const step = `levels.${i}.steps.${k}`;
      const vector = (name: string) => source.vector(`${step}.actnorm.${name}`);
      x = actnorm(ops, { bias: vector('bias'), logScale: vector('logScale') }).forward(x).z;
      yield { step, x };
      x = invertibleConv1x1(ops, source.kernel(`${step}.conv1x1.weight`)).forward(x).z;
      const net = couplingNet(ops, source, `${step}.coupling`, architecture);
      x = affineCoupling(ops, net, architecture).forward(x, condition).z;
    }
    if (splits) [x] = ops.halves(x);
  }
}

for (const [name, architecture] of Object.entries({ conditioned, paper }))
  test(`${name}: every actnorm's output over the first batch has mean 0 and deviation 1`, async () => {
    // Couplings that do something: with the zeros of the start they would be left out of the test.
    const weights = test64.randomWeights(architecture, 60);
    const shape = [BATCH, 3, SIDE, SIDE];
    const y = test64.randomNumbers(BATCH * 3 * SIDE * SIDE, 0.1, 8).map((n, i) => 0.2 + 0.002 * (i % 70) + n);
    const sigma = [0.02, 0.05, 0.1, 0.3];
    const fitted = await withoutLeak(() => {
      const tensors = [
        tf.tensor4d(pixelFirst(y), [BATCH, SIDE, SIDE, 3]),
        tf.tensor2d(sigma, [BATCH, 1]),
      ] as const;
      const made = initializeActnorm(architecture, weights, ...tensors);
      tf.dispose([...tensors]);
      return made;
    });
    const [y64, sigma64] = [tensor64(y, shape), tensor64(sigma, [BATCH, 1])];
    let steps = 0;
    for (const { step, x } of actnormOutputs(architecture, fitted, y64, sigma64)) {
      steps++;
      for (const { mean, variance } of moments(x)) {
        expectBelow(Math.abs(mean), 1e-4, `${step}: mean`);
        expectBelow(Math.abs(variance - 1), 1e-4, `${step}: variance`);
      }
    }
    assert.is(steps, 4);
    for (const [key, { data }] of fitted)
      if (!key.includes('actnorm')) assert.equal(data, weights.get(key)?.data, key);
  });

test('a channel that does not vary is not scaled without bound, and a fresh flow is finite', () => {
  const y = new Float32Array(BATCH * SIDE * SIDE * 3).fill(0.5);
  const fitted = tf.tidy(
    () =>
      initializeActnorm(
        conditioned,
        randomWeights(conditioned, 5),
        tf.tensor4d(y, [BATCH, SIDE, SIDE, 3]),
        tf.fill([BATCH, 1], 0.1),
      ) as never,
  ) as Weights;
  const { logDensity, score } = densityAndScore(
    ops,
    conditioned,
    parametersFrom(ops, fitted),
  )(tensor64(y, [BATCH, 3, SIDE, SIDE]), tensor64(new Array(BATCH).fill(0.1), [BATCH, 1]));
  assert.ok(logDensity.data.every(Number.isFinite));
  assert.ok(score.data.every(Number.isFinite));
});

test.run();
