// Noise of a profile, drawn in frequency space: independent of how profiles are measured and used.
import { BANDS, bandResponse } from '#src/core/noise/model/bands.js';
import { type NoiseProfile, varianceAt } from '#src/core/noise/model/noise-profile.js';
import { brightnessOf, fromOpponents } from '#src/core/noise/model/opponents.js';
import { gaussianGenerator } from '#src/core/noise/random.js';

/** Gaussian noise of one channel with variance 1 and a spectrum, periodic. [side, side] */
function noiseOfSpectrum(spectrum: readonly number[], side: number, seed: number): Float64Array {
  const next = gaussianGenerator(seed);
  const re = Float64Array.from({ length: side * side }, next);
  const im = new Float64Array(side * side);
  transform2d(re, im, side, -1);
  for (let y = 0; y < side; y++)
    for (let x = 0; x < side; x++) {
      let power = 0;
      for (let b = 0; b < BANDS; b++)
        power += (spectrum[b] as number) * bandResponse(b, BANDS - 1, x / side, y / side);
      const at = y * side + x;
      re[at] = (re[at] as number) * Math.sqrt(power);
      im[at] = (im[at] as number) * Math.sqrt(power);
    }
  transform2d(re, im, side, 1);
  return re.map((value) => value / (side * side));
}

/** The discrete Fourier transform along rows, then columns, in place; `side` is a power of 2. */
function transform2d(re: Float64Array, im: Float64Array, side: number, sign: 1 | -1): void {
  const [lineRe, lineIm] = [new Float64Array(side), new Float64Array(side)];
  for (const [step, stride] of [
    [1, side],
    [side, 1],
  ] as const)
    for (let line = 0; line < side; line++) {
      for (let k = 0; k < side; k++) {
        lineRe[k] = re[line * stride + k * step] as number;
        lineIm[k] = im[line * stride + k * step] as number;
      }
      transform(lineRe, lineIm, sign);
      for (let k = 0; k < side; k++) {
        re[line * stride + k * step] = lineRe[k] as number;
        im[line * stride + k * step] = lineIm[k] as number;
      }
    }
}

/** Cooley and Tukey 1965, in place. */
function transform(re: Float64Array, im: Float64Array, sign: 1 | -1): void {
  const length = re.length;
  for (let i = 1, j = 0; i < length; i++) {
    let bit = length >> 1;
    for (; j & bit; bit >>= 1) j ^= bit;
    j ^= bit;
    if (i >= j) continue;
    for (const part of [re, im]) [part[i], part[j]] = [part[j] as number, part[i] as number];
  }
  for (let size = 2; size <= length; size *= 2)
    for (let k = 0; k < size / 2; k++) {
      const angle = (sign * 2 * Math.PI * k) / size;
      const [c, s] = [Math.cos(angle), Math.sin(angle)];
      for (let low = k; low < length; low += size) {
        const high = low + size / 2;
        const [a, b] = [re[high] as number, im[high] as number];
        const [turnedRe, turnedIm] = [a * c - b * s, a * s + b * c];
        re[high] = (re[low] as number) - turnedRe;
        im[high] = (im[low] as number) - turnedIm;
        re[low] = (re[low] as number) + turnedRe;
        im[low] = (im[low] as number) + turnedIm;
      }
    }
}

/**
 * A clean picture with noise of a profile, not clipped.
 *
 * @param clean  planar [C, side, side], [0, 1]
 */
export function withNoiseOf(
  profile: NoiseProfile,
  clean: Float32Array,
  side: number,
  seed: number,
): Float32Array {
  const plane = side * side;
  const brightness = brightnessOf({ data: clean, channels: profile.channels.length });
  const noise = new Float32Array(clean.length);
  for (const [c, channel] of profile.channels.entries()) {
    const drawn = noiseOfSpectrum(channel.spectrum, side, seed * 31 + c);
    for (let i = 0; i < plane; i++)
      noise[c * plane + i] =
        (drawn[i] as number) * Math.sqrt(varianceAt(profile, channel, brightness[i] as number));
  }
  fromOpponents(noise, plane);
  return noise.map((value, i) => value + (clean[i] as number));
}
