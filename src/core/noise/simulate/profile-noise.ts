// Noise of a given profile, to test and train with.
import { BANDS, splitIntoBands } from '../model/bands.js';
import { type NoiseProfile, varianceAt } from '../model/noise-profile.js';
import { fromOpponents } from '../model/opponents.js';
import { gaussianGenerator } from '../random.js';

/**
 * The picture with noise of the profile added, not clipped.
 *
 * @param clean  planar [C, H, W] in [0, 1], C the number of the profile's channels; not modified
 * @param seed   an integer from 0 to 2^32 - 1
 */
export function addProfileNoise(
  clean: Float32Array,
  { width, height }: { readonly width: number; readonly height: number },
  profile: NoiseProfile,
  seed: number,
): Float32Array {
  const plane = width * height;
  const channels = profile.channels.length;
  const next = gaussianGenerator(seed);
  const noise = new Float32Array(clean.length);
  for (const [c, channel] of profile.channels.entries()) {
    const white = Float32Array.from({ length: plane }, next);
    const bands = splitIntoBands(white, width, height, BANDS - 1);
    const gains = channel.spectrum.map(Math.sqrt);
    for (let i = 0; i < plane; i++) {
      let brightness = 0;
      for (let k = 0; k < channels; k++) brightness += (clean[k * plane + i] as number) / channels;
      let sum = 0;
      for (let b = 0; b < BANDS; b++) sum += (gains[b] as number) * ((bands[b] as Float32Array)[i] as number);
      noise[c * plane + i] = sum * Math.sqrt(varianceAt(profile, channel, brightness));
    }
  }
  fromOpponents(noise, plane);
  return clean.map((value, i) => value + (noise[i] as number));
}
