// How bright small blocks of a colour picture are, and how much noise is in the highest frequencies of what differs
// between their channels. What fit-noise.ts looks at.
import { setImmediate } from 'node:timers/promises';
import { toOpponents } from '../../model/opponents.js';
import { AREA, coloursOf, type NoisyPicture, readBlock, SIDE, scaleOf } from '../../noisy-picture.js';
import { transform } from './block-dct.js';

const MOST_BLOCKS = 4096;
/** Blocks between two turns of the event loop: a few milliseconds. */
const CHUNK = 256;
const WHITE = 255;
/** Zeros are no sign of clipping where no other sample is below this, 8-bit units: they are counts of no photons. */
const LEAST_STEP = 1.5;

/** The highest frequencies of both directions. */
const CORNER = Uint8Array.from(
  Array.from({ length: AREA }, (_, k) => k).filter((k) => k >> 3 >= 4 && (k & 7) >= 4),
);

/** Mean square of some coefficients of the block at `at`. */
function power(blocks: Float64Array, at: number, set: Uint8Array): number {
  let sum = 0;
  for (let i = 0; i < set.length; i++) {
    const value = blocks[at + (set[i] as number)] as number;
    sum += value * value;
  }
  return sum / set.length;
}

/** By block; powers are mean squares in 8-bit units squared. */
export interface Blocks {
  readonly count: number;
  /** Of all its samples, 8-bit units. */
  readonly means: Float64Array;
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

function measurePowers(samples: Float64Array, n: number, { difference }: Arrays): void {
  for (let channel = 1; channel * AREA < samples.length; channel++) {
    transform(samples, channel * AREA);
    difference[n] = (difference[n] as number) + power(samples, channel * AREA, CORNER) / 2;
  }
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
  const blocks: Arrays = {
    count,
    means: numbers(),
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
    readBlock(picture, scale, (n % columns) * step, Math.floor(n / columns) * step, samples);
    measureSamples(samples, n, blocks, seen);
    if (colours === 3) toOpponents(samples, AREA);
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
