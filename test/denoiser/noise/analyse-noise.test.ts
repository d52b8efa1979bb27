// `analyseNoise` of the package: what programs are told of a picture's noise, and that the denoiser does the same with it.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { addGaussianNoise, addPoissonGaussianNoise } from '#src/core/noise/index.js';
import { varianceAt } from '#src/core/noise/model/noise-profile.js';
import { analyseNoise, type NoiseProfile, openDenoiser, type Picture } from '#src/index.js';
import { fixtureFolder } from '../../core/fixture.js';
import { photo } from '../../core/photo.js';

const { data, width, height } = await photo('coffee.png', { left: 100, top: 40, width: 320, height: 288 });
const noisy = addGaussianNoise(data, 20 / 255, 3);
const as8 = (samples: Float32Array) =>
  Uint8Array.from(samples, (value) => Math.round(255 * Math.min(1, Math.max(0, value))));
const as16 = (samples: Float32Array) =>
  Uint16Array.from(samples, (value) => Math.round(65535 * Math.min(1, Math.max(0, value))));
const clean8: Picture = { data: as8(data), width, height, channels: 3 };
const noisy8: Picture = { data: as8(noisy), width, height, channels: 3 };

const levelAt = (profile: NoiseProfile, value: number, channel = 0) => {
  const of = profile.channels[channel];
  if (!of) throw new Error(`no channel ${channel}`);
  return 255 * Math.sqrt(varianceAt(profile, of, value));
};
const isNear = (value: number, expected: number, by: number) =>
  assert.ok(Math.abs(value / expected - 1) < by, `${value}, expected ${expected}`);

test('white noise at any depth, with and without alpha', async () => {
  const pixels = width * height;
  const withAlpha = new Uint16Array(4 * pixels).fill(65535);
  const samples = as16(noisy);
  for (let i = 0; i < pixels; i++)
    for (let c = 0; c < 3; c++) withAlpha[4 * i + c] = samples[3 * i + c] as number;
  const pictures: readonly Picture[] = [
    noisy8,
    { data: noisy, width, height, channels: 3 },
    { data: withAlpha, width, height, channels: 4 },
  ];
  for (const picture of pictures) {
    const { isClean, isEstimated, why, profile, range } = await analyseNoise(picture);
    assert.is(isClean, false, why);
    assert.ok(isEstimated && why.length > 0);
    assert.is(range.isFound, false);
    assert.is(profile.channels.length, 3);
    const level = levelAt(profile, 0.4);
    assert.ok(level > 10 && level < 40, `${level}, expected about 20`);
    const white = await analyseNoise(picture, { noise: 'gaussian' });
    isNear(levelAt(white.profile, 0.4), 20, 0.06);
  }
});

test('a grey picture in colour has a profile of one channel', async () => {
  const grey = Uint8Array.from(noisy8.data, (_, i) => noisy8.data[3 * Math.floor(i / 3) + 1] as number);
  const { profile } = await analyseNoise({ data: grey, width, height, channels: 3 });
  assert.is(profile.channels.length, 1);
});

test('a sensor’s noise as a profile: its variance grows with brightness', async () => {
  const truth = { gain: 1 / 40, sigma: 0.01, offset: 0 };
  const sensor = addPoissonGaussianNoise(data, truth, 6);
  const found = await analyseNoise(
    { data: sensor, width, height, channels: 3 },
    { noise: 'poisson-gaussian' },
  );
  assert.is(found.model, 'poisson-gaussian', found.why);
  for (const value of [0.2, 0.6])
    isNear(levelAt(found.profile, value), 255 * Math.sqrt(truth.gain * value + truth.sigma ** 2), 0.15);
});

test('measured against a clean picture, of its depth and of another', async () => {
  const cleans: readonly Picture[] = [clean8, { data, width, height, channels: 3 }];
  for (const clean of cleans) {
    const found = await analyseNoise(noisy8, { clean });
    assert.match(found.why, /^measured against the clean picture$/);
    assert.is(found.model, 'profile');
    for (const channel of [0, 1, 2]) isNear(levelAt(found.profile, 0.5, channel), 20, 0.1);
  }
});

test('measured where samples are equal in large areas: a level at each brightness', async () => {
  const values = [30, 80, 150, 210];
  const chart = Float32Array.from(
    { length: 128 * 128 },
    (_, i) => (values[2 * Math.floor(i / 8192) + (i % 128 < 64 ? 0 : 1)] as number) / 255,
  );
  const size = { width: 128, height: 128, channels: 1 } as const;
  const { profile } = await analyseNoise(
    { ...size, data: addGaussianNoise(chart, 10 / 255, 4) },
    { clean: { ...size, data: chart } },
  );
  assert.is(profile.brightness.length, 4);
  for (const level of profile.channels[0]?.level ?? []) isNear(255 * level, 10, 0.1);
});

