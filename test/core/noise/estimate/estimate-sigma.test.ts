// Against noise of known sigma that the tests add themselves: on smooth scenes, on photographs, clipped or not.
import { readdir } from 'node:fs/promises';
import sharp from 'sharp';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { estimateSigma, type SigmaEstimate } from '#src/core/noise/estimate/white/estimate-sigma.js';
import { varianceLost } from '#src/core/noise/estimate/white/noise-patches.js';
import { addGaussianNoise, gaussianGenerator, type NoisyPicture } from '#src/core/noise/index.js';

import { sharedPath } from '../../../shared.js';
import { photo } from '../../photo.js';

type Channels = NoisyPicture['channels'];
interface Scene extends NoisyPicture {
  readonly data: Float32Array;
}

const isNear = (value: number, wanted: number, tolerance: number, what = '') =>
  assert.ok(Math.abs(value - wanted) <= tolerance, `${what} ${value}, not ${wanted} +- ${tolerance}`);
const clamp = (value: number) => Math.min(1, Math.max(0, value));
const toBytes = (data: Float32Array) => Uint8Array.from(data, (value) => Math.round(255 * clamp(value)));
const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Slow waves of grey or colour between 0.15 and 0.85: nothing in the fine coefficients. */
function waves(width: number, height: number, channels: Channels): Scene {
  const data = Float32Array.from({ length: width * height * channels }, (_, i) => {
    const [x, y, c] = [Math.floor(i / channels) % width, Math.floor(i / channels / width), i % channels];
    return 0.5 + 0.35 * Math.sin(x / (37 + 11 * c) + c) * Math.cos(y / (53 - 9 * c));
  });
  return { data, width, height, channels };
}

/** Noise with one sigma per channel, 8-bit units. */
function noisy(scene: Scene, sigmas: readonly number[], seed: number): Scene {
  const normal = gaussianGenerator(seed);
  return {
    ...scene,
    data: scene.data.map((v, i) => v + ((sigmas[i % scene.channels] ?? 0) / 255) * normal()),
  };
}
const inBytes = (scene: Scene): NoisyPicture => ({ ...scene, data: toBytes(scene.data) });
const greyOf = (scene: Scene): Scene => ({
  ...scene,
  channels: 1,
  data: Float32Array.from({ length: scene.width * scene.height }, (_, i) =>
    mean([scene.data[3 * i] ?? 0, scene.data[3 * i + 1] ?? 0, scene.data[3 * i + 2] ?? 0]),
  ),
});

test('sigma is found on smooth scenes, grey and colour, floats and bytes', async () => {
  for (const channels of [1, 3] as const)
    for (const sigma of [2.5, 5, 10, 25, 50]) {
      const picture = noisy(waves(240, 200, channels), Array(channels).fill(sigma), 10 * sigma);
      for (const [kind, given] of [
        ['float', picture],
        ['bytes', inBytes(picture)],
      ] as const) {
        const found = await estimateSigma(given);
        // Chance moves an estimate by 0.5 to 1%; clipping at 50 leaves more uncertain.
        isNear(found.sigma255, sigma, (sigma > 25 ? 0.05 : 0.03) * sigma, `${channels} ${kind}`);
        assert.ok(found.confidence > 0.7, `confidence ${found.confidence}`);
        assert.is(found.isClean, false);
        assert.is(found.perChannel255.length, channels);
        assert.ok(found.perChannel255.every((value) => value === found.sigma255));
        isNear(found.luma255, sigma, 0.06 * sigma, 'luma');
        if (sigma >= 10) isNear(found.coarse255, 0.85 * sigma, 0.3 * sigma, 'coarse');
      }
    }
});

test('sigma is found on photographs, in floats and clipped and rounded', async () => {
  for (const name of ['astronaut.png', 'chelsea.png', 'coffee.png']) {
    const scene: Scene = { ...(await photo(name)), channels: 3 };
    for (const sigma of [5, 25, 50]) {
      const picture = noisy(scene, [sigma, sigma, sigma], 3 + sigma);
      isNear((await estimateSigma(picture)).sigma255, sigma, 0.15 + 0.01 * sigma, `${name} float`);
      isNear((await estimateSigma(inBytes(picture))).sigma255, sigma, 0.25 + 0.015 * sigma, `${name} bytes`);
    }
  }
});

