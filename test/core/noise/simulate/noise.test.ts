import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FlowDenoiseError } from '#src/core/errors.js';
import { addGaussianNoise, gaussianGenerator, gaussianNoise } from '#src/core/noise/index.js';

const isBadOption = (error: unknown) => error instanceof FlowDenoiseError && error.code === 'BAD_OPTION';
const isNear = (value: number, wanted: number, tolerance: number) =>
  assert.ok(Math.abs(value - wanted) <= tolerance, `${value}, not ${wanted}`);
const draw = (seed: number, count: number) => Float64Array.from({ length: count }, gaussianGenerator(seed));
const mean = (values: Float64Array) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** An RGB tile of 2 x 3 pixels, clean and noisy, and a sigma of each kind. */
const clean = Float32Array.from({ length: 18 }, (_, i) => ((i * 7) % 16) / 16);
const noisy = clean.map((value, i) => value + (((i * 5) % 9) - 4) / 32);
const perPixel = Float32Array.from({ length: 6 }, (_, i) => (i + 1) / 16);
const perSample = Float32Array.from({ length: 18 }, (_, i) => (i + 1) / 32);
const sigmas = [
  { sigma: 0.125, at: () => 0.125 },
  { sigma: perPixel, at: (i: number) => perPixel[i % 6] ?? Number.NaN },
  { sigma: perSample, at: (i: number) => perSample[i] ?? Number.NaN },
];

test('the log-likelihood is -|y - C|^2 / (2 sigma^2), whichever way sigma is given', () => {
  for (const { sigma, at } of sigmas) {
    let wanted = 0;
    noisy.forEach((value, i) => {
      wanted -= (value - (clean[i] ?? Number.NaN)) ** 2 / (2 * at(i) ** 2);
    });
    isNear(gaussianNoise(sigma).logLikelihood(clean, noisy), wanted, 1e-12 * Math.abs(wanted));
  }
});

test('the gradient is what central differences give', () => {
  const step = 1 / 64;
  fc.assert(
    fc.property(fc.constantFrom(...sigmas), fc.integer({ min: 0, max: 17 }), ({ sigma }, i) => {
      const model = gaussianNoise(sigma);
      const shifted = (by: number) => clean.map((value, k) => (k === i ? value + by : value));
      const rise = model.logLikelihood(shifted(step), noisy) - model.logLikelihood(shifted(-step), noisy);
      const gradient = model.gradient(clean, noisy, new Float32Array(18));
      const wanted = rise / (2 * step);
      isNear(gradient[i] ?? Number.NaN, wanted, 1e-6 * Math.max(1, Math.abs(wanted)));
    }),
  );
});

test('the gradient may be written over the estimate', () => {
  const model = gaussianNoise(perPixel);
  const apart = model.gradient(clean, noisy, new Float32Array(18));
  const over = clean.slice();
  assert.is(model.gradient(over, noisy, over), over);
  assert.equal(over, apart);
});

test('sigmas and shapes that do not fit are refused', () => {
  for (const sigma of [0, -1, Number.NaN, Infinity, new Float32Array(0), new Float32Array([1, 0])]) {
    assert.throws(() => gaussianNoise(sigma), isBadOption);
  }
  assert.throws(() => gaussianNoise(new Float32Array(7).fill(1)).logLikelihood(clean, noisy), isBadOption);
  assert.throws(() => gaussianNoise(1).logLikelihood(clean, noisy.subarray(1)), isBadOption);
  assert.throws(() => gaussianNoise(1).gradient(clean, noisy, new Float32Array(17)), isBadOption);
});

test('the generator has the moments of N(0, 1) and independent successors', () => {
  // Tolerances of 5 standard errors; the seed is fixed, so this either always passes or never.
  const count = 200_000;
  const values = draw(1, count);
  const error = (variance: number) => 5 * Math.sqrt(variance / count);
  isNear(mean(values), 0, error(1));
  isNear(mean(values.map((value) => value ** 2)), 1, error(2));
  isNear(mean(values.map((value) => value ** 3)), 0, error(15));
  isNear(mean(values.map((value) => value ** 4)), 3, error(96));
  isNear(mean(values.map((value) => (Math.abs(value) > 1.959964 ? 1 : 0))), 0.05, error(0.0475));
  isNear(mean(values.map((value, i) => value * (values[i - 1] ?? 0))), 0, error(1));
});

test('a seed repeats itself, and neighbouring seeds are unrelated from the first number on', () => {
  assert.equal(draw(7, 50), draw(7, 50));
  assert.not.equal(draw(7, 50), draw(8, 50));
  const count = 1000;
  const firsts = Float64Array.from({ length: count }, (_, seed) => gaussianGenerator(seed)());
  isNear(mean(firsts), 0, 5 / Math.sqrt(count));
  isNear(mean(firsts.map((value, i) => value * (firsts[i - 1] ?? 0))), 0, 5 / Math.sqrt(count));
  for (const seed of [-1, 0.5, 2 ** 32, Number.NaN])
    assert.throws(() => gaussianGenerator(seed), isBadOption);
});

test('added noise has the given sigma, depends on the seed only, and is not clipped', () => {
  const data = new Float32Array(50_000).fill(1);
  const noisyData = addGaussianNoise(data, 0.1, 3);
  const noise = Float64Array.from(noisyData, (value) => value - 1);
  isNear(mean(noise), 0, (5 * 0.1) / Math.sqrt(noise.length));
  isNear(Math.sqrt(mean(noise.map((value) => value ** 2))), 0.1, (5 * 0.1) / Math.sqrt(2 * noise.length));
  assert.ok(noisyData.some((value) => value > 1.2));
  assert.equal(addGaussianNoise(data, 0.1, 3), noisyData);
  assert.ok(data.every((value) => value === 1));
  assert.equal(addGaussianNoise(data, 0, 3), data);
  for (const sigma of [-0.1, Number.NaN, Infinity]) {
    assert.throws(() => addGaussianNoise(data, sigma, 3), isBadOption);
  }
});

test.run();
