// The transform and its inverse against sums and integrals written another way: Poisson probabilities by logarithms,
// the read noise by Simpson's rule in n (the source integrates in the square root).
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { exactUnbiasedInverse, generalizedAnscombe } from '#src/core/noise/index.js';
import { gaussianGenerator } from '#src/core/noise/random.js';
import { poissonGenerator } from '#src/core/noise/simulate/add-noise.js';

const isNear = (value: number, wanted: number, tolerance: number, what = '') =>
  assert.ok(Math.abs(value - wanted) <= tolerance, `${what} ${value}, not ${wanted}`);

/** E[f(Poisson(lambda) + sigma n)], by brute force. */
function expectation(lambda: number, sigma: number): number {
  const cells = sigma === 0 ? 0 : 4000;
  const readNoise: { n: number; weight: number }[] = Array.from({ length: cells + 1 }, (_, i) => {
    if (cells === 0) return { n: 0, weight: 1 };
    const u = -8 + (16 * i) / cells;
    const simpson = i === 0 || i === cells ? 1 : i % 2 ? 4 : 2;
    return {
      n: sigma * u,
      weight: (simpson * (16 / cells) * Math.exp((-u * u) / 2)) / (3 * Math.sqrt(2 * Math.PI)),
    };
  });
  let sum = 0;
  let logFactorial = 0;
  for (let k = 0; k <= lambda + 12 * Math.sqrt(lambda) + 30; k++) {
    if (k > 0) logFactorial += Math.log(k);
    const probability = Math.exp(k * Math.log(lambda) - lambda - logFactorial);
    if (probability < 1e-15) continue;
    for (const { n, weight } of readNoise) sum += probability * weight * generalizedAnscombe(k + n, sigma);
  }
  return sum;
}

const MEANS = [0.5, 0.8, 1, 1.7, 3, 5, 9, 16, 30, 55, 100, 150, 200];

test('the transform is 2 sqrt(z + 3/8 + sigma^2), and 0 where there is no root', () => {
  assert.is(generalizedAnscombe(0.625, 0), 2);
  assert.is(generalizedAnscombe(-1, 1), 2 * Math.sqrt(0.375));
  assert.is(generalizedAnscombe(-50, 1), 0);
});

test('inverse(E[transform]) is the mean to 0.01%: 0.5 to 200 counts, read noise 0, 1, 3', () => {
  for (const sigma of [0, 1, 3]) {
    const inverse = exactUnbiasedInverse(sigma);
    for (const mean of MEANS)
      isNear(inverse(expectation(mean, sigma)), mean, 1e-4 * mean, `read noise ${sigma}, mean ${mean}:`);
  }
});

test('simulated: the inverse of the mean of transformed counts is the mean of the counts to 0.5%', () => {
  const poisson = poissonGenerator(11);
  const normal = gaussianGenerator(12);
  for (const sigma of [0, 1, 3]) {
    const inverse = exactUnbiasedInverse(sigma);
    for (const mean of [0.5, 2, 20, 200]) {
      // Enough draws that 0.5% is five standard errors of the mean of the counts.
      const draws = Math.min(3_000_000, Math.ceil((mean + sigma * sigma) * (5 / (0.005 * mean)) ** 2));
      let sum = 0;
      for (let i = 0; i < draws; i++) sum += generalizedAnscombe(poisson(mean) + sigma * normal(), sigma);
      const tolerance = Math.max(0.005 * mean, 5 * Math.sqrt((mean + sigma * sigma) / draws));
      isNear(inverse(sum / draws), mean, tolerance, `read noise ${sigma}, mean ${mean}:`);
    }
  }
});

test('the inverse increases, is never negative, and goes on smoothly beyond its table', () => {
  for (const sigma of [0, 0.05, 1, 3, 40]) {
    const inverse = exactUnbiasedInverse(sigma);
    let before = 0;
    for (let d = 0; d < 2 * Math.sqrt(2000 + sigma * sigma); d += 0.01) {
      const value = inverse(d);
      assert.ok(value >= before, `read noise ${sigma}: falls at ${d}`);
      before = value;
    }
    assert.is(inverse(-1), 0);
  }
  for (const sigma of [0, 3])
    for (const mean of [250, 260, 1000])
      isNear(exactUnbiasedInverse(sigma)(expectation(mean, sigma)), mean, 1e-4 * mean, `mean ${mean}:`);
});

test('with strong read noise, where the table ends, the inverse is that of the shifted square', () => {
  // Means by the expansion of E[2 sqrt(s)] about s = mean + 3/8 + sigma^2 to second order.
  for (const sigma of [90, 110]) {
    for (const mean of [1, 50, 500]) {
      const s = mean + 3 / 8 + sigma * sigma;
      const expected = 2 * Math.sqrt(s) - (mean + sigma * sigma) / (4 * s ** 1.5);
      isNear(exactUnbiasedInverse(sigma)(expected), mean, 2e-3, `read noise ${sigma}, mean ${mean}:`);
    }
  }
});

test.run();
