// Grey pictures, also those stored as RGB, under a colour prior. Three copies of a grey tile carry the same noise three times,
// which the prior does not expect. So noise is added between the channels until it has the same strength, sqrt(3) sigma, in
// every direction of colour space. The mean of the channels is still the grey tile.
import { setImmediate } from 'node:timers/promises';
import { gaussianGenerator } from '../../core/noise/random.js';
import { blankLike, copyOf, type Picture, type Samples } from '../../core/picture.js';

/** The noise level of a completed tile, relative to the grey picture's. */
export const COMPLETED_NOISE = Math.sqrt(3);

/** The noise that reaches the prior, relative to the tile's. */
export function noiseScale(channels: number): number {
  return channels === 1 ? COMPLETED_NOISE : 1;
}

/** Pixels between two yields to the event loop: a few milliseconds. */
const CHUNK = 1 << 19;

/** [H W] -> [3, H W]: three copies plus sqrt(3) sigma (n_c - mean of n), n standard normal. */
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

/** Runs `work` on consecutive ranges [from, to) of `pixels` until it returns false. Yields to the event loop in between. */
export async function inChunks(pixels: number, work: (from: number, to: number) => unknown): Promise<void> {
  for (let from = 0; from < pixels; from += CHUNK) {
    await setImmediate();
    if (work(from, Math.min(pixels, from + CHUNK)) === false) return;
  }
}

/** An RGB or RGBA picture with three equal channels as one channel, without alpha; any other picture itself. */
export async function asGrey<S extends Samples>(picture: Picture<S>): Promise<Picture<S>> {
  const { data, width, height, channels } = picture;
  let isGrey = channels >= 3;
  // Most pictures differ at one of the first pixels.
  await inChunks(width * height, (from, to) => {
    for (let i = from * channels; isGrey && i < to * channels; i += channels)
      isGrey = data[i] === data[i + 1] && data[i] === data[i + 2];
    return isGrey;
  });
  if (!isGrey) return picture;
  const grey = blankLike(data, width * height);
  await inChunks(width * height, (from, to) => {
    for (let i = from; i < to; i++) grey[i] = data[i * channels] as number;
  });
  return { data: grey, width, height, channels: 1 };
}

/** A copy of the picture with the grey samples in all colour channels; alpha stays. */
export async function withGrey<S extends Samples>({ data, channels }: Picture<S>, grey: S): Promise<S> {
  const colour = copyOf(data);
  await inChunks(grey.length, (from, to) => {
    for (let i = from; i < to; i++) colour.fill(grey[i] as number, i * channels, i * channels + 3);
  });
  return colour;
}
