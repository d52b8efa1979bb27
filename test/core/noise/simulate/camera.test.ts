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

test('contrast, saturation: the closed form at a flat colour', () => {
  const colour = [0.3, 0.5, 0.7] as const;
  const settings = { ...PLAIN, contrast: 0.6, saturation: 0.5, smoothing: { luma: 1, chroma: 2 } };
  const { clean } = takePicture(
    flat(colour, { width: 16, height: 16 }),
    { width: 16, height: 16 },
    settings,
    1,
  );
  const light = colour.map(linear);
  const mean = light.reduce((sum, value) => sum + value, 0) / 3;
  for (const [c, value] of light.entries()) {
    const y = gammaOf(Math.max(0, value + 0.5 * (value - mean)));
    const expected = y + 0.6 * (y * y * (3 - 2 * y) - y);
    expectBelow(Math.abs((clean[c * 256 + 120] as number) - expected), 1e-4, `channel ${c}`);
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
