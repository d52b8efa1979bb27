// What is said of what was taken off: its strength, its unevenness over blocks, its whiteness.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { gaussianGenerator } from '#src/core/noise/index.js';
import { blockRms, measureResidual, standardisedResidual } from '#src/evaluate/measure/residual.js';
import type { NoiseLevel } from '#src/evaluate/noise-level.js';

const shape = { width: 64, height: 48, channels: 3 };
const size = shape.width * shape.height * shape.channels;
const white = Float32Array.from({ length: size }, gaussianGenerator(4));
const isNear = (value: number, wanted: number, tolerance: number) =>
  assert.ok(Math.abs(value - wanted) <= tolerance, `${value}, not ${wanted}`);

/** The coordinates of a sample. */
const at = (i: number) => {
  const pixel = Math.floor(i / 3);
  return { x: pixel % shape.width, y: Math.floor(pixel / shape.width), c: i % 3 };
};

test('white noise: strength 1, the unevenness of chance, no correlation', () => {
  const { rms, unevenness, correlation } = measureResidual(white, shape);
  isNear(rms, 1, 5 / Math.sqrt(2 * size));
  // The rms of 192 numbers of N(0, 1) has a standard deviation of 1 / sqrt(2 * 192); 48 blocks tell it to a tenth.
  isNear(unevenness, 1 / Math.sqrt(2 * 192), 0.02);
  isNear(correlation, 0, 5 / Math.sqrt(2 * size));
});

test('blocks of known strength: their map, and its spread', () => {
  const isStrong = (i: number) => (Math.floor(at(i).x / 8) + Math.floor(at(i).y / 8)) % 2 === 0;
  const residual = Float32Array.from(
    { length: size },
    (_, i) => (i % 2 === 0 ? 1 : -1) * (isStrong(i) ? 2 : 1),
  );
  const { columns, rows, values } = blockRms(residual, shape);
  assert.equal([columns, rows], [8, 6]);
  const rounded = Array.from(values, (value) => Number(value.toFixed(9)));
  assert.equal(rounded.slice(0, 3), [2, 1, 2]);
  assert.equal(rounded.slice(8, 11), [1, 2, 1]);
  const { rms, unevenness } = measureResidual(residual, shape);
  isNear(rms, Math.sqrt(2.5), 1e-6);
  isNear(unevenness, 0.5, 1e-12);
});

test('pixels beyond the last whole block count for the strength, not for the map', () => {
  const odd = { width: 13, height: 9, channels: 1 };
  const residual = new Float32Array(13 * 9).fill(1);
  residual[12] = 100;
  isNear(blockRms(residual, odd).values[0] ?? 0, 1, 1e-12);
  assert.is(blockRms(residual, odd).values.length, 1);
  assert.ok(measureResidual(residual, odd).rms > 9);
});

test('correlation of neighbours is that of a moving average, within channels only', () => {
  // The mean of two white neighbours, across: 1/2 across, 0 down, so 1/4 over both.
  const across = white.map((value, i) => (at(i).x === 0 ? value : (value + (white[i - 3] ?? 0)) / 2));
  isNear(measureResidual(across, shape).correlation, 0.25, 0.03);
  // Channels alike: no neighbours in the picture's sense.
  const alike = white.map((_, i) => white[i - at(i).c] ?? 0);
  isNear(measureResidual(alike, shape).correlation, 0, 0.03);
  assert.is(measureResidual(new Float32Array(size), shape).correlation, 0);
});

test('in units of the noise at each sample', () => {
  const gaussian: NoiseLevel = { model: 'gaussian', sigma: 25.5 };
  const sensor: NoiseLevel = { model: 'poisson-gaussian', gain: 10, sigma: 0 };
  const [noisy, estimate, clean] = [
    [0.5, 0.9],
    [0.4, 0.7],
    [0.25, 0.81],
  ].map((values) => Float32Array.from(values)) as [Float32Array, Float32Array, Float32Array];
  const one = standardisedResidual(noisy, estimate, clean, gaussian);
  isNear(one[0] ?? 0, 1, 1e-6);
  isNear(one[1] ?? 0, 2, 1e-6);
  const other = standardisedResidual(noisy, estimate, clean, sensor);
  isNear(other[0] ?? 0, 0.1 / Math.sqrt((10 / 255) * 0.25), 1e-5);
  isNear(other[1] ?? 0, 0.2 / Math.sqrt((10 / 255) * 0.81), 1e-5);
});

test.run();
