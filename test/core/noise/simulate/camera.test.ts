// The simulated camera against what is known of it: the sensor's variance in linear light, the sRGB curve of IEC
// 61966-2-1, and that a camera that adds nothing returns the scene.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { type CameraSettings, cameraAt, type Shot, takePicture } from '#src/core/noise/simulate/camera.js';
import { bayerChannel } from '#src/core/noise/simulate/demosaic.js';
import { expectBelow, largestDifference, rmsDifference } from '../../flow/differences.js';
import { photo, planar } from '../../photo.js';

/** A camera that changes nothing of the colours: what it returns is the scene. */
const PLAIN: CameraSettings = {
  electrons: 1000,
  readNoise: 0,
  exposure: 1,
  optics: 0,
  whiteBalance: { red: 1, blue: 1 },
  demosaic: 'bilinear',
  saturation: 0,
  contrast: 0,
  smoothing: { luma: 0, chroma: 0 },
  sharpening: { amount: 0, radius: 1 },
};
const SIZE = { width: 256, height: 256 };

/** IEC 61966-2-1, without the camera's table. */
const linear = (x: number) => (x <= 0.04045 ? x / 12.92 : ((x + 0.055) / 1.055) ** 2.4);
const gammaOf = (x: number) => (x <= 0.0031308 ? 12.92 * x : 1.055 * x ** (1 / 2.4) - 0.055);

function flat(colour: readonly [number, number, number], { width, height } = SIZE): Float32Array {
  const scene = new Float32Array(3 * width * height);
  for (const [c, value] of colour.entries()) scene.fill(value, c * width * height, (c + 1) * width * height);
  return scene;
}

/** The samples of a channel where the sensor saw it, back in linear light. */
function sensed({ noisy }: Shot, channel: 0 | 1 | 2): number[] {
  const { width, height } = SIZE;
  const samples: number[] = [];
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      if (bayerChannel(x, y) === channel)
        samples.push(linear(noisy[(channel * height + y) * width + x] as number));
  return samples;
}

function moments(values: readonly number[]) {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { mean, variance };
}

test('the sensor: photon and read noise add up, in linear light, before gains and exposure', () => {
  // 16,384 samples tell a variance to 1.1%: five times that.
  const limit = (count: number) => 5 * Math.sqrt(2 / count);
  for (const { electrons, readNoise, exposure, whiteBalance, colour } of [
    { electrons: 4000, readNoise: 0, exposure: 1, whiteBalance: { red: 1, blue: 1 }, colour: 0.5 },
    { electrons: 20_000, readNoise: 25, exposure: 1, whiteBalance: { red: 1, blue: 1 }, colour: 0.3 },
    { electrons: 6000, readNoise: 12, exposure: 0.5, whiteBalance: { red: 2, blue: 1.5 }, colour: 0.6 },
  ]) {
    const settings = { ...PLAIN, electrons, readNoise, exposure, whiteBalance };
    const shot = takePicture(flat([colour, colour, colour]), SIZE, settings, 11);
    for (const [channel, gain] of [
      [0, whiteBalance.red],
      [1, 1],
      [2, whiteBalance.blue],
    ] as const) {
      const samples = sensed(shot, channel);
      const { mean, variance } = moments(samples);
      // Electrons that the pixel collects, their variance and the read noise's, over electrons at white squared.
      const collected = (electrons * exposure * linear(colour)) / gain;
      const expected = (collected + readNoise ** 2) * (gain / (electrons * exposure)) ** 2;
      expectBelow(Math.abs(variance / expected - 1), limit(samples.length), `variance of channel ${channel}`);
      expectBelow(
        Math.abs(mean - linear(colour)),
        1e-5 + 5 * Math.sqrt(expected / samples.length),
        `mean of channel ${channel}`,
      );
    }
  }
});

test('a sensor that is full is full: no sample above it, and the mean falls by what is cut off', () => {
  const { noisy } = takePicture(flat([1, 1, 1]), SIZE, { ...PLAIN, electrons: 100 }, 5);
  assert.ok(noisy.every((value) => value <= 1));
  const seen = sensed({ noisy, clean: noisy }, 1);
  // The mean of min(0, N(0, s^2)) is -s / sqrt(2 pi); here s = 1 / sqrt(100).
  const fall = 0.1 / Math.sqrt(2 * Math.PI);
  expectBelow(Math.abs(moments(seen).mean - (1 - fall)), 5 * (0.06 / Math.sqrt(seen.length)), 'mean');
});

test('without noise and with settings that change nothing, flat scenes come back', () => {
  for (const demosaic of ['bilinear', 'edge-aware'] as const)
    for (const colour of [
      [0, 0, 0],
      [0.02, 0.4, 0.9],
      [1, 1, 1],
    ] as const) {
      const scene = flat(colour, { width: 17, height: 12 });
      const settings = { ...PLAIN, demosaic, whiteBalance: { red: 2.1, blue: 1.4 }, exposure: 0.7 };
      const { clean } = takePicture(scene, { width: 17, height: 12 }, settings, 1);
      expectBelow(largestDifference(clean, scene), 1e-4, `${demosaic}, ${colour}`);
    }
});

