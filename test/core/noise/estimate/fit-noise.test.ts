// Fits against noise whose parameters are known, on drawn pictures and on photographs.
import { readdirSync } from 'node:fs';
import sharp from 'sharp';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { addGaussianNoise, addPoissonGaussianNoise, fitNoise } from '#src/core/noise/index.js';
import { sharedPath } from '../../../shared.js';

const isNear = (value: number, wanted: number, part: number, what = '') =>
  assert.ok(Math.abs(value - wanted) <= part * wanted, `${what} ${value}, not ${wanted}`);

const WIDTH = 320;
const HEIGHT = 240;

/** Slopes from dark to bright, and stripes over a third of the picture; nothing at 0 or 1. */
function drawn(channels: 1 | 3): Float32Array {
  return Float32Array.from({ length: WIDTH * HEIGHT * channels }, (_, i) => {
    const x = Math.floor(i / channels) % WIDTH;
    const y = Math.floor(i / channels / WIDTH);
    const stripes = y < HEIGHT / 3 ? 0.1 * Math.sin(x * 1.3 + y * 0.7) : 0;
    return 0.15 + (0.7 * x) / WIDTH + stripes - 0.02 * (i % channels);
  });
}
const picture = (data: Float32Array | Uint8Array | Uint16Array, channels: 1 | 3 | 4) => ({
  data,
  width: WIDTH,
  height: HEIGHT,
  channels,
});

test('Gaussian noise is called Gaussian, its sigma right to 3%, grey and in colour', async () => {
  for (const channels of [1, 3] as const)
    for (const sigma of [2, 10, 40]) {
      const noisy = addGaussianNoise(drawn(channels), sigma / 255, 21);
      const fit = await fitNoise(picture(noisy, channels));
      assert.is(fit.decision, 'gaussian', `sigma ${sigma}: ${fit.reason}`);
      assert.is(fit.gain, 0);
      isNear(fit.sigma, sigma, 0.03, `${channels} channels, sigma`);
      assert.match(fit.reason, 'does not depend on brightness');
    }
});

test('Poisson-Gaussian noise is called so, its variance right to 10% at either end', async () => {
  for (const channels of [1, 3] as const)
    for (const noise of [
      { gain: 1 / 10, sigma: 0 },
      { gain: 1 / 30, sigma: 1 / 30 },
      { gain: 1 / 500, sigma: 0.02 },
    ]) {
      const noisy = addPoissonGaussianNoise(drawn(channels), noise, 22);
      const fit = await fitNoise(picture(noisy, channels));
      assert.is(fit.decision, 'poisson-gaussian', fit.reason);
      for (const mean of [50, 200]) {
        const wanted = 255 * noise.gain * mean + (255 * noise.sigma) ** 2;
        isNear(fit.gain * mean + fit.sigma ** 2, wanted, 0.1, `${channels} channels, variance at ${mean}:`);
      }
      assert.match(fit.reason, 'grows with brightness');
    }
});

test('8 bit, 16 bit and float of the same picture give the same fit; alpha is not looked at', async () => {
  const noisy = addPoissonGaussianNoise(drawn(3), { gain: 1 / 200, sigma: 0.01 }, 23);
  const clamped = noisy.map((value) => Math.min(1, Math.max(0, value)));
  const float = await fitNoise(picture(clamped, 3));
  const sixteen = await fitNoise(
    picture(
      Uint16Array.from(clamped, (value) => Math.round(value * 65535)),
      3,
    ),
  );
  const eight = Uint8Array.from(clamped, (value) => Math.round(value * 255));
  isNear(sixteen.gain, float.gain, 1e-3);
  isNear((await fitNoise(picture(eight, 3))).gain, float.gain, 0.03);
  const withAlpha = new Uint8Array(WIDTH * HEIGHT * 4);
  for (let i = 0; i < withAlpha.length; i++)
    withAlpha[i] = i % 4 === 3 ? (i * 37) % 256 : (eight[Math.floor(i / 4) * 3 + (i % 4)] ?? 0);
  assert.equal(await fitNoise(picture(withAlpha, 4)), await fitNoise(picture(eight, 3)));
});

test('pictures with nothing to measure say so', async () => {
  const white = await fitNoise(picture(new Uint8Array(WIDTH * HEIGHT * 3).fill(255), 3));
  const small = await fitNoise({ data: new Float32Array(25).fill(0.5), width: 5, height: 5, channels: 1 });
  for (const { decision, sigma, confidence, reason } of [white, small]) {
    assert.equal([decision, sigma, confidence], ['gaussian', 0, 0]);
    assert.match(reason, 'too few patches');
  }
});

test('photographs: Gaussian and Poisson noise are told apart, and levels are right to 10%', async () => {
  const folder = sharedPath('data/cbsd68/');
  if (!folder) return;
  for (const [index, file] of readdirSync(folder).sort().slice(0, 5).entries()) {
    const { data, info } = await sharp(`${folder}${file}`)
      .removeAlpha()
      .raw()
      .toBuffer({ resolveWithObject: true });
    const clean = Float32Array.from(data, (value) => value / 255);
    const size = { width: info.width, height: info.height, channels: 3 } as const;
    for (const sigma of [5, 25]) {
      const fit = await fitNoise({ data: addGaussianNoise(clean, sigma / 255, index), ...size });
      assert.is(fit.decision, 'gaussian', `${file} sigma ${sigma}: ${fit.reason}`);
      isNear(fit.sigma, sigma, 0.04, `${file} sigma`);
    }
    for (const peak of [10, 30]) {
      const noise = { gain: 1 / peak, sigma: 0 };
      const fit = await fitNoise({ data: addPoissonGaussianNoise(clean, noise, index), ...size });
      assert.is(fit.decision, 'poisson-gaussian', `${file} peak ${peak}: ${fit.reason}`);
      isNear(fit.gain * 128 + fit.sigma ** 2, (255 / peak) * 128, 0.1, `${file} peak ${peak}`);
    }
  }
});

test.run();
