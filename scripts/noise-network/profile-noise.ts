// Noise of a given profile, to test and train with. Its power spectrum is the profile's exactly, not only band by band:
// cos^2(pi f), the bands' lowpass (bands.ts), is the power of the mean of two neighbours, and 1 - cos^2(pi f) that of half
// their difference, so each band is made of white planes by means and differences.

import { BANDS } from '#src/core/noise/model/bands.js';
import { type NoiseProfile, varianceAt } from '#src/core/noise/model/noise-profile.js';
import { fromOpponents } from '#src/core/noise/model/opponents.js';
import { gaussianGenerator } from '#src/core/noise/random.js';
import type { Size } from '#src/core/picture.js';

/** How far the coarsest sample reaches: 1 + 2 + 4 pixels, and as much for a difference at the last step. */
const REACH = 2 ** (BANDS - 1);

/** `own` x[i] + `other` x[i + offset]; the last `offset` samples are left out of use by the caller's margin. */
function combined(plane: Float32Array, offset: number, own: number, other: number): Float32Array {
  const out = new Float32Array(plane.length);
  for (let i = 0; i + offset < plane.length; i++)
    out[i] = own * (plane[i] as number) + other * (plane[i + offset] as number);
  return out;
}

/** Noise whose power is the sum over bands of `powers[b]` times the band's response, [H W]. */
function colouredNoise(powers: readonly number[], { width, height }: Size, next: () => number): Float32Array {
  const across = width + REACH;
  const white = (power: number) => {
    const deviation = Math.sqrt(power);
    const plane = new Float32Array(across * (height + REACH));
    for (let i = 0; i < plane.length; i++) plane[i] = deviation * next();
    return plane;
  };
  const mean = (plane: Float32Array, offset: number) => combined(plane, offset, 0.5, 0.5);
  const difference = (plane: Float32Array, offset: number) => combined(plane, offset, 0.5, -0.5);
  let noise: Float32Array = white(powers[BANDS - 1] as number);
  for (let band = BANDS - 2; band >= 0; band--) {
    const [step, power] = [2 ** band, powers[band] as number];
    const low = mean(mean(noise, step), step * across);
    // 1 - cos^2 x cos^2 y = sin^2 x + cos^2 x sin^2 y, from two planes that know nothing of each other.
    const upright = difference(white(power), step);
    const level = difference(mean(white(power), step), step * across);
    noise = low.map((value, i) => value + (upright[i] as number) + (level[i] as number));
  }
  const out = new Float32Array(width * height);
  for (let y = 0; y < height; y++) out.set(noise.subarray(y * across, y * across + width), y * width);
  return out;
}

/**
 * The picture with noise of the profile added, not clipped.
 *
 * @param clean  planar [C, H, W] in [0, 1], C the number of the profile's channels; not modified
 * @param seed   an integer from 0 to 2^32 - 1
 */
export function addProfileNoise(
  clean: Float32Array,
  size: Size,
  profile: NoiseProfile,
  seed: number,
): Float32Array {
  const plane = size.width * size.height;
  const channels = profile.channels.length;
  const next = gaussianGenerator(seed);
  const noise = new Float32Array(clean.length);
  for (const [c, channel] of profile.channels.entries()) {
    const unit = colouredNoise(channel.spectrum, size, next);
    for (let i = 0; i < plane; i++) {
      let brightness = 0;
      for (let k = 0; k < channels; k++) brightness += (clean[k * plane + i] as number) / channels;
      noise[c * plane + i] = (unit[i] as number) * Math.sqrt(varianceAt(profile, channel, brightness));
    }
  }
  fromOpponents(noise, plane);
  return clean.map((value, i) => value + (noise[i] as number));
}
