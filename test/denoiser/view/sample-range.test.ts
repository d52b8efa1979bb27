// Which samples are black and white, and what that does to a picture in a range of its own.
import sharp from 'sharp';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { addGaussianNoise, addPoissonGaussianNoise } from '#src/core/noise/index.js';
import type { Picture } from '#src/core/picture.js';
import type { Denoiser } from '#src/denoiser/denoiser.js';
import { openDenoiser } from '#src/denoiser/open-denoiser.js';
import { containerRange, findRange } from '#src/denoiser/view/sample-range.js';
import { surveyOf } from '#src/denoiser/view/survey.js';
import { decodePicture } from '#src/image/decode.js';

// A grey frame of 128 x 96 has too few cells to tell noise of few counts from structure.
const [WIDTH, HEIGHT] = [192, 144];
const SIZE = { width: WIDTH, height: HEIGHT } as const;

/** A grey picture in [0, 1] with dark and bright places, smooth and sharp ones. */
const scene = Float32Array.from({ length: WIDTH * HEIGHT }, (_, i) => {
  const [x, y] = [i % WIDTH, Math.floor(i / WIDTH)];
  const waves = 0.4 + 0.3 * Math.sin(x / 11) * Math.cos(y / 13);
  return Math.hypot(x - 80, y - 40) < 15 ? 0.98 : x < 20 ? 0.02 : waves;
});

function noisy16(black: number, white: number, sigma: number, seed = 1): Uint16Array {
  const added = addGaussianNoise(scene, sigma / (white - black), seed);
  return Uint16Array.from(added, (value) =>
    Math.min(65535, Math.max(0, Math.round(black + (white - black) * value))),
  );
}

const rangeOf = (data: Picture['data'], channels: Picture['channels'] = 1) =>
  findRange({ ...SIZE, data, channels }, surveyOf({ ...SIZE, data, channels }));

function rmse(a: ArrayLike<number>, clean: (i: number) => number): number {
  let sum = 0;
  for (let i = 0; i < a.length; i++) sum += ((a[i] as number) - clean(i)) ** 2;
  return Math.sqrt(sum / a.length);
}

const test = suite('sample range', { denoiser: undefined } as unknown as { denoiser: Denoiser });
test.before(async (context) => {
  context.denoiser = await openDenoiser({ preset: 'fast' });
});
test.after(({ denoiser }) => denoiser.close());

test('the container holds for 8 bits, dark and flat ones too, for full 16 bits and for floats in [0, 1]', () => {
  const kept: readonly (readonly [string, Picture['data']])[] = [
    ['8 bits', Uint8Array.from(scene, (v) => 255 * v)],
    ['dark 8 bits', Uint8Array.from(scene, (v) => 9 * v)],
    ['flat 8 bits', Uint8Array.from(scene, (v) => 100 + 9 * v)],
    ['16 bits', noisy16(0, 65535, 2000)],
    ['half of 16 bits', noisy16(0, 30000, 900)],
    ['dark 8 bits in 16', Uint16Array.from(scene, (v) => 257 * Math.round(20 * v))],
    ['floats', addGaussianNoise(scene, 0.2, 3)],
    ['dark floats', scene.map((v) => 0.2 * v)],
    ['floats with a lamp', scene.map((v, i) => (i % WIDTH < 6 && i < 6 * WIDTH ? 8 : v))],
    ['flat floats', new Float32Array(scene.length).fill(0.5)],
  ];
  for (const [name, data] of kept) assert.equal(rangeOf(data), containerRange({ data }), name);
});

test('12 bits in 16, a pedestal, float counts: the range is where the samples are', () => {
  const found: readonly (readonly [string, Picture['data'], number, number])[] = [
    ['12 bits', noisy16(0, 4095, 60), 80, 4020],
    ['a pedestal', noisy16(1000, 3000, 40), 1040, 2960],
    ['14 bits', noisy16(0, 16383, 200), 320, 16060],
    ['counts', addGaussianNoise(scene, 0.05, 2).map((v) => 1200 + 600 * v), 1212, 1788],
    ['below 0', scene.map((v) => 3000 * v - 1000), -940, 1940],
  ];
  for (const [name, data, black, white] of found) {
    const range = rangeOf(data);
    const slack = 0.08 * (white - black);
    assert.ok(range.isFound, name);
    assert.ok(Math.abs(range.black - black) < slack, `${name}: black ${range.black}`);
    assert.ok(Math.abs(range.white - white) < slack, `${name}: white ${range.white}`);
  }
});

test('hot pixels do not set the range', () => {
  const data = noisy16(0, 4095, 60);
  const without = rangeOf(data);
  for (let i = 37; i < data.length; i += 500) data[i] = 65535;
  const { white, black } = rangeOf(data);
  assert.ok(Math.abs(white - without.white) < 0.03 * without.white, `${white} for ${without.white}`);
  assert.ok(Math.abs(black - without.black) < 0.03 * without.white, `${black} for ${without.black}`);
});

