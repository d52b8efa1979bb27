// The bands of a noise profile: a split that sums up, powers that come back from what is measured, and noise of a profile
// that has the profile's spectrum, by frequencies and not by the same filters alone.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  BAND_SHARES,
  BANDS,
  bandPowers,
  bandResponse,
  DETAIL_POWERS,
  MEASURED,
  splitIntoBands,
} from '#src/core/noise/model/bands.js';
import {
  type NoiseProfile,
  normalizeSpectrum,
  strongestLevel255,
  varianceAt,
  whiteProfile,
} from '#src/core/noise/model/noise-profile.js';
import { toOpponents } from '#src/core/noise/model/opponents.js';
import { addProfileNoise } from '../../../../scripts/noise-network/profile-noise.js';
import { expectBelow, largestDifference, relativeDifference } from '../../flow/differences.js';
import { randomNumbers } from '../../flow/random-weights.js';
import { detailsOf } from '../details-of.js';

const SPECTRA = [
  [1, 1, 1, 1],
  [0.02, 1, 3, 2],
  [0.1, 1, 6, 20],
  [20, 5, 1, 0.2],
].map((powers) => normalizeSpectrum(powers).spectrum);

test('the bands of a plane sum up to it, at sizes smaller than the kernels too', () => {
  for (const [width, height] of [
    [37, 23],
    [5, 64],
    [1, 9],
    [1, 1],
  ] as const)
    for (const details of [BANDS - 1, MEASURED]) {
      const plane = Float32Array.from(randomNumbers(width * height, 1, width + height));
      const bands = splitIntoBands(plane, width, height, details);
      assert.is(bands.length, details + 1);
      const sum = plane.map((_, i) => bands.reduce((total, band) => total + (band[i] as number), 0));
      expectBelow(largestDifference(sum, plane), 1e-5, `${width} x ${height}, ${details}`);
    }
});

test('a wave goes through each band as much as its response says', () => {
  const [width, height] = [96, 96];
  for (const [across, down] of [
    [3, 0],
    [12, 7],
    [30, 41],
    [48, 48],
  ] as const) {
    const wave = Float32Array.from({ length: width * height }, (_, i) =>
      Math.cos((2 * Math.PI * (across * (i % width) + down * Math.floor(i / width))) / width),
    );
    const bands = splitIntoBands(wave, width, height, MEASURED);
    for (const [b, band] of bands.entries()) {
      const response = bandResponse(b, MEASURED, across / width, down / height);
      // Away from the borders, where reflection makes another wave of it.
      for (const i of [40 * width + 40, 47 * width + 52, 55 * width + 44])
        expectBelow(
          Math.abs((band[i] as number) - response * (wave[i] as number)),
          1e-5,
          `band ${b} of ${across}, ${down}`,
        );
    }
  }
});

test('shares of the bands sum to 1, and white noise has the stated power in every detail', () => {
  expectBelow(Math.abs(BAND_SHARES.reduce((sum, share) => sum + share, 0) - 1), 1e-12, 'shares');
  const side = 512;
  const white = Float32Array.from(randomNumbers(side * side, 1, 4));
  const bands = splitIntoBands(white, side, side, MEASURED);
  for (let m = 0; m < MEASURED; m++) {
    const band = bands[m] as Float32Array;
    const power = band.reduce((sum, value) => sum + value * value, 0) / band.length;
    // The coarser a detail, the fewer numbers in it are independent.
    expectBelow(Math.abs(power / (DETAIL_POWERS[m] as number) - 1), 0.02 * 2 ** m, `detail ${m}`);
  }
});

test('powers of bands come back from the details of a known spectrum', () => {
  for (const spectrum of SPECTRA)
    for (const scale of [1e-6, 1, 300]) {
      const found = bandPowers(detailsOf(spectrum).map((power) => scale * power));
      for (const [b, power] of spectrum.entries())
        expectBelow(Math.abs((found[b] as number) / (scale * power) - 1), 0.02, `band ${b} of ${spectrum}`);
    }
  assert.ok(bandPowers([0, 0, 0, 0]).every((power) => power >= 0 && power < 1e-9));
  // Details that no spectrum has: still powers.
  assert.ok(bandPowers([0, 1, 0, 1]).every((power) => Number.isFinite(power) && power >= 0));
});

test('a normalized spectrum has the mean power of white noise', () => {
  const { spectrum, power } = normalizeSpectrum([4, 2, 1, 8]);
  const mean = spectrum.reduce((sum, value, b) => sum + value * (BAND_SHARES[b] as number), 0);
  expectBelow(Math.abs(mean - 1), 1e-12, 'mean');
  expectBelow(
    relativeDifference(
      spectrum.map((value) => value * power),
      [4, 2, 1, 8],
    ),
    1e-12,
    'the factor',
  );
  assert.equal(normalizeSpectrum([0, 0, 0, 0]), { spectrum: [1, 1, 1, 1], power: 0 });
});

