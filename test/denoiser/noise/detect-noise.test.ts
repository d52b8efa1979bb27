// What the noise of a picture is taken for, from the picture alone. The noise is made here, so the truth is known.
import sharp from 'sharp';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openNoiseMeter } from '#src/core/engine/noise-meter/noise-meter.js';
import { addGaussianNoise, addPoissonGaussianNoise } from '#src/core/noise/index.js';
import type { Picture } from '#src/core/picture.js';
import { type DetectedNoise, detectNoise } from '#src/denoiser/noise/detect-noise.js';
import { cutOut } from '#src/tile/extract.js';
import { photo } from '../../core/photo.js';

const meter = openNoiseMeter();
test.after(() => meter.close());
const RANGE = [2.5 / 255, 100 / 255] as const;
const PHOTOS = await Promise.all(['astronaut.png', 'chelsea.png', 'coffee.png'].map((name) => photo(name)));

/** As a file of bytes would have it. */
const bytesOf = (data: Float32Array) =>
  new Uint8Array(Uint8ClampedArray.from(data, (value) => value * 255).buffer);

async function asJpeg(
  data: Float32Array,
  size: { width: number; height: number },
  quality: number,
): Promise<Picture> {
  const raw = { width: size.width, height: size.height, channels: 3 } as const;
  const jpeg = await sharp(bytesOf(data), { raw }).jpeg({ quality }).toBuffer();
  return { ...raw, data: new Uint8Array(await sharp(jpeg).raw().toBuffer()) };
}

const detect = (
  picture: Picture,
  kind: 'auto' | 'gaussian' | 'poisson-gaussian' = 'auto',
): Promise<DetectedNoise> => detectNoise(picture, kind, RANGE, meter);

test('white noise: its sigma, for floats and for bytes', async () => {
  for (const [index, { data, width, height }] of PHOTOS.entries())
    for (const sigma of [8, 15, 40]) {
      const noisy = addGaussianNoise(data, sigma / 255, index);
      for (const samples of [noisy, bytesOf(noisy)]) {
        const found = await detect({ data: samples, width, height, channels: 3 });
        const said = `photo ${index}, ${sigma}: ${JSON.stringify(found.report)}`;
        assert.is(found.report.model, 'gaussian', said);
        assert.ok(
          Math.abs(found.sigma255 / sigma - 1) < 0.06 && !found.isClean && !found.report.isCorrelated,
          said,
        );
      }
    }
});

test('small pictures: white noise is found, and texture is never taken for noise', async () => {
  for (const [width, height] of [
    [16, 16],
    [24, 40],
    [32, 32],
    [16, 300],
  ] as const) {
    const slopes = Float32Array.from({ length: 3 * width * height }, (_, i) => {
      const [x, y] = [Math.floor(i / 3) % width, Math.floor(i / 3 / width)];
      return 0.5 + 0.2 * Math.sin(x / 13 + (i % 3)) + 0.1 * Math.cos(y / 17);
    });
    const data = bytesOf(addGaussianNoise(slopes, 15 / 255, width));
    const found = await detect({ data, width, height, channels: 3 });
    const said = `${width} x ${height}: ${JSON.stringify(found.report)}`;
    assert.is(found.report.model, 'gaussian', said);
    assert.ok(Math.abs(found.sigma255 / 15 - 1) < 0.2 && !found.isClean, said);
  }
  let doubted = 0;
  for (const { data, width, height: rows } of PHOTOS) {
    const whole = { data: bytesOf(data), width, height: rows, channels: 3 } as const;
    for (const side of [16, 32, 64])
      for (const left of [40, 100, 160, 220]) {
        // A strip of 16 pixels' width has as many cells, reflected, as one three times as wide.
        const height = side === 16 ? 192 : side;
        const found = await detect(cutOut(whole, { left, top: 100, width: side, height }));
        assert.ok(found.isClean, `${side} x ${height} at ${left}: ${JSON.stringify(found.report)}`);
        if (/^too small/.test(found.report.why ?? '')) doubted++;
      }
  }
  assert.ok(doubted > 0, 'none of the parts looks like noise');
});

test('photographs as they are, also as JPEG, are clean', async () => {
  for (const { data, width, height } of PHOTOS) {
    assert.ok((await detect({ data: bytesOf(data), width, height, channels: 3 })).isClean);
    for (const quality of [75, 92]) {
      const found = await detect(await asJpeg(data, { width, height }, quality));
      assert.ok(found.isClean, JSON.stringify(found.report));
    }
  }
});

test('noise in a JPEG with subsampled chroma is seen in the luma', async () => {
  for (const { data, width, height } of PHOTOS) {
    const noisy = addGaussianNoise(data, 18 / 255, 4);
    const found = await detect(await asJpeg(noisy, { width, height }, 90));
    const said = JSON.stringify(found.report);
    const [luma, chroma] = found.profile?.channels ?? [];
    if (!luma || !chroma) throw new Error(said);
    assert.ok(found.sigma255 > 9 && found.sigma255 < 27 && !found.isClean, said);
    // Subsampling leaves the chroma without fine noise.
    const fine = ({ level, spectrum }: typeof luma) => Math.max(...level) * Math.sqrt(spectrum[0] ?? 0);
    assert.ok(fine(chroma) < fine(luma) / 2, said);
  }
});

test("a sensor's noise: gain and read noise", async () => {
  for (const { data, width, height } of PHOTOS)
    for (const [peak, read] of [
      [20, 0],
      [60, 2],
    ] as const) {
      const truth = { gain: 1 / peak, sigma: read / peak, offset: 0 };
      const noisy = addPoissonGaussianNoise(data, truth, 6);
      const { poissonGaussian, report } = await detect({ data: noisy, width, height, channels: 3 });
      const said = `${peak}, ${read}: ${JSON.stringify(report)}`;
      assert.is(report.model, 'poisson-gaussian', said);
      const variance = (x: number, { gain = 0, sigma = 0 } = {}) => gain * x + sigma * sigma;
      for (const x of [0.1, 0.5])
        assert.ok(Math.abs(variance(x, poissonGaussian) / variance(x, truth) - 1) < 0.2, said);
    }
});

test('what the user says of the kind counts', async () => {
  const [first] = PHOTOS;
  if (!first) throw new Error('no photograph');
  const { data, width, height } = first;
  const sensor = addPoissonGaussianNoise(data, { gain: 1 / 20, sigma: 0, offset: 0 }, 6);
  assert.is(
    (await detect({ data: sensor, width, height, channels: 3 }, 'gaussian')).report.model,
    'gaussian',
  );
});

test('noise beyond the prior is cut to what it knows, and it says so', async () => {
  const [first] = PHOTOS;
  if (!first) throw new Error('no photograph');
  const noisy = addGaussianNoise(first.data, 140 / 255, 1);
  const { sigma255, report } = await detect({ ...first, data: noisy, channels: 3 });
  assert.is(sigma255, 100);
  assert.match(report.why, /more than the prior knows/);
});

test.run();
