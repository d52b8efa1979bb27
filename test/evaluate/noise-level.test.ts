// The noise of an evaluation has the moments that it is said to have, and depends on the seed only.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  deviationAt,
  type NoiseLevel,
  noiseFolder,
  noiseName,
  toldNoise,
} from '#src/evaluate/noise-level.js';
import { withNoise } from '#src/evaluate/pictures.js';

const COUNT = 200_000;
const gaussian: NoiseLevel = { model: 'gaussian', sigma: 17 };
const sensor: NoiseLevel = { model: 'poisson-gaussian', gain: 8.5, sigma: 2 };

/** Mean and standard deviation, and the latter's own standard error by the fourth moment. */
function moments(values: Float32Array) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const central = (power: number) =>
    values.reduce((sum, value) => sum + (value - mean) ** power, 0) / values.length;
  const variance = central(2);
  const error = Math.sqrt((central(4) - variance ** 2) / values.length) / (2 * Math.sqrt(variance));
  return { mean, deviation: Math.sqrt(variance), error };
}

for (const level of [gaussian, sensor])
  for (const sample of [0.1, 0.5, 0.9])
    test(`${noiseName(level)} at ${sample}: mean and standard deviation`, () => {
      const { mean, deviation, error } = moments(
        withNoise(new Float32Array(COUNT).fill(sample), level, 7, false),
      );
      const wanted = deviationAt(level, Math.fround(sample));
      // Five standard errors; the seed is fixed, so this passes always or never.
      assert.ok(Math.abs(mean - sample) < (5 * wanted) / Math.sqrt(COUNT), `mean ${mean}`);
      assert.ok(Math.abs(deviation - wanted) < 5 * error, `${deviation}, not ${wanted}`);
    });

test('the standard deviation is what is told, in 8-bit units', () => {
  assert.is(deviationAt(gaussian, 0.3), 17 / 255);
  // variance = gain x + sigma^2, all in 8-bit units: 8.5 * 127.5 + 4.
  assert.ok(Math.abs(255 * deviationAt(sensor, 0.5) - Math.sqrt(8.5 * 127.5 + 4)) < 1e-12);
  assert.equal(toldNoise(gaussian), { sigma: 17 });
  assert.equal(toldNoise(sensor), { noise: { model: 'poisson-gaussian', gain: 8.5, sigma: 2 } });
});

test('clipped noise stays in [0, 1] and is the same noise inside', () => {
  const clean = Float32Array.from({ length: 5000 }, (_, i) => i / 4999);
  const [free, clipped] = [false, true].map((clip) => withNoise(clean, gaussian, 3, clip));
  assert.ok(free?.some((value) => value < 0) && free.some((value) => value > 1));
  assert.equal(
    clipped,
    free?.map((value) => Math.min(1, Math.max(0, value))),
  );
});

test('a seed repeats itself, another seed is another noise', () => {
  const clean = new Float32Array(100).fill(0.5);
  for (const level of [gaussian, sensor]) {
    assert.equal(withNoise(clean, level, 5, false), withNoise(clean, level, 5, false));
    assert.not.equal(withNoise(clean, level, 5, false), withNoise(clean, level, 6, false));
  }
});

test('names of noises are apart, for people and for folders', () => {
  assert.equal([gaussian, sensor].map(noiseName), ['sigma 17', 'gain 8.5, read noise 2']);
  assert.equal([gaussian, sensor].map(noiseFolder), ['sigma-17', 'gain-8.5-sigma-2']);
});

test.run();
