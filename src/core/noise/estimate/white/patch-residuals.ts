// Small patches of a picture reduced to two numbers, for fit-noise.ts: how bright, and how much noise. The noise is read in the
// highest frequencies of both directions, and in colour pictures from the differences between channels only. Grey texture
// reaches higher frequencies than that of the differences, so patches of a grey picture are larger.
import { setImmediate } from 'node:timers/promises';
import { colourChannels, evenly, type Picture, whiteLevel } from '../../../picture.js';
import { toOpponents } from '../../model/opponents.js';
import * as blocks from './blocks.js';

export interface PatchResiduals {
  /** Mean of each patch, over its channels, 8-bit units. */
  readonly means: Float64Array;
  /** Variance of the noise and of what texture there is, 8-bit units squared. */
  readonly variances: Float64Array;
  /** Each variance is the mean square of this many coefficients: chi squared, were there only noise. */
  readonly degrees: number;
  /** No patch has a larger part of its samples clipped than this. */
  readonly clipped: number;
}

/** All patches of a picture. */
interface Patches extends Omit<PatchResiduals, 'clipped'> {
  /** By patch: the part of its samples that are black or white, where those stand for everything beyond. */
  readonly clipped: Float64Array;
}

/** A patch with more than this part of its samples at black or white is left out: clipped noise is weaker. */
const CLIPPED = 0.02;
/** Unless fewer patches than this are left: then the least clipped are taken, up to a part that tells nothing. */
const WANTED = 300;
const MOST_CLIPPED = 0.2;
/** 8-bit units squared. A variance of 0 is that of a flat patch without noise: drawn, or wholly clipped. It has no logarithm. */
const LEAST_VARIANCE = 1e-9;
/** Patches between two turns of the event loop: a few milliseconds. */
const CHUNK = 256;
const WHITE = 255;
/** Zeros are no sign of clipping where no other sample is below this, 8-bit units: they are counts of no photons. */
const LEAST_STEP = 1.5;

/** Mean and noise variance of the patches of a picture that tell something. */
export async function patchResiduals(picture: Picture): Promise<PatchResiduals> {
  const isGrey = colourChannels(picture.channels) === 1;
  const { means, variances, degrees, clipped } = await (isGrey ? greyPatches : colourPatches)(picture);
  const most = Math.min(MOST_CLIPPED, Math.max(CLIPPED, clipped.slice().sort()[WANTED] ?? 1));
  const isUsed = (_: number, n: number) =>
    (clipped[n] as number) <= most && (variances[n] as number) > LEAST_VARIANCE;
  return {
    means: means.filter(isUsed),
    variances: variances.filter(isUsed),
    degrees,
    clipped: most <= CLIPPED ? 0 : most,
  };
}

function blankPatches(count: number, degrees: number): Patches {
  const zeros = () => new Float64Array(count);
  return { means: zeros(), variances: zeros(), degrees, clipped: zeros() };
}

/** So many patches of `side` pixels, `step` apart, lie along a length. */
const along = (length: number, side: number, step: number) =>
  Math.max(0, Math.floor((length - side) / step) + 1);

const MOST_BLOCKS = 4096;
/** The highest frequencies of both directions. */
const CORNER = Array.from({ length: blocks.AREA }, (_, k) => k).filter((k) => k >> 3 >= 4 && (k & 7) >= 4);

/** Up to 4096 blocks of 8 x 8 on an even grid; their variances are means over two chroma planes. */
async function colourPatches(picture: Picture): Promise<Patches> {
  const { AREA, SIDE } = blocks;
  const { width, height } = picture;
  const step = Math.max(SIDE, Math.ceil(Math.sqrt((width * height) / MOST_BLOCKS)));
  const columns = along(width, SIDE, step);
  const count = columns * along(height, SIDE, step);
  const patches = blankPatches(count, 2 * CORNER.length);
  const { means, variances, clipped } = patches;
  const [blacks, whites] = [new Uint8Array(count), new Uint8Array(count)];
  const samples = new Float64Array(3 * AREA);
  let [isBelow, isAbove, least] = [false, false, Number.POSITIVE_INFINITY];
  for (let n = 0; n < count; n++) {
    if (n % CHUNK === 0) await setImmediate();
    blocks.readBlock(picture, (n % columns) * step, Math.floor(n / columns) * step, samples);
    let [sum, black, white] = [0, 0, 0];
    for (let i = 0; i < samples.length; i++) {
      const value = samples[i] as number;
      sum += value;
      if (value === 0) black++;
      else if (value < 0) isBelow = true;
      else if (value < least) least = value;
      if (value === WHITE) white++;
      else if (value > WHITE) isAbove = true;
    }
    means[n] = sum / samples.length;
    [blacks[n], whites[n]] = [black, white];
    toOpponents(samples, AREA);
    for (const at of [AREA, 2 * AREA]) {
      blocks.transform(samples, at);
      let squares = 0;
      for (const k of CORNER) squares += (samples[at + k] as number) * (samples[at + k] as number);
      variances[n] = (variances[n] as number) + squares / CORNER.length / 2;
    }
  }
  const isClippedAtBlack = !isBelow && least <= LEAST_STEP;
  for (let n = 0; n < count; n++)
    clipped[n] =
      ((isClippedAtBlack ? (blacks[n] as number) : 0) + (isAbove ? 0 : (whites[n] as number))) /
      samples.length;
  return patches;
}