test('contrast: the closed form at a flat colour, which the colour matrix and its inverse leave as it is', () => {
  const colour = [0.3, 0.5, 0.7] as const;
  for (const saturation of [0, 0.75]) {
    const settings = { ...PLAIN, contrast: 0.6, saturation, smoothing: { luma: 1, chroma: 2 } };
    const size = { width: 16, height: 16 };
    const { clean } = takePicture(flat(colour, size), size, settings, 1);
    for (const [c, value] of colour.entries()) {
      const expected = value + 0.6 * (value * value * (3 - 2 * value) - value);
      expectBelow(Math.abs((clean[c * 256 + 120] as number) - expected), 1e-4, `channel ${c}`);
    }
  }
});

test('the colour matrix amplifies noise by its norm, and pulls apart what the filters brought together', () => {
  const colour = [0.7, 0.3, 0.4] as const;
  const at = (saturation: number) =>
    takePicture(flat(colour), SIZE, { ...PLAIN, electrons: 40_000, saturation }, 21);
  const saturation = 1.2;
  const { variance } = moments(sensed(at(saturation), 0));
  // Each filter sees (colour + saturation mean) / (1 + saturation). At a red pixel, bilinear demosaicing makes green the mean of
  // four samples, and blue too. The matrix has 1 + 2/3 saturation on its diagonal and -saturation / 3 beside it.
  const light = colour.map(linear);
  const mean = light.reduce((sum, value) => sum + value, 0) / 3;
  const [red = 0, green = 0, blue = 0] = light.map(
    (value) => (value + saturation * mean) / (1 + saturation) / 40_000,
  );
  const beside = (saturation / 3) ** 2 / 4;
  const expected = (1 + (2 / 3) * saturation) ** 2 * red + beside * (green + blue);
  expectBelow(Math.abs(variance / expected - 1), 5 * Math.sqrt(2 / 16_384), 'variance of red');
});

test('optics: a wave loses contrast as the Gaussian says', () => {
  const size = { width: 96, height: 32 };
  for (const [frequency, optics] of [
    [1 / 4, 0.65],
    [1 / 8, 0.65],
    [1 / 8, 1.2],
  ] as const) {
    const wave = (x: number) => 0.5 + 0.2 * Math.cos(2 * Math.PI * frequency * x);
    const scene = Float32Array.from({ length: 3 * 96 * 32 }, (_, i) => gammaOf(wave(i % 96)));
    const { clean } = takePicture(scene, size, { ...PLAIN, optics }, 1);
    // Green pixels keep what they saw. Row 16 has them at odd places, row 17 at even ones.
    const row = [...Array(32).keys()].map((k) => {
      const x = 32 + k;
      return linear(clean[96 * 32 + (bayerChannel(x, 16) === 1 ? 16 : 17) * 96 + x] as number);
    });
    const sum = row.reduce((all, value, k) => all + value * Math.cos(2 * Math.PI * frequency * k), 0);
    const contrast = (sum / 32) * 2;
    const expected = 0.2 * Math.exp(-2 * (Math.PI * frequency * optics) ** 2);
    // A Gaussian of 0.65 pixels that is sampled at pixels keeps 1.5% more at a quarter of a cycle.
    expectBelow(Math.abs(contrast / expected - 1), 0.02, `frequency ${frequency}, optics ${optics}`);
  }
});

test('noise falls with the light, and with the ISO value by what it says', async () => {
  const { data, width, height } = await photo('chelsea.png', { left: 120, top: 40, width: 128, height: 96 });
  const scene = planar(data);
  const noiseAt = (iso: number) => {
    // An edge-aware demosaicing turns elsewhere for a little noise, which adds errors that do not grow with it.
    const settings = { ...cameraAt(iso), demosaic: 'bilinear' } as const;
    const { clean, noisy } = takePicture(scene, { width, height }, settings, 3);
    return rmsDifference(clean, noisy);
  };
  // Photon noise dominates: four times the ISO value is a quarter of the photons, twice the noise.
  expectBelow(Math.abs(noiseAt(1600) / noiseAt(400) - 2), 0.15, 'ISO 1600 over 400');
  expectBelow(Math.abs(noiseAt(6400) / noiseAt(1600) - 2), 0.25, 'ISO 6400 over 1600');
});

test('the truth has no noise: the same for every seed and ISO; the seed makes the noise', async () => {
  const { data, width, height } = await photo('coffee.png', { left: 200, top: 100, width: 64, height: 48 });
  const shot = (iso: number, seed: number) =>
    takePicture(planar(data), { width, height }, cameraAt(iso), seed);
  assert.equal(shot(400, 1).clean, shot(51_200, 2).clean);
  assert.equal(shot(3200, 7).noisy, shot(3200, 7).noisy);
  assert.not.equal(shot(3200, 7).noisy, shot(3200, 8).noisy);
  const all = [...shot(51_200, 2).noisy, ...shot(51_200, 2).clean];
  assert.ok(all.every((value) => value >= 0 && value <= 1));
});

test.run();
