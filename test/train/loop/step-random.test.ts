// The random numbers of training's steps: distributed as they say, the same again, and unrelated from step to step.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { stepRandom } from '#src/train/loop/training-batch.js';
import { expectBelow } from '../../core/flow/differences.js';

const COUNT = 100_000;
/** In standard errors: a chance of one in 10^6 or so for each check, and the seeds are fixed. */
const DEVIATIONS = 5;

const mean = (values: ArrayLike<number>, of = (value: number) => value) =>
  Array.from(values).reduce((sum, value) => sum + of(value), 0) / values.length;

test('normal: mean, variance, skewness, kurtosis, tails', () => {
  const values = stepRandom(3, 17).normal(COUNT);
  const limit = (variance: number) => DEVIATIONS * Math.sqrt(variance / COUNT);
  expectBelow(Math.abs(mean(values)), limit(1), 'mean');
  expectBelow(Math.abs(mean(values, (x) => x ** 2) - 1), limit(2), 'variance');
  expectBelow(Math.abs(mean(values, (x) => x ** 3)), limit(15), 'third moment');
  expectBelow(Math.abs(mean(values, (x) => x ** 4) - 3), limit(96), 'fourth moment');
  const beyond = mean(values, (x) => (Math.abs(x) > 2 ? 1 : 0));
  expectBelow(Math.abs(beyond - 0.0455), limit(0.0455 * 0.9545), 'beyond two deviations');
});

test('uniform: in [0, 1], every tenth as often', () => {
  const values = stepRandom(3, 17).uniform(COUNT);
  const counts = new Array<number>(10).fill(0);
  for (const value of values) {
    assert.ok(value >= 0 && value <= 1);
    const tenth = Math.min(9, Math.floor(10 * value));
    counts[tenth] = (counts[tenth] ?? 0) + 1;
  }
  // Chi squared with 9 degrees of freedom: above 40 once in 10^5.
  const statistic = counts.reduce((sum, count) => sum + (count - COUNT / 10) ** 2 / (COUNT / 10), 0);
  expectBelow(statistic, 40, 'chi squared');
});

test('the same seed and step draw the same; another seed or step does not', () => {
  const all = (seed: number, step: number) => {
    const draws = stepRandom(seed, step);
    return [...draws.uniform(5), ...draws.normal(5), ...draws.sigmas(5, [0.01, 0.4])];
  };
  assert.equal(all(1, 5), all(1, 5));
  for (const [seed, step] of [
    [1, 6],
    [2, 5],
    [2 ** 32 - 1, 5],
    [1, -1000],
    [5, 1],
  ] as const) {
    const other = all(seed, step);
    const same = all(1, 5).filter((value, i) => value === other[i]);
    assert.equal(same, [], `seed ${seed}, step ${step}`);
  }
});

test('steps, seeds and kinds next to each other are unrelated', () => {
  const correlation = (a: Float32Array, b: Float32Array) => {
    const [ma, mb] = [mean(a), mean(b)];
    const moment = (x: Float32Array, mx: number, y: Float32Array, my: number) =>
      mean(Array.from(x, (value, i) => (value - mx) * ((y[i] as number) - my)));
    return moment(a, ma, b, mb) / Math.sqrt(moment(a, ma, a, ma) * moment(b, mb, b, mb));
  };
  const limit = DEVIATIONS / Math.sqrt(20_000);
  const normal = (seed: number, step: number) => stepRandom(seed, step).normal(20_000);
  const uniform = (seed: number, step: number) => stepRandom(seed, step).uniform(20_000);
  for (let step = 0; step < 5; step++) {
    expectBelow(Math.abs(correlation(normal(1, step), normal(1, step + 1))), limit, `step ${step}`);
    expectBelow(Math.abs(correlation(uniform(1, step), uniform(1, step + 1))), limit, `step ${step}`);
    expectBelow(Math.abs(correlation(normal(step, 9), normal(step + 1, 9))), limit, `seed ${step}`);
    expectBelow(Math.abs(correlation(normal(1, step), uniform(1, step))), limit, `kinds, step ${step}`);
  }
  // The first numbers of many steps, as a stream of their own.
  const first = Float32Array.from({ length: 4000 }, (_, step) => stepRandom(1, step).normal(1)[0] as number);
  expectBelow(
    Math.abs(correlation(first.subarray(0, 3999), first.subarray(1))),
    DEVIATIONS / Math.sqrt(4000),
    'first numbers',
  );
  expectBelow(Math.abs(mean(first)), DEVIATIONS / Math.sqrt(4000), 'mean of the first numbers');
});

test('noise levels: one in every equal part of the logarithmic range, in any order', () => {
  const [low, high, count] = [0.01, 0.4, 9];
  const place = (sigma: number) => Math.log(sigma / low) / Math.log(high / low);
  const [sums, steps] = [new Array<number>(count).fill(0), 2000];
  const all: number[] = [];
  for (let step = 0; step < steps; step++) {
    const places = [...stepRandom(7, step).sigmas(count, [low, high])].map(place);
    const parts = places.map((t) => Math.floor(count * t)).sort((a, b) => a - b);
    assert.equal(parts, [0, 1, 2, 3, 4, 5, 6, 7, 8]);
    for (const [i, t] of places.entries()) sums[i] = (sums[i] ?? 0) + t;
    all.push(...places);
  }
  // No picture of the batch has more than its share, and the levels are uniform within their parts.
  for (const [i, sum] of sums.entries())
    expectBelow(Math.abs(sum / steps - 0.5), DEVIATIONS * Math.sqrt(1 / 12 / steps), `picture ${i}`);
  const within = all.map((t) => (count * t) % 1);
  expectBelow(Math.abs(mean(within) - 0.5), DEVIATIONS * Math.sqrt(1 / 12 / all.length), 'within a part');
  expectBelow(Math.abs(mean(within, (t) => (t - 0.5) ** 2) - 1 / 12), 0.003, 'spread within a part');
});

test.run();
