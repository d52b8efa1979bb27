import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FlowDenoiseError } from '#src/core/errors.js';
import {
  addPoissonGaussianNoise,
  bin,
  binnedNoise,
  binnedShape,
  combine,
  combinedNoise,
  poissonGaussianNoise,
  unbin,
  weightForSigma,
} from '#src/core/noise/index.js';

const isBadOption = (error: unknown) => error instanceof FlowDenoiseError && error.code === 'BAD_OPTION';
const isNear = (value: number, wanted: number, tolerance: number, what = '') =>
  assert.ok(Math.abs(value - wanted) <= tolerance, `${what} ${value}, not ${wanted}`);

/** Mean and variance, with the variance's own standard error from the fourth moment. */
function moments(values: ArrayLike<number>) {
  const count = values.length;
  const all = Float64Array.from(values);
  const mean = all.reduce((sum, value) => sum + value, 0) / count;
  const variance = all.reduce((sum, value) => sum + (value - mean) ** 2, 0) / count;
  const fourth = all.reduce((sum, value) => sum + (value - mean) ** 4, 0) / count;
  return { mean, variance, error: Math.sqrt((fourth - variance ** 2) / count) };
}

const COUNT = 100_000;
const CASES = [
  { gain: 1 / 4, sigma: 0 },
  { gain: 1 / 10, sigma: 0.1 },
  { gain: 1 / 30, sigma: 0.1, offset: 0.1 },
  { gain: 1 / 1000, sigma: 0.002, offset: -0.05 },
];

test('added noise has the mean x and the variance gain (x - offset) + sigma^2', () => {
  for (const noise of CASES)
    for (const x of [0.15, 0.5, 1]) {
      const { mean, variance, error } = moments(
        addPoissonGaussianNoise(new Float32Array(COUNT).fill(x), noise, 5),
      );
      isNear(mean, x, 5 * Math.sqrt(variance / COUNT) + 1e-7, `mean at ${x}:`);
      isNear(
        variance,
        noise.gain * (x - (noise.offset ?? 0)) + noise.sigma ** 2,
        5 * error,
        `variance at ${x}:`,
      );
    }
});

test('without read noise samples are whole counts with the probabilities of Poisson, for few and for many', () => {
  for (const mean of [0.7, 3, 11.5, 12.5, 40]) {
    const samples = addPoissonGaussianNoise(
      new Float32Array(COUNT).fill(mean / 64),
      { gain: 1 / 64, sigma: 0 },
      8,
    );
    const counts = new Map<number, number>();
    for (const sample of samples) counts.set(sample * 64, (counts.get(sample * 64) ?? 0) + 1);
    let logFactorial = 0;
    for (let k = 0; k < 100; k++) {
      if (k > 0) logFactorial += Math.log(k);
      const wanted = COUNT * Math.exp(k * Math.log(mean) - mean - logFactorial);
      isNear(counts.get(k) ?? 0, wanted, 5 * Math.sqrt(wanted) + 3, `mean ${mean}, ${k} counts:`);
      counts.delete(k);
    }
    assert.is(counts.size, 0);
  }
});

test('a seed repeats itself; below the black level there are no photons; the input is not modified', () => {
  const data = new Float32Array(1000).fill(0.25);
  const noise = { gain: 0.1, sigma: 0.05 };
  assert.equal(addPoissonGaussianNoise(data, noise, 3), addPoissonGaussianNoise(data, noise, 3));
  assert.not.equal(addPoissonGaussianNoise(data, noise, 3), addPoissonGaussianNoise(data, noise, 4));
  assert.ok(data.every((value) => value === 0.25));
  const black = addPoissonGaussianNoise(data, { gain: 0.1, sigma: 0, offset: 0.5 }, 3);
  assert.ok(black.every((value) => value === 0.5));
});

test('stabilised noise has the sigma that it says, at every brightness of ten counts or more', () => {
  for (const noise of [{ gain: 1 / 40, sigma: 0 }, { gain: 1 / 40, sigma: 0.05 }, ...CASES.slice(2)]) {
    const { sigma, stabilise } = poissonGaussianNoise(noise);
    for (const x of [0.5, 0.75, 1]) {
      const noisy = addPoissonGaussianNoise(new Float32Array(COUNT).fill(x), noise, 9);
      isNear(Math.sqrt(moments(stabilise(noisy)).variance) / sigma, 1, 0.02, `gain ${noise.gain} at ${x}:`);
    }
  }
});