test('a frame of few counts in 16 bits loses its noise, with nothing said', async ({ denoiser }) => {
  const [black, white, gain] = [100, 900, 2.2];
  const clean = scene.map((v) => (white - black) * v * 0.9);
  const data = Uint16Array.from(addPoissonGaussianNoise(clean, { gain, sigma: 3.5, offset: 0 }, 5), (v) =>
    Math.max(0, Math.round(black + v)),
  );
  const truth = (i: number) => black + (clean[i] as number);
  const { data: result, report } = await denoiser.denoise({ ...SIZE, data, channels: 1 });
  const [before, after] = [rmse(data, truth), rmse(result, truth)];
  assert.ok(after < (6.5 / 13.27) * before, `${before} -> ${after}`);
  assert.ok(report.range.isFound && report.range.white < 1000, JSON.stringify(report.range));
  assert.is(report.noise.model, 'poisson-gaussian', JSON.stringify(report.noise));
  assert.instance(result, Uint16Array);
});

test('what the report says gives the same result as an option, sigma included', async ({ denoiser }) => {
  const picture = { ...SIZE, data: noisy16(1000, 5000, 150), channels: 1 } as const;
  const found = await denoiser.denoise(picture, { noise: 'gaussian' });
  const { range, sigma } = found.report;
  assert.ok(Math.abs((sigma / 255) * (range.white - range.black) - 150) < 20, `${sigma} of ${range.white}`);
  const { black, white } = range;
  const told = await denoiser.denoise(picture, { black, white, sigma });
  assert.equal(told.data, found.data);
  assert.equal(told.report.range, { black, white, isFound: false });
});

test('float counts keep their numbers, beyond [0, 1]', async ({ denoiser }) => {
  const clean = scene.map((v) => 1200 + 600 * v);
  const data = addGaussianNoise(clean, 60, 8);
  const { data: result, report } = await denoiser.denoise({ ...SIZE, data, channels: 1 });
  const after = rmse(result, (i) => clean[i] as number);
  assert.ok(after < 25, `60 -> ${after}`);
  assert.is(report.fallbackTiles, 0);
});

test('a sigma that is given holds in the container, and what to do is said', async ({ denoiser }) => {
  const picture = { ...SIZE, data: noisy16(0, 4095, 150), channels: 1 } as const;
  const { report, data } = await denoiser.denoise(picture, {
    noise: { model: 'poisson-gaussian', gain: 0.001, sigma: 0.5 },
  });
  assert.equal(report.range, { black: 0, white: 65535, isFound: false });
  assert.ok(report.isUnchanged);
  assert.equal(data, picture.data);
  assert.match(report.noise.why, /the samples lie between \d+ and \d+: pass these as black and white/);
  const refusal = await denoiser
    .denoise(picture, { sigma: 0.6 })
    .then(() => undefined)
    .catch((error: Error) => error.message);
  assert.match(refusal ?? '', /pass these as black and white/);
});

test('white at or below black is refused', async ({ denoiser }) => {
  const picture = { ...SIZE, data: noisy16(0, 4095, 150), channels: 1 } as const;
  for (const range of [{ black: 70000 }, { white: 0 }, { black: 5, white: 5 }]) {
    const code = await denoiser
      .denoise(picture, range)
      .then(() => undefined)
      .catch((error: { code?: string }) => error.code);
    assert.is(code, 'BAD_OPTION', JSON.stringify(range));
  }
});

test('an integer result stays inside its container, and alpha is not scaled', async ({ denoiser }) => {
  const colour = noisy16(0, 4095, 150);
  const data = Uint16Array.from({ length: 2 * colour.length }, (_, i) =>
    i % 2 === 0 ? (colour[i / 2] as number) : 1 + (i % 65535),
  );
  const { data: result } = await denoiser.denoise({ ...SIZE, data, channels: 2 });
  for (let i = 1; i < data.length; i += 2) if (result[i] !== data[i]) assert.unreachable(`alpha at ${i}`);
  const alone = await denoiser.denoise({ ...SIZE, data: colour, channels: 1 });
  assert.equal(
    result.filter((_, i) => i % 2 === 0),
    alone.data,
  );
});

test('a 16-bit PNG in a range of its own is denoised as a file too', async ({ denoiser }) => {
  const data = noisy16(0, 4095, 150);
  const png = await sharp(data, { raw: { ...SIZE, channels: 1 } })
    .toColourspace('grey16')
    .png()
    .toBuffer();
  const { picture } = await decodePicture(png, 'frame.png');
  assert.instance(picture.data, Uint16Array);
  const { report } = await denoiser.denoise(picture);
  assert.ok(report.range.isFound && !report.isUnchanged, report.noise.why);
});

test.run();
