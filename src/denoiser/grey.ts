// Grey tiles under a colour prior. Three copies of a grey tile carry the same noise three times, which the prior
// does not expect. Noise between the channels is added until it is the same in every direction of colour space,
// sqrt(3) sigma; the mean of the channels still carries exactly the grey tile.
import { gaussianGenerator } from '../core/noise/random.js';

/** The noise level of a completed tile, in units of the grey picture's. */
export const COMPLETED_NOISE = Math.sqrt(3);

/**
 * [H W] -> [3, H W]: three copies plus sqrt(3) sigma (n_c - mean of n), n standard normal: with the grey noise's
 * own sigma along (1, 1, 1) this is isotropic. Channel means equal the grey tile.
 */
export function completeChroma(grey: Float32Array, sigma: number, seed: number): Float32Array {
  const next = gaussianGenerator(seed);
  const scale = COMPLETED_NOISE * sigma;
  const size = grey.length;
  const colour = new Float32Array(3 * size);
  for (let i = 0; i < size; i++) {
    const [r, g, b] = [next(), next(), next()];
    const mean = (r + g + b) / 3;
    const value = grey[i] as number;
    colour[i] = value + scale * (r - mean);
    colour[size + i] = value + scale * (g - mean);
    colour[2 * size + i] = value + scale * (b - mean);
  }
  return colour;
}

/** [3, H W] -> [H W]: the mean of the channels. */
export function channelMean(colour: Float32Array): Float32Array {
  const size = colour.length / 3;
  const mean = new Float32Array(size);
  for (let i = 0; i < size; i++)
    mean[i] = ((colour[i] as number) + (colour[size + i] as number) + (colour[2 * size + i] as number)) / 3;
  return mean;
}
