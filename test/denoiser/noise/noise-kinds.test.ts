// What a user may say of the noise, through the real engine: estimated, a sensor's, a map, a model of his own.
import sharp from 'sharp';
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { mse, psnr } from '#src/core/metrics/index.js';
import { addGaussianNoise, addPoissonGaussianNoise, gaussianNoise } from '#src/core/noise/index.js';
import { gaussianGenerator } from '#src/core/noise/random.js';
import type { Denoiser } from '#src/denoiser/denoiser.js';
import { openDenoiser } from '#src/denoiser/open-denoiser.js';
import { photo } from '../../core/photo.js';

const SIZE = { width: 160, height: 128, channels: 3 } as const;
const TILES = { tileSize: 128, overlap: 24 } as const;
const { data: clean } = await photo('chelsea.png', {
  left: 140,
  top: 60,
  width: SIZE.width,
  height: SIZE.height,
});
const withNoise = (sigma255: number) => ({ ...SIZE, data: addGaussianNoise(clean, sigma255 / 255, 5) });
const clipped = (data: Float32Array) => data.map((value) => Math.min(1, Math.max(0, value)));

interface Denoisers {
  readonly mean: Denoiser;
  readonly map: Denoiser;
}
const test = suite('noise', { mean: undefined, map: undefined } as unknown as {
  -readonly [K in keyof Denoisers]: Denoiser;
});
test.before(async (context) => {
  context.mean = await openDenoiser({ method: 'posterior-mean', ...TILES });
  context.map = await openDenoiser({ method: 'beta-map', ...TILES });
});
test.after(async ({ mean, map }) => {
  await Promise.all([mean.close(), map.close()]);
});

test('nothing said: sigma is found, and the result is that of this sigma', async ({ mean }) => {
  const noisy = withNoise(20);
  const { data, report } = await mean.denoise(noisy);
  assert.is(report.isUnchanged, false);
  assert.ok(report.noise.isEstimated && report.noise.model === 'gaussian', JSON.stringify(report.noise));
  assert.ok(Math.abs(report.sigma - 20) < 2, `sigma ${report.sigma}`);
  const given = await mean.denoise(noisy, { sigma: report.sigma });
  assert.equal(given.data, data);
  assert.is(given.report.noise.isEstimated, false);
  assert.ok(psnr(clean, data) > psnr(clean, noisy.data) + 6, `${psnr(clean, data)} dB`);
});

test('a picture without noise comes back as it was', async ({ mean }) => {
  const blank = { ...SIZE, data: clean.map((_, i) => 0.2 + (0.5 * (i % 480)) / 480) };
  const { data, report } = await mean.denoise(blank);
  assert.equal(data, blank.data);
  assert.ok(report.isUnchanged && report.tiles === 0, JSON.stringify(report));
  assert.is(report.noise.isEstimated, true);
  // A ramp is drawn, or has too little in it to tell.
  assert.match(report.noise.why, /drawn|flat|clean|cannot/);
});

test('coloured noise that is found is removed to the share that it is probable', async ({ mean }) => {
  const { data, width, height } = await photo('chelsea.png');
  const bytes = Uint8Array.from(addGaussianNoise(data, 18 / 255, 4), (value) =>
    Math.min(255, Math.max(0, Math.round(255 * value))),
  );
  const raw = { width, height, channels: 3 } as const;
  const jpeg = await sharp(bytes, { raw }).jpeg({ quality: 85 }).toBuffer();
  const noisy = {
    ...raw,
    data: Float32Array.from(await sharp(jpeg).raw().toBuffer(), (value) => value / 255),
  };
  const { data: found, report } = await mean.denoise(noisy);
  const { profile, confidence = 1 } = report.noise;
  assert.ok(profile && confidence > 0.5 && confidence < 1, JSON.stringify(report.noise));
  const { data: whole } = await mean.denoise(noisy, { noise: profile });
  for (const [i, sample] of noisy.data.entries()) {
    const expected = sample + confidence * ((whole[i] as number) - sample);
    assert.ok(Math.abs((found[i] as number) - expected) < 1e-5, `${i}: ${found[i]}, not ${expected}`);
  }
});

test('strength blends: 0 is the picture itself, 0.5 half of the change', async ({ mean }) => {
  const noisy = withNoise(25);
  const run = async (strength: number) => (await mean.denoise(noisy, { sigma: 25, strength })).data;
  assert.equal(await run(0), noisy.data);
  const [half, full] = [await run(0.5), await run(1)];
  for (const [i, value] of half.entries()) {
    const expected = ((noisy.data[i] as number) + (full[i] as number)) / 2;
    assert.ok(Math.abs(value - expected) < 1e-6, `sample ${i}`);
  }
});

test('a sensor with few photons: better than one sigma for all', async ({ mean }) => {
  const gain = 1 / 30;
  const data = addPoissonGaussianNoise(clean, { gain, sigma: 1 / 30, offset: 0 }, 3);
  const noisy = { ...SIZE, data };
  const sensor = { model: 'poisson-gaussian', gain: gain * 255, sigma: 255 / 30 } as const;
  const result = await mean.denoise(noisy, { noise: sensor });
  let squares = 0;
  for (const [i, value] of data.entries()) squares += (value - (clean[i] as number)) ** 2;
  const flat = await mean.denoise(noisy, { sigma: 255 * Math.sqrt(squares / data.length) });
  const [with_, without] = [psnr(clean, clipped(result.data)), psnr(clean, clipped(flat.data))];
  assert.ok(with_ > without, `${with_} dB against ${without} dB`);
  assert.ok(with_ > psnr(clean, clipped(data)) + 5, `${with_} dB`);
  assert.equal([result.report.noise.model, result.report.noise.gain], ['poisson-gaussian', sensor.gain]);
});

