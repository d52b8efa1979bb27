// The DCT powers of small blocks of a picture, band by band, in opponent colours. What correlation.ts and, in colour,
// fit-noise.ts look at; each block is read once for both.
import { setImmediate } from 'node:timers/promises';
import { transform } from './block-dct.js';
import {
  AREA,
  coloursOf,
  type NoisyPicture,
  readBlock,
  SIDE,
  scaleOf,
  toOpponents,
} from './noisy-picture.js';

const MOST_BLOCKS = 4096;
/** Blocks between two turns of the event loop: a few milliseconds. */
export const CHUNK = 256;
const WHITE = 255;
/** Zeros are no sign of clipping where no other sample is below this, 8-bit units: they are counts of no photons. */
const LEAST_STEP = 1.5;

/** Diagonal of a coefficient: its row plus its column. */
export const order = (k: number) => (k >> 3) + (k & 7);
export const indices = Array.from({ length: AREA }, (_, k) => k);
const places = (is: (k: number) => boolean) => Uint8Array.from(indices.filter(is));
const LOW = places((k) => order(k) >= 1 && order(k) <= 2);
const MID = places((k) => order(k) >= 2 && order(k) <= 5);
const HIGH = places((k) => order(k) >= 9);
/** The highest frequencies of both directions. */
const CORNER = places((k) => k >> 3 >= 4 && (k & 7) >= 4);

/** Mean square of some coefficients of the block at `at`. */
function power(blocks: Float64Array, at: number, set: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < set.length; i++) {
    const value = blocks[at + (set[i] as number)] as number;
    sum += value * value;
  }
  return sum / set.length;
}

/** By block; powers are mean squares in 8-bit units squared, by opponent channel (0: brightness, or grey). */
export interface Blocks {
  readonly count: number;
  /** Left and top pixel of each. */
  readonly x: Uint32Array;
  readonly y: Uint32Array;
  /** Of all its samples, 8-bit units. */
  readonly means: Float64Array;
  /** Low frequencies of all channels: how flat the block is. */
  readonly low: Float64Array;
  readonly mid: readonly Float64Array[];
  readonly high: readonly Float64Array[];
  /** The highest frequencies of both directions of what differs between the channels. */
  readonly difference: Float64Array;
  /** Coefficients that `difference` is the mean of. */
  readonly differenceDegrees: number;
  /** The share of samples that are black or white, where those stand for everything beyond. */
  readonly clipped: Float64Array;
}

/** What the samples of all blocks were: whether the picture is clipped at black, and at white. */
interface Extremes {
  isBelow: boolean;
  isAbove: boolean;
  /** The least above 0. */
  least: number;
}

type Arrays = Blocks & { readonly black: Uint8Array; readonly white: Uint8Array };

function measureSamples(samples: Float64Array, n: number, { means, black, white }: Arrays, seen: Extremes) {
  let sum = 0;
  let blacks = 0;
  let whites = 0;
  for (let i = 0; i < samples.length; i++) {
    const value = samples[i] as number;
    sum += value;
    if (value <= 0) {
      if (value === 0) blacks++;
      else seen.isBelow = true;
    } else if (value >= WHITE) {
      if (value === WHITE) whites++;
      else seen.isAbove = true;
    } else if (value < seen.least) seen.least = value;
  }
  means[n] = sum / samples.length;
  black[n] = blacks;
  white[n] = whites;
}

function measurePowers(samples: Float64Array, n: number, { low, mid, high, difference }: Arrays): void {
  let flatness = 0;
  for (let channel = 0; channel < mid.length; channel++) {
    const at = channel * AREA;
    transform(samples, at);
    flatness += power(samples, at, LOW);
    (mid[channel] as Float64Array)[n] = power(samples, at, MID);
    (high[channel] as Float64Array)[n] = power(samples, at, HIGH);
    if (channel > 0) difference[n] = (difference[n] as number) + power(samples, at, CORNER) / 2;
  }
  low[n] = flatness;
}

/** Reads up to 4096 blocks on an even grid. */
export async function measureBlocks(picture: NoisyPicture): Promise<Blocks> {
  const { width, height } = picture;
  const colours = coloursOf(picture);
  const step = Math.max(SIDE, Math.ceil(Math.sqrt((width * height) / MOST_BLOCKS)));
  const along = (length: number) => Math.max(0, Math.floor((length - SIDE) / step) + 1);
  const columns = along(width);
  const count = columns * along(height);
  const numbers = () => new Float64Array(count);
  const lists = () => Array.from({ length: colours }, numbers);
  const blocks: Arrays = {
    count,
    x: Uint32Array.from({ length: count }, (_, n) => (n % columns) * step),
    y: Uint32Array.from({ length: count }, (_, n) => Math.floor(n / columns) * step),
    means: numbers(),
    low: numbers(),
    mid: lists(),
    high: lists(),
    difference: numbers(),
    differenceDegrees: (colours - 1) * CORNER.length,
    clipped: numbers(),
    black: new Uint8Array(count),
    white: new Uint8Array(count),
  };
  const scale = scaleOf(picture);
  const samples = new Float64Array(colours * AREA);
  const seen: Extremes = { isBelow: false, isAbove: false, least: Number.POSITIVE_INFINITY };
  for (let n = 0; n < count; n++) {
    if (n % CHUNK === 0) await setImmediate();
    readBlock(picture, scale, blocks.x[n] as number, blocks.y[n] as number, samples);
    measureSamples(samples, n, blocks, seen);
    if (colours === 3) toOpponents(samples);
    measurePowers(samples, n, blocks);
  }
  const isClippedAtBlack = !seen.isBelow && seen.least <= LEAST_STEP;
  for (let n = 0; n < count; n++) {
    const black = isClippedAtBlack ? (blocks.black[n] as number) : 0;
    const white = seen.isAbove ? 0 : (blocks.white[n] as number);
    blocks.clipped[n] = (black + white) / samples.length;
  }
  return blocks;
}
