// Adam against its formulas in float64, and what keeps a training alive: clipping, skipping, snapshots.
import * as tf from '@tensorflow/tfjs-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { freshTensors, type Optimizer, type OptimizerTensors, optimizer } from '#src/train/loop/optimizer.js';
import { expectBelow, relativeDifference } from '../../core/flow/differences.js';
import { randomNumbers } from '../../core/flow/random-weights.js';
import { usePlainBackend, withoutLeak } from './training-backends.js';

const START = [0.4, -1.2, 3, 0.05];
const RELATIVE = [1, 0.5, 1, 0.5];
const RATE = 0.01;
const WARM_UP = 500;

test.before(usePlainBackend);

const open = () => optimizer(freshTensors(Float32Array.from(START)), tf.tensor1d(RELATIVE));
const numbers = (tensor: tf.Tensor) => [...tensor.dataSync()];
const norm = (values: ArrayLike<number>) => Math.hypot(...Array.from(values));

function feed(learner: Optimizer, gradient: readonly number[], loss = 1, told = norm(gradient)) {
  const tensor = tf.tensor1d([...gradient]);
  const update = learner.update(tensor, loss, told, RATE);
  tensor.dispose();
  return update;
}

/** Runs with an optimizer of which nothing may be left. */
const using = (work: (learner: Optimizer) => void) =>
  withoutLeak(() => {
    const learner = open();
    try {
      work(learner);
    } finally {
      learner.dispose();
    }
  });

/** A gradient of length 1 that is another one for each number. */
function unit(seed: number): number[] {
  const values = randomNumbers(START.length, 1, seed);
  return [...values].map((value) => value / norm(values));
}

const snapshotOf = ({ parameters, firstMoment, secondMoment, average }: OptimizerTensors) =>
  [parameters, firstMoment, secondMoment, average].map(numbers);

/** Kingma and Ba 2015, with the clipping, the warm-up and the average that docs/training.md describes. */
function reference(gradients: readonly (readonly number[])[]) {
  const [parameters, average] = [[...START], [...START]];
  const [m, v] = [START.map(() => 0), START.map(() => 0)];
  let normMean: number | undefined;
  for (const [i, gradient] of gradients.entries()) {
    const t = i + 1;
    const length = norm(gradient);
    const clipped = normMean === undefined ? length : Math.min(length, 3 * normMean);
    for (const [k, whole] of gradient.entries()) {
      const g = (whole * clipped) / length;
      m[k] = 0.9 * (m[k] ?? 0) + 0.1 * g;
      v[k] = 0.995 * (v[k] ?? 0) + 0.005 * g * g;
      const rate = RATE * Math.min(1, t / WARM_UP) * (RELATIVE[k] ?? 0);
      const [unbiasedM, unbiasedV] = [(m[k] ?? 0) / (1 - 0.9 ** t), (v[k] ?? 0) / (1 - 0.995 ** t)];
      parameters[k] = (parameters[k] ?? 0) - (rate * unbiasedM) / (Math.sqrt(unbiasedV) + 1e-8);
      const decay = Math.min(0.999, t / (t + 10));
      average[k] = decay * (average[k] ?? 0) + (1 - decay) * (parameters[k] ?? 0);
    }
    normMean = normMean === undefined ? length : 0.98 * normMean + 0.02 * clipped;
  }
  return { parameters, average, normMean };
}

