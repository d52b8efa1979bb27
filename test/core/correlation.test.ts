import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { autocovarianceFit, LAGS } from '#src/core/noise/block-dct.js';
import { estimateCorrelation } from '#src/core/noise/correlation.js';
import { gaussianGenerator, type NoisyPicture } from '#src/core/noise/index.js';
import { SIDE } from '#src/core/noise/noisy-picture.js';

const SIZE = 256;
const isNear = (value: number, wanted: number, tolerance: number, what: string) =>
  assert.ok(Math.abs(value - wanted) <= tolerance, `${what}: ${value}, not ${wanted}`);

/** Autocorrelation at a lag of what a kernel (applied along rows, then columns) makes of white noise. */
function kernelCorrelation(kernel: readonly number[], lag: number): number {
  const product = (d: number) => kernel.reduce((sum, value, i) => sum + value * (kernel[i + d] ?? 0), 0);
  return product(lag) / product(0);
}

/** White noise filtered along rows and columns, scaled to `sigma`, independent in every channel: [SIZE, SIZE, 3]. */
function filteredNoise(kernel: readonly number[], sigma: number, seed: number): Float32Array {
  const next = gaussianGenerator(seed);
  const pad = SIZE + kernel.length;
  const gain = sigma / kernel.reduce((sum, value) => sum + value * value, 0);
  const noise = new Float32Array(SIZE * SIZE * 3);
  for (let channel = 0; channel < 3; channel++) {
    const white = Float64Array.from({ length: pad * pad }, next);
    const rows = white.map((_, i) => kernel.reduce((sum, value, k) => sum + value * (white[i + k] ?? 0), 0));
    for (let y = 0; y < SIZE; y++)
      for (let x = 0; x < SIZE; x++) {
        const at = y * pad + x;
        const value = kernel.reduce((sum, weight, k) => sum + weight * (rows[at + k * pad] ?? 0), 0);
        noise[(y * SIZE + x) * 3 + channel] = gain * value;
      }
  }
  return noise;
}

const rgb = (data: NoisyPicture['data']): NoisyPicture => ({
  data,
  width: SIZE,
  height: SIZE,
  channels: 3,
});

/** A slope with a few soft hills: 0.25 to 0.75. */
const scene = (x: number, y: number) =>
  0.5 + 0.15 * Math.sin(x / 30) * Math.cos(y / 23) + (0.1 * (x - 128)) / 128;
const onScene = (noise: Float32Array) =>
  noise.map((value, i) => value + scene(Math.floor(i / 3) % SIZE, Math.floor(i / 3 / SIZE)));

const kernels = [
  [1, 1],
  [1, 2, 1],
  [1, 2, 2, 1],
  [0.5, 1, 0.5, 0.25],
];

test('the fit gives back an autocovariance from the powers that it has', () => {
  const covariance = (dy: number, dx: number) =>
    kernelCorrelation([1, 3, 2, 1], Math.abs(dy)) * kernelCorrelation([1, 1, 1], Math.abs(dx));
  const cosine = (u: number, x: number) =>
    Math.sqrt((u === 0 ? 1 : 2) / SIDE) * Math.cos((Math.PI * (2 * x + 1) * u) / (2 * SIDE));
  const axis = Array.from({ length: SIDE }, (_, i) => i);
  // The variance of a coefficient, c' R c, by its definition.
  const powers = axis.flatMap((v) =>
    axis.map((u) => {
      let sum = 0;
      for (const y of axis)
        for (const x of axis)
          for (const y2 of axis)
            for (const x2 of axis)
              sum += cosine(v, y) * cosine(u, x) * cosine(v, y2) * cosine(u, x2) * covariance(y - y2, x - x2);
      return sum;
    }),
  );
  const fitted = Array.from({ length: SIDE * SIDE }, (_, k) => k).filter((k) => (k >> 3) + (k & 7) >= 3);
  const result = autocovarianceFit(fitted)(powers);
  for (let dy = 0; dy < LAGS; dy++)
    for (let dx = 0; dx < LAGS; dx++)
      isNear(result[dy * LAGS + dx] ?? Number.NaN, covariance(dy, dx), 1e-9, `lag ${dy}, ${dx}`);
});