test('so few photons that pixels are binned, and it says so', async ({ mean }) => {
  const data = addPoissonGaussianNoise(clean, { gain: 1 / 2, sigma: 0.5, offset: 0 }, 3);
  const { data: result, report } = await mean.denoise(
    { ...SIZE, data },
    { noise: { model: 'poisson-gaussian', gain: 255 / 2, sigma: 255 / 2 } },
  );
  assert.match(report.noise.why, /blocks of \d x \d/);
  assert.ok(psnr(clean, clipped(result)) > psnr(clean, clipped(data)) + 5);
});

test('single photons on black are noise, not odd pixels', async ({ mean }) => {
  const [width, height] = [96, 96];
  const counts = Float32Array.from({ length: width * height }, (_, i) =>
    Math.hypot((i % width) - 48, Math.floor(i / width) - 48) < 24 ? 3 : 0.05,
  );
  const truth = counts.map((count) => count / 4);
  const data = addPoissonGaussianNoise(truth, { gain: 1 / 4, sigma: 0, offset: 0 }, 9);
  const picture = { data, width, height, channels: 1 as const };
  const { data: result, report } = await mean.denoise(picture, {
    noise: { model: 'poisson-gaussian', gain: 255 / 4, sigma: 0 },
  });
  assert.ok(report.oddPixels < 10, `${report.oddPixels} odd pixels`);
  const background = (of: Float32Array) => of.filter((_, i) => (counts[i] as number) < 1);
  const rms = (of: Float32Array) => 255 * Math.sqrt(mse(background(of), background(truth)));
  assert.ok(rms(result) < 0.5 * rms(data), `${rms(data)} -> ${rms(result)}`);
});

test('a sigma beside noise whose parameters are found is refused', async ({ mean }) => {
  const error: unknown = await mean
    .denoise(withNoise(10), { sigma: 30, noise: 'poisson-gaussian' })
    .catch((reason: unknown) => reason);
  assert.match(String(error), /Pass either noise 'poisson-gaussian' or sigma, not both/);
});

test('small tiles grow to the overlap, also where pixels are binned', async () => {
  const small = await openDenoiser({ method: 'posterior-mean', tileSize: 16 });
  try {
    const few = addPoissonGaussianNoise(clean, { gain: 1, sigma: 1, offset: 0 }, 3);
    const noise = { model: 'poisson-gaussian', gain: 255, sigma: 255 } as const;
    for (const [data, given] of [
      [few, { noise }],
      [withNoise(20).data, { sigma: 20 }],
    ] as const) {
      const { data: result } = await small.denoise({ ...SIZE, data }, given);
      assert.ok(psnr(clean, clipped(result)) > psnr(clean, clipped(data)) + 4);
    }
  } finally {
    await small.close();
  }
});

test('a map of sigma: constant it is one sigma, and where noise varies it is better', async ({ map }) => {
  const pixels = SIZE.width * SIZE.height;
  const noisy = withNoise(25);
  const grey = { ...noisy, data: noisy.data.filter((_, i) => i % 3 === 1), channels: 1 } as const;
  for (const picture of [noisy, grey]) {
    const constant = await map.denoise(picture, { sigmaMap: new Float32Array(pixels).fill(25) });
    const single = await map.denoise(picture, { sigma: 25 });
    const squares = single.data.map((value, i) => (value - (constant.data[i] as number)) ** 2);
    const constantRms = Math.sqrt(squares.reduce((a, b) => a + b, 0) / squares.length);
    assert.ok(constantRms < 1e-4, `root mean square of the difference ${constantRms}`);
  }

  const sigmaMap = new Float32Array(pixels).map((_, i) => (i % SIZE.width < SIZE.width / 2 ? 6 : 45));
  const next = gaussianGenerator(8);
  const uneven = {
    ...SIZE,
    data: clean.map((value, i) => value + ((sigmaMap[Math.floor(i / 3)] as number) / 255) * next()),
  };
  const rms = Math.sqrt(sigmaMap.reduce((sum, sigma) => sum + sigma * sigma, 0) / pixels);
  const [withMap, withOne] = [
    await map.denoise(uneven, { sigmaMap }),
    await map.denoise(uneven, { sigma: rms }),
  ].map(({ data }) => psnr(clean, clipped(data)));
  assert.ok((withMap ?? 0) > (withOne ?? 0) + 0.3, `${withMap} dB against ${withOne} dB`);
});

test("a model of the user's own: Gaussian as one is the built-in one", async ({ map, mean }) => {
  const noisy = withNoise(25);
  const own = await map.denoise(noisy, { sigma: 25, noise: { ...gaussianNoise(25 / 255), name: 'mine' } });
  assert.equal(own.data, (await map.denoise(noisy, { sigma: 25 })).data);
  assert.is(own.report.noise.model, 'mine');
  const error: unknown = await mean
    .denoise(noisy, { sigma: 25, noise: gaussianNoise(25 / 255) })
    .catch((reason: unknown) => reason);
  assert.match(String(error), /beta-map/);
  const grey = { ...noisy, data: noisy.data.slice(0, SIZE.width * SIZE.height), channels: 1 as const };
  assert.match(
    String(await map.denoise(grey, { sigma: 25, noise: gaussianNoise(0.1) }).catch(String)),
    /grey/,
  );
});

test.run();