test('600 steps: Adam with the warm-up, factors of the rate, clipping and the average', () =>
  using((learner) => {
    // Lengths between 0.3 and 10 times the usual: some are clipped, none is skipped.
    const gradients = Array.from({ length: 600 }, (_, i) =>
      unit(i).map((value) => value * (i % 50 === 49 ? 10 : 0.3 + (i % 7) / 5)),
    );
    const rates = gradients.map((gradient) => feed(learner, gradient).rate);
    const expected = reference(gradients);
    expectBelow(relativeDifference(numbers(learner.tensors.parameters), expected.parameters), 1e-5, 'Adam');
    expectBelow(relativeDifference(numbers(learner.tensors.average), expected.average), 1e-5, 'average');
    assert.ok(relativeDifference(START, expected.parameters) > 0.1, 'it went somewhere');
    expectBelow(Math.abs((learner.counts.normMean ?? 0) / (expected.normMean ?? 1) - 1), 1e-6, 'norm');
    assert.is(learner.counts.updates, 600);
    expectBelow(Math.abs((rates[0] ?? 0) - RATE / WARM_UP), 1e-12, 'first rate');
    expectBelow(Math.abs((rates[249] ?? 0) - RATE / 2), 1e-12, 'rate half way');
    assert.equal([rates[499], rates[599]], [RATE, RATE]);
  }));

test('a gradient between 3 and 50 times the usual counts as one of 3 times', () =>
  withoutLeak(() => {
    const [long, clipped] = [open(), open()];
    for (let i = 0; i < 60; i++) for (const learner of [long, clipped]) feed(learner, unit(i));
    assert.is(
      feed(
        long,
        unit(60).map((value) => 49 * value),
      ).skipped,
      undefined,
    );
    feed(
      clipped,
      unit(60).map((value) => 3 * value),
    );
    expectBelow(
      relativeDifference(snapshotOf(long.tensors).flat(), snapshotOf(clipped.tensors).flat()),
      1e-6,
      'what was learned',
    );
    expectBelow(Math.abs((long.counts.normMean ?? 0) - (0.98 + 0.02 * 3)), 1e-6, 'running mean of the norm');
    long.dispose();
    clipped.dispose();
  }));

test('steps out of the ordinary teach nothing: not finite, loss, gradient; the ordinary do', () =>
  using((learner) => {
    for (let i = 0; i < 30; i++) assert.is(feed(learner, unit(i), 1).skipped, undefined);
    const before = snapshotOf(learner.tensors);
    const { lossMean, normMean, updates } = learner.counts;
    const bad = [
      ['not finite', unit(1), Number.NaN],
      ['not finite', unit(1), Number.POSITIVE_INFINITY],
      ['not finite', [Number.NaN, 0, 0, 0], 1],
      ['loss', unit(1), 1 + 2.51],
      ['gradient', unit(1).map((value) => 51 * value), 1],
    ] as const;
    for (const [reason, gradient, loss] of bad) {
      const update = feed(learner, gradient, loss);
      assert.equal([update.skipped, update.restored, update.isLost], [reason, false, false]);
      assert.equal(snapshotOf(learner.tensors), before, reason);
      assert.equal([learner.counts.lossMean, learner.counts.normMean], [lossMean, normMean]);
      assert.is(learner.counts.skips, 1);
      // A good step between them: never three in a row, so nothing is restored.
      assert.is(feed(learner, [0, 0, 0, 0], 1, 1).skipped, undefined);
      assert.is(learner.counts.skips, 0);
      before.splice(0, 4, ...snapshotOf(learner.tensors));
      Object.assign(learner.counts, { lossMean, normMean });
    }
    assert.is(learner.counts.updates, updates + bad.length);
    assert.is(feed(learner, unit(2), 1 + 2.49).skipped, undefined, 'a loss of 2.49 more');
    assert.is(feed(learner, unit(2), -100).skipped, undefined, 'a lower loss is welcome');
  }));

test('zero gradients, from the first step on, do no harm', () =>
  using((learner) => {
    for (let i = 0; i < 3; i++) assert.is(feed(learner, [0, 0, 0, 0]).skipped, undefined);
    assert.equal(numbers(learner.tensors.parameters), [...Float32Array.from(START)]);
  }));

