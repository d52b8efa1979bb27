// Adam against TensorFlow.js's, its cosine decay against the formula, and its arithmetic on every carrier.
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { loadOnnxRuntime } from '#src/core/engine/onnx/onnx-runtime.js';
import { type AdamOptions, adamStep, climbCourse } from '#src/core/inference/climb.js';
import { createOnnxGraph } from '#src/core/ops/onnx-graph.js';
import { onnxOps } from '#src/core/ops/onnx-ops.js';
import { type ElementwiseOps, numberOps } from '#src/core/ops/tensor-ops.js';
import { tfjsOps } from '#src/core/ops/tfjs-ops.js';
import { expectBelow, relativeDifference, rmsDifference } from '../flow/differences.js';
import { randomNumbers } from '../flow/random-weights.js';

const COUNT = 40;

/** Adam number by number: moves `x` against the gradient, in place, and returns the root mean square of the move. */
function adam(length: number, options: AdamOptions) {
  const course = climbCourse(options, 0);
  const moments = Array.from({ length }, () => ({ first: 0, second: 0 }));
  return (x: Float32Array, gradient: Float32Array): number => {
    let squares = 0;
    for (const [i, before] of moments.entries()) {
      const g = gradient[i] as number;
      const { move, ...next } = adamStep(numberOps, before, g, course.factors(), options.betas);
      moments[i] = next;
      x[i] = (x[i] as number) - move;
      squares += move * move;
    }
    const rms = Math.sqrt(squares / length);
    course.moved(rms);
    return rms;
  };
}

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
    const options = { steps: 1e15, rate, epsilon, betas: [b1, b2] } as const;
    const ours = adam(COUNT, options);
    for (let step = 0; step < 25; step++) {
      const gradient = Float32Array.from(randomNumbers(COUNT, 1 / (1 + step), 10 + step));
      const before = Float32Array.from(x);
      const rms = ours(x, gradient);
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
  const options = { steps, rate, epsilon, betas: [0.9, 0.99] } as const;
  const optimizer = adam(3, options);
  const x = new Float32Array(3);
  for (let t = 0; t < steps; t++) {
    const move = optimizer(x, Float32Array.of(2, -2, 2));
    const expected = rate * ((1 + Math.cos((Math.PI * t) / steps)) / 2) * (2 / 2.5);
    expectBelow(Math.abs(move - expected), 1e-6, `step ${t}`);
  }
  assert.ok(x[0] !== undefined && x[0] < 0 && x[1] === -x[0], 'it moves against the gradient');
});

/** The move of one step, whatever T is. */
function moveOf<T>(
  ops: ElementwiseOps<T>,
  [first, second, gradient]: readonly [T, T, T],
  factors: { readonly rate: T; readonly correction: T; readonly epsilon: T },
): T {
  return adamStep(ops, { first, second }, gradient, factors, [0.9, 0.99]).move;
}

test('the same step as tensors, as a recorded graph and number by number; every tile has its own factors', async () => {
  const shape = [2, 1, 4, 5];
  const [m, g] = [1, 2].map((seed) => Float32Array.from(randomNumbers(40, 1, seed))) as [
    Float32Array,
    Float32Array,
  ];
  const v = m.map((value) => value * value + 0.1);
  const [rates, corrections, epsilons] = [
    Float32Array.of(0.1, 0.3),
    Float32Array.of(2, 5),
    Float32Array.of(0.01, 0.1),
  ];
  const expected = Float32Array.from(m, (first, i) => {
    const tile = i < 20 ? 0 : 1;
    const [rate, correction, epsilon] = [rates, corrections, epsilons].map((each) => each[tile]) as [
      number,
      number,
      number,
    ];
    return moveOf(numberOps, [first, v[i] as number, g[i] as number], { rate, correction, epsilon });
  });

  await tf.setBackend('cpu');
  // One channel: planar and interleaved are the same.
  const onTensors = tf.tidy(() => {
    const pictures = [m, v, g].map((data) => tf.tensor4d(data, [2, 4, 5, 1])) as [
      tf.Tensor,
      tf.Tensor,
      tf.Tensor,
    ];
    const [rate, correction, epsilon] = [rates, corrections, epsilons].map((data) =>
      tf.tensor2d(data, [2, 1]),
    ) as [tf.Tensor, tf.Tensor, tf.Tensor];
    return moveOf<tf.Tensor>(tfjsOps, pictures, { rate, correction, epsilon }).dataSync();
  });
  expectBelow(relativeDifference(onTensors, expected), 1e-6, 'tensors');

  const ort = await loadOnnxRuntime();
  const graph = createOnnxGraph('adam');
  const inputs = { m, v, g };
  const vectors = { rates, corrections, epsilons };
  const picture = (name: keyof typeof inputs) => graph.input(name, shape);
  const vector = (name: keyof typeof vectors) => graph.input(name, [2, 1]);
  const factors = {
    rate: vector('rates'),
    correction: vector('corrections'),
    epsilon: vector('epsilons'),
  };
  graph.output('move', moveOf(onnxOps(graph), [picture('m'), picture('v'), picture('g')], factors));
  const session = await ort.InferenceSession.create(graph.serialize(), { intraOpNumThreads: 1 });
  const feed = (data: Float32Array, dims: number[]) => new ort.Tensor('float32', data, dims);
  const { move } = await session.run({
    m: feed(m, shape),
    v: feed(v, shape),
    g: feed(g, shape),
    rates: feed(rates, [2, 1]),
    corrections: feed(corrections, [2, 1]),
    epsilons: feed(epsilons, [2, 1]),
  });
  expectBelow(relativeDifference(move?.data as Float32Array, expected), 1e-6, 'recorded');
  await session.release();
});

test('where there is no gradient there is no move', () => {
  const x = Float32Array.of(1, 2);
  const options = { steps: 10, rate: 1, epsilon: 1e-3, betas: [0.9, 0.99] } as const;
  assert.is(adam(2, options)(x, new Float32Array(2)), 0);
  assert.equal(x, Float32Array.of(1, 2));
});

test.run();
