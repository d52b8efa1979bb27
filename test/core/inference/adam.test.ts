// Adam against TensorFlow.js's, and its cosine decay against the formula.
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { adam } from '#src/core/inference/adam.js';
import { expectBelow, relativeDifference, rmsDifference } from '../flow/differences.js';
import { randomNumbers } from '../flow/random-weights.js';

const COUNT = 40;

test('without decay it makes the steps of tf.train.adam', async () => {
  await tf.setBackend('cpu');
  for (const [rate, b1, b2, epsilon] of [
    [0.01, 0.9, 0.99, 1e-4],
    [0.3, 0.5, 0.999, 1e-2],
  ] as const) {
    const start = Float32Array.from(randomNumbers(COUNT, 1, 1));
    const x = Float32Array.from(start);
    const variable = tf.variable(tf.tensor1d(start), true, 'adam-test');
    const reference = tf.train.adam(rate, b1, b2, epsilon);
    const ours = adam(COUNT, { steps: 1e15, rate, epsilon, betas: [b1, b2] });
    for (let step = 0; step < 25; step++) {
      const gradient = Float32Array.from(randomNumbers(COUNT, 1 / (1 + step), 10 + step));
      const before = Float32Array.from(x);
      const rms = ours.step(x, gradient);
      expectBelow(Math.abs(rms - rmsDifference(x, before)), 1e-6 * rate, 'reported RMS of the move');
      tf.tidy(() => reference.applyGradients([{ name: 'adam-test', tensor: tf.tensor1d(gradient) }]));
      const moved = x.map((value, i) => value - (start[i] as number));
      const expected = variable.dataSync().map((value, i) => value - (start[i] as number));
      expectBelow(relativeDifference(moved, expected), 2e-5, `step ${step}`);
    }
    variable.dispose();
    reference.dispose();
  }
});

test('the rate falls along a half cosine', () => {
  // Under a constant gradient g, both corrected moments are exactly those of g: each move is rate |g| / (|g| + eps).
  const [steps, rate, epsilon] = [12, 0.25, 0.5];
  const optimizer = adam(3, { steps, rate, epsilon, betas: [0.9, 0.99] });
  const x = new Float32Array(3);
  for (let t = 0; t < steps; t++) {
    const move = optimizer.step(x, Float32Array.of(2, -2, 2));
    const expected = rate * ((1 + Math.cos((Math.PI * t) / steps)) / 2) * (2 / 2.5);
    expectBelow(Math.abs(move - expected), 1e-6, `step ${t}`);
  }
  assert.ok(x[0] !== undefined && x[0] < 0 && x[1] === -x[0], 'it moves against the gradient');
});

test('where there is no gradient there is no move', () => {
  const x = Float32Array.of(1, 2);
  const optimizer = adam(2, { steps: 10, rate: 1, epsilon: 1e-3, betas: [0.9, 0.99] });
  assert.is(optimizer.step(x, new Float32Array(2)), 0);
  assert.equal(x, Float32Array.of(1, 2));
});

test.run();