test('three bad steps in a row restore the state after 100 updates, and the rate rises anew', () =>
  using((learner) => {
    for (let i = 0; i < 100; i++) feed(learner, unit(i));
    const wanted = snapshotOf(learner.tensors);
    const counts = learner.counts;
    for (let i = 100; i < 150; i++) feed(learner, unit(i));
    assert.not.equal(snapshotOf(learner.tensors), wanted);
    const updates = [1, 2, 3].map(() => feed(learner, unit(1), Number.NaN));
    assert.equal(
      updates.map(({ restored }) => restored),
      [false, false, true],
    );
    assert.equal(snapshotOf(learner.tensors), wanted);
    assert.equal(learner.counts, { ...counts, warmed: 0, skips: 0, restorations: 1 });
    expectBelow(Math.abs(feed(learner, unit(0)).rate - RATE / WARM_UP), 1e-12, 'rate');
    // The same snapshot serves again.
    for (let i = 0; i < 3; i++) feed(learner, unit(1), Number.NaN);
    assert.equal(snapshotOf(learner.tensors), wanted);
    assert.is(learner.counts.restorations, 2);
  }));

test('before the first snapshot, the start is restored', () =>
  using((learner) => {
    const start = snapshotOf(learner.tensors);
    for (let i = 0; i < 20; i++) feed(learner, unit(i));
    for (let i = 0; i < 3; i++) feed(learner, unit(1), Number.NaN);
    assert.equal(snapshotOf(learner.tensors), start);
    assert.equal([learner.counts.updates, learner.counts.lossMean], [0, undefined]);
  }));

test('five restorations without 100 good updates between them: lost; with them, not', () =>
  using((learner) => {
    const fail = () => [1, 2, 3].map(() => feed(learner, unit(1), Number.NaN)).at(-1);
    const succeed = (count: number) => {
      for (let i = 0; i < count; i++) assert.is(feed(learner, unit(i)).skipped, undefined);
    };
    for (let round = 0; round < 4; round++) {
      assert.is(fail()?.isLost, false, `restoration ${round + 1}`);
      succeed(60);
    }
    succeed(40);
    assert.is(learner.counts.restorations, 0);
    const wanted = snapshotOf(learner.tensors);
    for (let round = 0; round < 4; round++) {
      assert.is(fail()?.isLost, false, `restoration ${round + 1} after the snapshot`);
      succeed(99);
    }
    assert.is(fail()?.isLost, true);
    assert.equal(snapshotOf(learner.tensors), wanted, 'the last good state');
  }));

test('an optimizer that goes on from tensors, counts and snapshot does what the first would have done', () =>
  withoutLeak(() => {
    const copy = ({ parameters, firstMoment, secondMoment, average }: OptimizerTensors) => ({
      parameters: tf.tensor1d(numbers(parameters)),
      firstMoment: tf.tensor1d(numbers(firstMoment)),
      secondMoment: tf.tensor1d(numbers(secondMoment)),
      average: tf.tensor1d(numbers(average)),
    });
    const first = open();
    for (let i = 0; i < 130; i++) feed(first, unit(i), Math.cos(i));
    const { snapshot } = first;
    const second = optimizer(copy(first.tensors), tf.tensor1d(RELATIVE), {
      counts: JSON.parse(JSON.stringify(first.counts)),
      snapshot: { tensors: copy(snapshot.tensors), counts: JSON.parse(JSON.stringify(snapshot.counts)) },
    });
    // Bad steps among them, so that both return to the snapshot of before.
    for (let i = 130; i < 160; i++) {
      const loss = i > 140 && i < 144 ? Number.NaN : Math.cos(i);
      assert.equal(feed(second, unit(i), loss), feed(first, unit(i), loss));
    }
    assert.is(first.counts.restorations, 1);
    assert.equal(snapshotOf(second.tensors), snapshotOf(first.tensors));
    assert.equal(second.counts, first.counts);
    first.dispose();
    second.dispose();
  }));

test('no tensor more after 300 steps than after 3, bad ones and restorations among them', () =>
  using((learner) => {
    for (let i = 0; i < 3; i++) feed(learner, unit(i));
    const { numTensors } = tf.memory();
    for (let i = 3; i < 300; i++) {
      feed(learner, unit(i), i % 40 < 3 ? Number.NaN : 1);
      assert.is(tf.memory().numTensors, numTensors, `step ${i}`);
    }
    assert.ok(learner.counts.restorations > 0);
  }));

test.run();