test('sigma is found on grey photographs, whether stored as grey or as RGB', async () => {
  for (const name of ['chelsea.png', 'coffee.png']) {
    const scene = greyOf({ ...(await photo(name)), channels: 3 });
    for (const sigma of [5, 15, 50]) {
      const grey = inBytes(noisy(scene, [sigma], sigma));
      const found = await estimateSigma(grey);
      isNear(found.sigma255, sigma, 0.5 + 0.03 * sigma, name);
      const copies = Uint8Array.from(
        { length: 3 * grey.data.length },
        (_, i) => grey.data[Math.floor(i / 3)] ?? 0,
      );
      const asColour = await estimateSigma({ ...grey, data: copies, channels: 3 });
      isNear(asColour.sigma255, found.sigma255, 1e-6, 'as RGB');
      assert.is(asColour.perChannel255.length, 3);
    }
  }
});

test('channels with different noise are told apart, those with the same are not', async () => {
  const scene: Scene = { ...(await photo('chelsea.png')), channels: 3 };
  for (const sigmas of [
    [10, 5, 5],
    [5, 10, 20],
    [12, 12, 25],
    [30, 10, 10],
  ]) {
    const found = await estimateSigma(inBytes(noisy(scene, sigmas, 11)));
    sigmas.forEach((sigma, c) => {
      isNear(found.perChannel255[c] ?? Number.NaN, sigma, 0.3 + 0.03 * sigma, `channel ${c} of ${sigmas}`);
    });
    isNear(found.sigma255, Math.sqrt(mean(sigmas.map((s) => s * s))), 0.5, 'pooled');
  }
  const same = await estimateSigma(noisy(scene, [15, 15, 15], 12));
  assert.is(new Set(same.perChannel255).size, 1);
});

test('what clipping takes is known: simulated at levels from black to mid-grey', () => {
  const normal = gaussianGenerator(9);
  const draws = Float64Array.from({ length: 200_000 }, normal);
  for (const level of [-1, 0, 0.5, 1, 2, 3]) {
    const clipped = draws.map((n) => Math.max(0, level + n));
    const average = clipped.reduce((sum, v) => sum + v, 0) / clipped.length;
    const variance = clipped.reduce((sum, v) => sum + (v - average) ** 2, 0) / clipped.length;
    const share = clipped.filter((v) => v === 0).length / clipped.length;
    isNear(varianceLost(share), 1 - variance, 0.015, `level ${level}`);
  }
  assert.is(varianceLost(0), 0);
  assert.is(varianceLost(1), 1);
});

test('clipped noise is not underestimated where most of the picture is dark or light', async () => {
  for (const [level, sigma] of [
    [0.06, 4],
    [0.1, 15],
    [0.15, 40],
    [0.9, 25],
  ] as const) {
    const scene = waves(300, 200, 3);
    const dark: Scene = { ...scene, data: scene.data.map((v) => level + 0.05 * (v - 0.5)) };
    const found = await estimateSigma(inBytes(noisy(dark, [sigma, sigma, sigma], 21)));
    isNear(found.sigma255, sigma, 0.04 * sigma, `level ${level}`);
  }
});

test('16 bit gives what 8 bit and floats give, and alpha is not looked at', async () => {
  const picture = noisy(waves(160, 160, 3), [8, 8, 8], 31);
  const words = { ...picture, data: Uint16Array.from(picture.data, (v) => Math.round(65535 * clamp(v))) };
  const { sigma255 } = await estimateSigma(picture);
  isNear((await estimateSigma(words)).sigma255, sigma255, 0.01, '16 bit');
  isNear((await estimateSigma(inBytes(picture))).sigma255, sigma255, 0.05, '8 bit');

  const alpha = gaussianGenerator(32);
  const withAlpha = Float32Array.from({ length: 160 * 160 * 4 }, (_, i) =>
    i % 4 === 3 ? 0.5 + 0.2 * alpha() : (picture.data[3 * Math.floor(i / 4) + (i % 4)] ?? 0),
  );
  assert.equal(
    await estimateSigma({ ...picture, data: withAlpha, channels: 4 }),
    await estimateSigma(picture),
  );
  const grey = noisy(waves(160, 160, 1), [8], 33);
  const greyAlpha = Float32Array.from({ length: 160 * 160 * 2 }, (_, i) =>
    i % 2 === 1 ? 0.5 + 0.2 * alpha() : (grey.data[Math.floor(i / 2)] ?? 0),
  );
  assert.equal(await estimateSigma({ ...grey, data: greyAlpha, channels: 2 }), await estimateSigma(grey));
});

test('the same picture gives the same answer and is not written to', async () => {
  const picture = inBytes(noisy(waves(500, 400, 3), [20, 20, 20], 41));
  const before = picture.data.slice();
  const [first, second] = await Promise.all([estimateSigma(picture), estimateSigma(picture)]);
  assert.equal(first, second);
  assert.equal(picture.data, before);
});

test('a large picture is read in part, and evenly', async () => {
  const scene = waves(1600, 1200, 3);
  isNear((await estimateSigma(noisy(scene, [12, 12, 12], 51))).sigma255, 12, 0.3);
});