test('filtered noise has the correlation that its kernel says, and is called correlated', async () => {
  for (const [i, kernel] of kernels.entries()) {
    const result = await estimateCorrelation(rgb(onScene(filteredNoise(kernel, 6 / 255, 10 + i))));
    isNear(result.lag1, kernelCorrelation(kernel, 1), 0.05, `lag 1 of ${kernel}`);
    isNear(result.lag2, kernelCorrelation(kernel, 2), 0.1, `lag 2 of ${kernel}`);
    isNear(result.phaseSigma255, 6, 0.5, `sigma of ${kernel}`);
    assert.ok(result.isCorrelated, `${kernel}: ${JSON.stringify(result)}`);
  }
});

test('white noise is white, whatever its strength and the depth', async () => {
  for (const [i, sigma255] of [3, 6, 25].entries()) {
    const floats = onScene(filteredNoise([1], sigma255 / 255, 20 + i));
    for (const data of [
      floats,
      Uint8Array.from(floats, (value) => Math.round(255 * value)),
      Uint16Array.from(floats, (value) => Math.round(65535 * value)),
    ]) {
      const result = await estimateCorrelation(rgb(data));
      isNear(result.lag1, 0, 0.05, 'lag 1');
      isNear(result.length, 1, 0.2, 'length');
      isNear(result.phaseSigma255, sigma255, 0.08 * sigma255, 'sigma');
      isNear(result.midSigma255, sigma255, 0.08 * sigma255, 'sigma of middle frequencies');
      assert.not(result.isCorrelated);
    }
  }
});

test('texture is not noise: the same in all channels, or uneven', async () => {
  const colour = filteredNoise([1, 2, 1], 6 / 255, 30);
  const grey = colour.map((_, i) => colour[3 * Math.floor(i / 3)] as number);
  assert.not((await estimateCorrelation(rgb(onScene(grey)))).isCorrelated);
  const uneven = colour.map((value, i) => value * (((Math.floor(i / 3) % SIZE) / SIZE) ** 4 * 4));
  assert.not((await estimateCorrelation(rgb(onScene(uneven)))).isCorrelated);
});

test('no noise, grey pictures and pictures too small are not called correlated', async () => {
  const clean = onScene(new Float32Array(SIZE * SIZE * 3));
  assert.not((await estimateCorrelation(rgb(clean))).isCorrelated);
  assert.not((await estimateCorrelation(rgb(clean.fill(1)))).isCorrelated);
  const noisy = onScene(filteredNoise([1, 2, 1], 6 / 255, 40));
  const grey = noisy.filter((_, i) => i % 3 === 0);
  const result = await estimateCorrelation({ data: grey, width: SIZE, height: SIZE, channels: 1 });
  isNear(result.lag1, kernelCorrelation([1, 2, 1], 1), 0.06, 'lag 1 of grey');
  assert.not(result.isCorrelated);
  const tiny = await estimateCorrelation({ data: noisy.slice(0, 300), width: 10, height: 10, channels: 3 });
  assert.not(tiny.isCorrelated);
});

test('alpha is not looked at, and the same picture gives the same answer', async () => {
  const noisy = onScene(filteredNoise([1, 2, 1], 6 / 255, 50));
  const withAlpha = Float32Array.from({ length: SIZE * SIZE * 4 }, (_, i) =>
    i % 4 === 3 ? (i * 7) % 2 : (noisy[3 * (i >> 2) + (i % 4)] as number),
  );
  const wanted = await estimateCorrelation(rgb(noisy));
  assert.equal(await estimateCorrelation(rgb(noisy)), wanted);
  const rgba: NoisyPicture = { data: withAlpha, width: SIZE, height: SIZE, channels: 4 };
  assert.equal(await estimateCorrelation(rgba), wanted);
});

test.run();