test('variance over brightness: at knots, between them, beyond them; one knot', () => {
  const channel = { level: [0.1, 0.2, 0.05], spectrum: [1, 1, 1, 1] };
  const profile = { brightness: [0.2, 0.4, 0.8], channels: [channel] };
  const variances = [0, 0.2, 0.3, 0.4, 0.7, 0.8, 1].map((v) => varianceAt(profile, channel, v));
  expectBelow(
    relativeDifference(variances, [0.01, 0.01, 0.025, 0.04, 0.25 * 0.04 + 0.75 * 0.0025, 0.0025, 0.0025]),
    1e-12,
    'variances',
  );
  const white = whiteProfile(0.1, 3);
  assert.ok(white.channels.every((each) => varianceAt(white, each, 0.9) === 0.1 ** 2));
  expectBelow(Math.abs(strongestLevel255(white) - 25.5), 1e-9, 'white noise, 8-bit units');
});

/** The periodogram of a plane at (fx, fy) in cycles per pixel, under a Hann window; white noise of variance 1 has 1. */
function powerAt(
  plane: Float32Array,
  width: number,
  left: number,
  top: number,
  fx: number,
  fy: number,
): number {
  const side = 32;
  const hann = (i: number) => Math.sin((Math.PI * (i + 0.5)) / side) ** 2;
  let [re, im, norm] = [0, 0, 0];
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++) {
      const weight = hann(x) * hann(y);
      const value = weight * (plane[(top + y) * width + left + x] as number);
      const phase = 2 * Math.PI * (fx * x + fy * y);
      re += value * Math.cos(phase);
      im += value * Math.sin(phase);
      norm += weight * weight;
    }
  return (re * re + im * im) / norm;
}

test('noise of a profile has its spectrum, frequency by frequency', () => {
  const side = 320;
  const channel = { level: [0.2], spectrum: SPECTRA[1] as readonly number[] };
  const noise = addProfileNoise(
    new Float32Array(side * side),
    { width: side, height: side },
    { brightness: [0.5], channels: [channel] },
    9,
  );
  for (const [fx, fy] of [
    [0, 0.125],
    [0.25, 0],
    [0.1875, 0.1875],
    [0.5, 0.25],
    [0.0625, 0.0625],
    [0.40625, 0.0625],
  ] as const) {
    let [sum, count] = [0, 0];
    for (let top = 0; top + 32 <= side; top += 32)
      for (let left = 0; left + 32 <= side; left += 32) {
        sum += powerAt(noise, side, left, top, fx, fy) / 0.2 ** 2;
        count += 1;
      }
    const expected = channel.spectrum.reduce(
      (total, p, b) => total + p * bandResponse(b, BANDS - 1, fx, fy),
      0,
    );
    // 100 windows: 10% is a deviation; the window smears what is steep.
    expectBelow(Math.abs(sum / count / expected - 1), 0.3, `${fx}, ${fy}: ${sum / count}, not ${expected}`);
  }
});

test('noise of a profile: levels over brightness and spectra of the opponent channels, from the pixels', () => {
  const side = 256;
  const plane = side * side;
  const profile: NoiseProfile = {
    brightness: [0.2, 0.8],
    channels: [
      { level: [0.02, 0.06], spectrum: SPECTRA[1] as readonly number[] },
      { level: [0.05, 0.05], spectrum: SPECTRA[2] as readonly number[] },
      { level: [0.03, 0], spectrum: SPECTRA[3] as readonly number[] },
    ],
  };
  for (const [brightness, knot] of [
    [0.2, 0],
    [0.8, 1],
  ] as const) {
    const clean = new Float32Array(3 * plane).fill(brightness);
    const noise = addProfileNoise(clean, { width: side, height: side }, profile, 21).map(
      (value) => value - brightness,
    );
    toOpponents(noise, plane);
    for (const [c, { level, spectrum }] of profile.channels.entries()) {
      const details = splitIntoBands(noise.subarray(c * plane, (c + 1) * plane), side, side, MEASURED);
      const expected = detailsOf(spectrum);
      for (let m = 0; m < MEASURED; m++) {
        const band = details[m] as Float32Array;
        const power =
          band.reduce((sum, value) => sum + value * value, 0) / plane / (DETAIL_POWERS[m] as number);
        const wanted = (level[knot] as number) ** 2 * (expected[m] as number);
        // Float32 samples around 0.2 and 0.8 leave some 1e-15 where there is no noise.
        expectBelow(
          Math.abs(power - wanted),
          1e-12 + 0.04 * 2 ** m * wanted,
          `channel ${c}, detail ${m}, knot ${knot}`,
        );
      }
    }
  }
});

test('noise of a profile: a seed repeats it, another does not, and the picture is not changed', () => {
  const clean = new Float32Array(3 * 24 * 16).fill(0.4);
  const noisy = (seed: number) =>
    addProfileNoise(clean, { width: 24, height: 16 }, whiteProfile(0.1, 3), seed);
  assert.equal(noisy(1), noisy(1));
  assert.not.equal(noisy(1), noisy(2));
  assert.ok(clean.every((value) => value === Math.fround(0.4)));
});

test.run();
