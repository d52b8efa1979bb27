// What every NoiseModel owes inference. A model of your own: add it to the list.
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FlowDenoiseError } from '#src/core/errors.js';
import {
  gaussianNoise,
  laplacianNoise,
  type NoiseModel,
  poissonGaussianLikelihood,
} from '#src/core/noise/index.js';

interface Subject {
  readonly model: NoiseModel;
  /** Whether the likelihood is greatest where the estimate is the noisy tile itself. */
  readonly isPeakedAtNoisy: boolean;
}

const SIZE = 12;
const SUBJECTS: readonly Subject[] = [
  { model: gaussianNoise(0.1), isPeakedAtNoisy: true },
  { model: gaussianNoise(Float32Array.from({ length: 4 }, (_, i) => (i + 1) / 20)), isPeakedAtNoisy: true },
  { model: laplacianNoise(0.1), isPeakedAtNoisy: true },
  { model: poissonGaussianLikelihood({ gain: 1 / 30, sigma: 0.05, offset: 0.02 }), isPeakedAtNoisy: false },
  { model: poissonGaussianLikelihood({ gain: 1 / 10, sigma: 0 }), isPeakedAtNoisy: false },
];

const isBadOption = (error: unknown) => error instanceof FlowDenoiseError && error.code === 'BAD_OPTION';
const isNear = (value: number, wanted: number, tolerance: number, what = '') =>
  assert.ok(Math.abs(value - wanted) <= tolerance, `${what} ${value}, not ${wanted}`);
/** Multiples of 1/1024, so that a step to either side is exact in Float32. */
const samples = (least: number) =>
  fc
    .array(fc.integer({ min: least, max: 1024 }), { minLength: SIZE, maxLength: SIZE })
    .map((values) => Float32Array.from(values, (value) => value / 1024));

for (const [index, { model, isPeakedAtNoisy }] of SUBJECTS.entries()) {
  const called = `${model.name} (${index})`;

  test(`${called}: the gradient is that of the log-likelihood`, () => {
    const step = 2 ** -12;
    fc.assert(
      fc.property(samples(100), samples(0), fc.nat(SIZE - 1), (estimate, noisy, i) => {
        const at = (by: number) =>
          model.logLikelihood(
            estimate.map((value, k) => (k === i ? value + by : value)),
            noisy,
          );
        // Richardson's extrapolation of central differences.
        const difference = (h: number) => (at(h) - at(-h)) / (2 * h);
        const wanted = (4 * difference(step) - difference(2 * step)) / 3;
        const gradient = model.gradient(estimate, noisy, new Float32Array(SIZE));
        isNear(gradient[i] ?? Number.NaN, wanted, 1e-3 * Math.max(1, Math.abs(wanted)), `at ${i}:`);
      }),
    );
  });

  test(`${called}: the gradient is written where it is wanted, over an argument too`, () => {
    const estimate = Float32Array.from({ length: SIZE }, (_, i) => 0.2 + i / 20);
    const noisy = estimate.map((value, i) => value + ((i % 3) - 1) / 10);
    const out = new Float32Array(SIZE);
    assert.is(model.gradient(estimate, noisy, out), out);
    for (const over of [0, 1]) {
      const pair = [estimate.slice(), noisy.slice()] as const;
      const target = pair[over] as Float32Array;
      model.gradient(...pair, target);
      assert.equal(target, out);
    }
  });

  test(`${called}: an estimate far from the noisy tile is less likely, and the gradient leads back`, () => {
    const noisy = new Float32Array(SIZE).fill(0.5);
    for (const side of [-0.4, 0.4]) {
      const far = noisy.map((value) => value + side);
      assert.ok(model.logLikelihood(far, noisy) < model.logLikelihood(noisy, noisy));
      for (const value of model.gradient(far, noisy, new Float32Array(SIZE))) assert.ok(value * side < 0);
    }
  });

  if (isPeakedAtNoisy)
    test(`${called}: greatest where the estimate is the noisy tile`, () => {
      fc.assert(
        fc.property(samples(0), samples(0), (estimate, noisy) => {
          assert.ok(model.logLikelihood(estimate, noisy) <= model.logLikelihood(noisy, noisy));
        }),
      );
      const noisy = Float32Array.from({ length: SIZE }, (_, i) => i / SIZE);
      for (const value of model.gradient(noisy, noisy, new Float32Array(SIZE))) isNear(value, 0, 0);
    });

  test(`${called}: tiles of different sizes are refused`, () => {
    const tile = new Float32Array(SIZE);
    assert.throws(() => model.logLikelihood(tile, tile.subarray(1)), isBadOption);
    assert.throws(() => model.gradient(tile, tile.subarray(1), tile.slice()), isBadOption);
    assert.throws(() => model.gradient(tile, tile, tile.slice(1)), isBadOption);
  });
}

test('Poisson-Gaussian: the log-likelihood of one sample is that of a Gaussian of its variance', () => {
  const model = poissonGaussianLikelihood({ gain: 0.1, sigma: 0.2, offset: 0.25 });
  const variance = 0.1 * 0.5 + 0.04;
  const wanted = -((0.5 - 0.75) ** 2) / (2 * variance) - Math.log(variance) / 2;
  isNear(model.logLikelihood(Float32Array.of(0.75), Float32Array.of(0.5)), wanted, 1e-7);
});

test('Laplacian: far from the noisy tile it falls like |d| / b with b = sigma / sqrt(2)', () => {
  const model = laplacianNoise(0.1);
  const at = (d: number) => model.logLikelihood(Float32Array.of(0.5 + d), Float32Array.of(0.5));
  isNear((at(0.4) - at(0.3)) / 0.1, -Math.SQRT2 / 0.1, 0.05);
  for (const sigma of [0, -1, Number.NaN, Infinity]) assert.throws(() => laplacianNoise(sigma), isBadOption);
});

test.run();