test('flat, tiny and clipped pictures: nothing can be told', async () => {
  const fill = (value: number, width: number, height: number): Scene => ({
    data: new Float32Array(3 * width * height).fill(value),
    width,
    height,
    channels: 3,
  });
  const black = noisy(fill(-1, 64, 64), [20, 20, 20], 61);
  for (const picture of [
    fill(0.5, 64, 64),
    inBytes(black),
    noisy(fill(0.5, 15, 200), [20, 20, 20], 62),
    noisy(fill(0.5, 1, 1), [20, 20, 20], 63),
    noisy(fill(0.5, 7, 7), [20, 20, 20], 64),
    fill(Number.NaN, 64, 64),
  ]) {
    const { sigma255, confidence, isClean, perChannel255 } = await estimateSigma(picture);
    assert.equal({ sigma255, confidence, isClean }, { sigma255: 0, confidence: 0, isClean: false });
    assert.equal(perChannel255, [0, 0, 0]);
  }
});

test('small pictures are told with little confidence, which grows with the picture', async () => {
  const confidences: number[] = [];
  for (const side of [16, 32, 64, 256]) {
    const found = await estimateSigma(noisy(waves(side, side, 3), [20, 20, 20], side));
    isNear(found.sigma255, 20, 20 * (side < 64 ? 0.2 : 0.06), `${side} pixels`);
    confidences.push(found.confidence);
  }
  assert.equal(confidences, [...confidences].sort());
  assert.ok((confidences[0] ?? 1) < 0.8 && (confidences[3] ?? 0) > 0.95, confidences.join());
});

test('a border without noise does not hide the noise', async () => {
  const picture = noisy(waves(300, 300, 3), [20, 20, 20], 71);
  const framed = picture.data.map((v, i) => (Math.floor(i / 3 / 300) < 100 ? 0.4 : v));
  isNear((await estimateSigma({ ...picture, data: framed })).sigma255, 20, 1);
});

test('clean photographs are said to be clean', async () => {
  for (const name of ['astronaut.png', 'chelsea.png', 'coffee.png']) {
    const found = await estimateSigma(inBytes({ ...(await photo(name)), channels: 3 }));
    assert.ok(found.sigma255 < 1.5 && found.isClean, `${name} ${found.sigma255}`);
  }
});

test('noise that a JPEG kept in the luma only lowers the confidence', async () => {
  const picture = inBytes(noisy(waves(320, 240, 3), [15, 15, 15], 81));
  const raw = { width: 320, height: 240, channels: 3 } as const;
  const jpeg = await sharp(picture.data, { raw }).jpeg({ quality: 95 }).toBuffer();
  const { data } = await sharp(jpeg).raw().toBuffer({ resolveWithObject: true });
  const found = await estimateSigma({ ...picture, data: new Uint8Array(data) });
  assert.ok(found.confidence < 0.4 && found.coarse255 > 5, JSON.stringify(found));
});

test('twelve pictures of CBSD68: mean errors within bounds', async () => {
  const folder = sharedPath('data/cbsd68/');
  if (!folder) return;
  const files = (await readdir(folder))
    .sort()
    .filter((_, i) => i % 6 === 0)
    .slice(0, 12);
  const pictures = await Promise.all(
    files.map(async (file) => {
      const { data, info } = await sharp(`${folder}${file}`).raw().toBuffer({ resolveWithObject: true });
      assert.is(info.channels, 3);
      return { data: new Uint8Array(data), width: info.width, height: info.height, channels: 3 } as const;
    }),
  );
  const clean: SigmaEstimate[] = [];
  for (const picture of pictures) clean.push(await estimateSigma(picture));
  assert.ok(clean.filter(({ sigma255 }) => sigma255 < 1.5).length >= 11);
  for (const [sigma, unclipped, clipped] of [
    [5, 0.1, 0.3],
    [25, 0.15, 0.3],
    [50, 0.4, 1],
  ] as const) {
    const errors: number[] = [];
    const byteErrors: number[] = [];
    for (const [index, picture] of pictures.entries()) {
      const float = Float32Array.from(picture.data, (value) => value / 255);
      const data = addGaussianNoise(float, sigma / 255, 500 + index);
      errors.push(Math.abs((await estimateSigma({ ...picture, data })).sigma255 - sigma));
      const bytes = await estimateSigma({ ...picture, data: toBytes(data) });
      byteErrors.push(Math.abs(bytes.sigma255 - sigma));
    }
    isNear(mean(errors), 0, unclipped, `sigma ${sigma}`);
    isNear(mean(byteErrors), 0, clipped, `sigma ${sigma}, clipped`);
  }
});

test.run();