test('hidden and odd pixels do not count as noise', async () => {
  const pixels = width * height;
  const withHidden = (samples: Picture['data'], isHidden: (x: number) => boolean) => {
    const out = new Uint8Array(4 * pixels).fill(255);
    for (let i = 0; i < pixels; i++) {
      for (let c = 0; c < 3; c++) out[4 * i + c] = samples[3 * i + c] as number;
      if (isHidden(i % width)) out[4 * i + 3] = 0;
    }
    return { data: out, width, height, channels: 4 } as const;
  };
  const hidden = withHidden(noisy8.data, (x) => x < width / 2);
  for (let k = 0; k < 12; k++) hidden.data[4 * (width * (20 + 18 * k) + 250) + (k % 3)] = 255;
  for (const clean of [withHidden(clean8.data, (x) => x < width / 3), clean8]) {
    const { profile, why } = await analyseNoise(hidden, { clean });
    assert.is(why, 'measured against the clean picture');
    for (const channel of [0, 1, 2]) isNear(levelAt(profile, 0.5, channel), 20, 0.12);
  }
  const flat = addGaussianNoise(new Float32Array(3 * pixels).fill(0.5), 10 / 255, 2);
  const half = withHidden(as8(flat), (x) => x < 64);
  const region = { left: 32, top: 0, width: 96, height: 96 };
  isNear(levelAt((await analyseNoise(half, { region })).profile, 0.5), 10, 0.1);
  const error = await analyseNoise(half, { region: { ...region, left: 0 } }).catch((reason: Error) => reason);
  assert.match(String(error), /mostly seen but more than half of 96 x 96 at 0, 0 are hidden or odd/);
});

test('alpha hides where it is 0, whatever black and white are', async () => {
  const plain = Float32Array.from(noisy, (value) => 1000 + 2000 * value);
  const withAlpha = new Float32Array((4 * plain.length) / 3).fill(1);
  for (const [i, value] of plain.entries()) withAlpha[4 * Math.floor(i / 3) + (i % 3)] = value;
  const [without, found] = [
    await analyseNoise({ data: plain, width, height, channels: 3 }),
    await analyseNoise({ data: withAlpha, width, height, channels: 4 }),
  ];
  assert.is(found.isClean, false, found.why);
  assert.is(found.sigma, without.sigma);
});

test('measured on a flat region, and doubted where shapes are', async () => {
  const flat = addGaussianNoise(new Float32Array(3 * 96 * 96).fill(0.5), 10 / 255, 2);
  const region = { left: 8, top: 16, width: 64, height: 48 };
  const found = await analyseNoise({ data: flat, width: 96, height: 96, channels: 3 }, { region });
  assert.is(found.why, 'measured on the region');
  isNear(levelAt(found.profile, 0.5), 10, 0.1);
  const shapes = await analyseNoise(clean8, { region: { left: 0, top: 0, width, height } });
  assert.match(shapes.why, /is the region flat\?/);
});

test('what is wrong is said', async () => {
  const codeOf = (promise: Promise<unknown>) =>
    promise.then(
      () => 'no error',
      (error: { code?: string; message: string }) => `${error.code} ${error.message}`,
    );
  const region = { left: 0, top: 0, width: 64, height: 64 };
  assert.match(
    await codeOf(analyseNoise(noisy8, { region, clean: clean8 })),
    /^BAD_OPTION .*Pass either region or clean, not both/,
  );
  assert.match(
    await codeOf(analyseNoise(noisy8, { region: { ...region, width: 8 } })),
    /^BAD_OPTION .*at least 32 x 32/,
  );
  const half: Picture = { ...clean8, data: clean8.data.slice(0, clean8.data.length / 2), height: height / 2 };
  assert.match(await codeOf(analyseNoise(noisy8, { clean: half })), /^BAD_IMAGE .*one size/);
  assert.match(await codeOf(analyseNoise({ ...noisy8, channels: 1 })), /^BAD_IMAGE/);
  assert.match(await codeOf(analyseNoise(noisy8, { noise: 'white' } as never)), /^BAD_OPTION .*'gaussian'/);
  assert.match(
    await codeOf(analyseNoise(noisy8, { signal: AbortSignal.abort(new Error('enough')) })),
    /enough/,
  );
});

test('a denoiser finds the same, and takes the profile for its noise', async () => {
  const prior = fixtureFolder('conditioned');
  const found = await analyseNoise(noisy8, { prior });
  const denoiser = await openDenoiser({ prior, method: 'posterior-mean', threads: 1 });
  try {
    const { report } = await denoiser.denoise(noisy8, { strength: 0 });
    assert.is(report.noise.sigma, found.sigma);
    assert.is(report.noise.model, found.model);
    const given = await denoiser.denoise(noisy8, { noise: found.profile, strength: 0 });
    assert.is(given.report.noise.model, 'profile');
    assert.is(given.report.noise.isEstimated, false);
    assert.ok(Math.abs(given.report.noise.sigma - found.sigma) < 0.05);
  } finally {
    await denoiser.close();
  }
});

test.run();
