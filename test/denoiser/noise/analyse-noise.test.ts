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