test('a clean signal from black to white lands on 0 to 1, and there and back the mean stays', () => {
  for (const noise of CASES) {
    const { stabilise, destabilise } = poissonGaussianNoise(noise);
    for (const x of [0, 0.2, 0.5, 1]) {
      const clean = Math.max(x, noise.offset ?? 0);
      const noisy = addPoissonGaussianNoise(new Float32Array(COUNT).fill(clean), noise, 10);
      const { variance } = moments(noisy);
      const { mean } = moments(stabilise(noisy));
      if (x === 0 || x === 1) isNear(mean, x, 0.01, `lands on, gain ${noise.gain}:`);
      const [back = Number.NaN] = destabilise(Float32Array.of(mean));
      isNear(back, clean, 6 * Math.sqrt(variance / COUNT) + 1e-5, `back, gain ${noise.gain} at ${x}:`);
    }
  }
});

test('parameters that make no noise are refused', () => {
  for (const bad of [
    { gain: 0, sigma: 0.1 },
    { gain: -1, sigma: 0.1 },
    { gain: Number.NaN, sigma: 0.1 },
    { gain: Infinity, sigma: 0.1 },
    { gain: 0.1, sigma: -0.1 },
    { gain: 0.1, sigma: Number.NaN },
    { gain: 0.1, sigma: 0.1, offset: 1 },
  ])
    assert.throws(() => poissonGaussianNoise(bad), isBadOption);
});

const shape = { channels: 2, height: 7, width: 10 };

test('binning takes means of blocks; what is left at the ends is completed by reflection', () => {
  const data = Float32Array.from({ length: 140 }, (_, i) => (i * i) % 97);
  const at = (c: number, y: number, x: number) => data[(c * 7 + y) * 10 + x] ?? Number.NaN;
  assert.equal(binnedShape(shape, 2), { channels: 2, height: 4, width: 5 });
  const binned = bin(data, shape, 2);
  assert.is(binned[0], (at(0, 0, 0) + at(0, 0, 1) + at(0, 1, 0) + at(0, 1, 1)) / 4);
  assert.is(binned[20 + 3], (at(1, 0, 6) + at(1, 0, 7) + at(1, 1, 6) + at(1, 1, 7)) / 4);
  assert.is(binned[15], (at(0, 6, 0) + at(0, 6, 1) + at(0, 5, 0) + at(0, 5, 1)) / 4);
  assert.equal(binnedShape(shape, 4), { channels: 2, height: 2, width: 3 });
});

test('binned noise is Poisson-Gaussian with the parameters that binnedNoise says', () => {
  const size = { channels: 1, height: 400, width: 400 };
  const noise = { gain: 0.25, sigma: 0.2, offset: 0.1 };
  for (const factor of [2, 4] as const) {
    const small = binnedNoise(noise, factor);
    assert.is(small.offset, noise.offset);
    const noisy = addPoissonGaussianNoise(new Float32Array(160_000).fill(0.6), noise, 6);
    const { variance, error } = moments(bin(noisy, size, factor));
    isNear(variance, small.gain * 0.5 + small.sigma ** 2, 5 * error, `by ${factor}:`);
  }
});

test('unbin brings planes and constants back where blocks lay', () => {
  const size = { channels: 1, height: 24, width: 32 };
  const plane = Float32Array.from({ length: 768 }, (_, i) => 0.01 * (i % 32) + 0.02 * Math.floor(i / 32));
  for (const factor of [2, 4] as const) {
    const back = unbin(bin(plane, size, factor), size, factor);
    for (let y = 8; y < 16; y++)
      for (let x = 8; x < 24; x++)
        isNear(back[y * 32 + x] ?? Number.NaN, plane[y * 32 + x] ?? Number.NaN, 1e-6, `${x}, ${y}:`);
    const flat = unbin(bin(new Float32Array(140).fill(0.5), shape, factor), shape, factor);
    assert.is(flat.length, 140);
    for (const value of flat) isNear(value, 0.5, 1e-6);
  }
});

test('noisy and clean combined are a Poisson-Gaussian picture with the parameters that combinedNoise says', () => {
  const noise = { gain: 0.25, sigma: 0.2, offset: 0.1 };
  const clean = new Float32Array(COUNT).fill(0.6);
  const noisy = addPoissonGaussianNoise(clean, noise, 7);
  const combined = combinedNoise(noise, 0.3);
  const { mean, variance, error } = moments(combine(noisy, clean, 0.3));
  isNear(mean, 0.6, 5 * Math.sqrt(variance / COUNT));
  isNear(variance, combined.gain * 0.5 + combined.sigma ** 2, 5 * error);
  assert.throws(() => combine(noisy, clean.subarray(1), 0.3), isBadOption);
  assert.throws(() => combine(noisy, clean, 0), isBadOption);
});

test('the weight for a level gives that level, and is 1 where the noise is not above it', () => {
  for (const noise of CASES) {
    const weight = weightForSigma(noise, 0.15);
    const { sigma } = poissonGaussianNoise(combinedNoise(noise, weight));
    if (weight < 1) isNear(sigma, 0.15, 1e-4);
    else assert.ok(sigma <= 0.15);
  }
  assert.is(weightForSigma({ gain: 1 / 1000, sigma: 0 }, 0.15), 1);
});

test.run();