const SIDE = 16;
const HALF = SIDE / 2;
const AREA = SIDE * SIDE;
/** So many of the highest frequencies each way are read. */
const HIGH = 6;
const STRIDE = 8;
/** Patches at most, evenly spread: a larger picture costs no more. */
const MOST = 3072;
/** Samples that are looked at to tell whether a picture is clipped. */
const LOOKED_AT = 1 << 18;

/** The first halves of the last rows of the orthonormal DCT-II, [HIGH, HALF]; even rows are even, odd ones odd. */
const BASIS = Float64Array.from({ length: HIGH * HALF }, (_, i) => {
  const frequency = SIDE - HIGH + Math.floor(i / HALF);
  return Math.sqrt(2 / SIDE) * Math.cos((Math.PI * frequency * (2 * (i % HALF) + 1)) / (2 * SIDE));
});

const sums = new Float64Array(HALF);
const differences = new Float64Array(HALF);

/** The highest coefficients of the 16 numbers at `from`, `step` apart, to `to`, `outStep` apart. */
function highest(
  input: Float64Array,
  from: number,
  step: number,
  output: Float64Array,
  to: number,
  outStep: number,
): void {
  for (let i = 0; i < HALF; i++) {
    const a = input[from + i * step] as number;
    const b = input[from + (SIDE - 1 - i) * step] as number;
    sums[i] = a + b;
    differences[i] = a - b;
  }
  for (let f = 0; f < HIGH; f++) {
    const half = f % 2 === 0 ? sums : differences;
    let sum = 0;
    for (let i = 0; i < HALF; i++) sum += (BASIS[f * HALF + i] as number) * (half[i] as number);
    output[to + f * outStep] = sum;
  }
}

const columns = new Float64Array(HIGH * SIDE);
const coefficients = new Float64Array(HIGH * HIGH);

/** Mean square of the [HIGH, HIGH] highest coefficients. */
function highestPower(patch: Float64Array): number {
  for (let x = 0; x < SIDE; x++) highest(patch, x, SIDE, columns, x, SIDE);
  for (let f = 0; f < HIGH; f++) highest(columns, f * SIDE, 1, coefficients, f * HIGH, 1);
  return coefficients.reduce((sum, value) => sum + value ** 2, 0) / coefficients.length;
}

/** The sample values that stand for everything beyond them; NaN if samples go beyond 0 or white. */
function clippingLevels({ data, channels }: Picture): { black: number; white: number } {
  const white = whiteLevel(data);
  let [isBelow, isAbove, least] = [false, false, Number.POSITIVE_INFINITY];
  const stride = channels * Math.max(1, Math.floor(data.length / channels / LOOKED_AT));
  for (let i = 0; i < data.length; i += stride) {
    const value = data[i] as number;
    if (value < 0) isBelow = true;
    else if (value > white) isAbove = true;
    else if (value > 0 && value < least) least = value;
  }
  return {
    black: isBelow || least > (LEAST_STEP / WHITE) * white ? Number.NaN : 0,
    white: isAbove ? Number.NaN : white,
  };
}

/** Patches of 16 x 16, all or 3072 of them, spread evenly. */
async function greyPatches(picture: Picture): Promise<Patches> {
  const { data, width, height, channels } = picture;
  const scale = WHITE / whiteLevel(data);
  const { black, white } = clippingLevels(picture);
  const across = along(width, SIDE, STRIDE);
  const all = across * along(height, SIDE, STRIDE);
  const places = evenly(all, MOST);
  const patches = blankPatches(places.length, HIGH * HIGH);
  const samples = new Float64Array(AREA);
  for (const [n, place] of places.entries()) {
    if (n % CHUNK === 0) await setImmediate();
    const corner = Math.floor(place / across) * STRIDE * width + (place % across) * STRIDE;
    let [sum, clipped] = [0, 0];
    for (let i = 0; i < AREA; i++) {
      const value = data[(corner + (i >> 4) * width + (i & 15)) * channels] as number;
      if (value === black || value === white) clipped++;
      samples[i] = value * scale;
      sum += value;
    }
    patches.means[n] = (sum * scale) / AREA;
    patches.variances[n] = highestPower(samples);
    patches.clipped[n] = clipped / AREA;
  }
  return patches;
}
