// 8x8 patches for the estimate of sigma, spread evenly over the picture: in opponent colours and DCT coefficients. Both
// transforms are orthonormal, so white noise stays white. 8-bit units.
import { setImmediate } from 'node:timers/promises';
import { colourChannels, type Picture } from '../../../picture.js';
import { toOpponents } from '../../model/opponents.js';
import { AREA, readBlock, SIDE, transform } from './blocks.js';

export interface NoisePatches {
  readonly count: number;
  /** How many patches' worth of independent samples there are: less than `count` where patches overlap. */
  readonly independent: number;
  /** 1: grey, alone. 3: luma and two chroma planes. */
  readonly planes: 1 | 3;
  /** [count]: how far the mean of each channel keeps from black and white; -Infinity where all samples are equal. */
  readonly distance: Float64Array;
  /** [count]: the energy of the low and middle frequencies (without the mean), all planes together. */
  readonly structure: Float32Array;
  /** [planes][count, FINE.length]: the fine coefficients, where pictures have least. */
  readonly fine: readonly Float32Array[];
  /** [planes][count]: the sum of the squares of `fine`. */
  readonly fineEnergy: readonly Float64Array[];
  /** [count, planes]: the share of the noise's variance that clipping took, by channel (grey, or R, G and B). */
  readonly lost: Float32Array;
  /** Whether clipping is possible: no sample lies below black or above white. */
  readonly isInRange: boolean;
}

/** Patches to take at most; an estimate costs the same for every larger picture. */
const MAX_PATCHES = 3072;
const WHITE = 255;
/** Rounding of a float that stands for white. */
const BEYOND = 1e-3;
const LEAST_STEP = 4;
/** Patches between two turns of the event loop: a few milliseconds. */
const CHUNK = 512;
/** RGB pictures whose channels differ by no more than this anywhere are grey ones. */
const GREY_TOLERANCE = 2;

/** Row-major places in the DCT, by the sum of the frequencies. */
const places = (from: number, to: number) =>
  Uint8Array.from({ length: AREA }, (_, k) => k).filter((k) => {
    const order = (k >> 3) + (k & 7);
    return order >= from && order <= to;
  });
export const STRUCTURE = places(1, 5);
export const FINE = places(SIDE, 2 * SIDE);

type Corner = readonly [x: number, y: number];

/** Starts of patches along a side: the first and the last at the edges. */
function starts(length: number, count: number): number[] {
  const last = length - SIDE;
  if (count < 2) return [last >> 1];
  return Array.from({ length: count }, (_, i) => Math.round((i * last) / (count - 1)));
}

/** The upper left corners of patches on an even grid, the same ones for every picture of a size. */
function chooseCorners({ width, height }: Picture): Corner[] {
  const [w, h] = [width - SIDE, height - SIDE];
  if (w < 0 || h < 0) return [];
  let step = LEAST_STEP;
  const along = (length: number) => 1 + Math.floor(length / step);
  while (along(w) * along(h) > MAX_PATCHES) step *= 1.02;
  const xs = starts(width, along(w));
  return starts(height, along(h)).flatMap((y) => xs.map((x) => [x, y] as const));
}

/** Calls `visit` with the samples of each patch until it returns false; turns the event loop. */
async function eachPatch(
  picture: Picture,
  corners: readonly Corner[],
  visit: (samples: Float64Array) => unknown,
): Promise<void> {
  const samples = new Float64Array(colourChannels(picture.channels) * AREA);
  for (const [n, [x, y]] of corners.entries()) {
    if (n % CHUNK === CHUNK - 1) await setImmediate();
    readBlock(picture, x, y, samples);
    if (visit(samples) === false) return;
  }
}

/** Whether an RGB patch has equal channels, give or take what a JPEG leaves. */
function isGreyPatch(rgb: Float64Array): boolean {
  for (let i = 0; i < AREA; i++) {
    const green = rgb[AREA + i] as number;
    if (Math.abs((rgb[i] as number) - green) > GREY_TOLERANCE) return false;
    if (Math.abs((rgb[2 * AREA + i] as number) - green) > GREY_TOLERANCE) return false;
  }
  return true;
}

/** Three channels to their mean, in place of the first. */
function toGrey(rgb: Float64Array): void {
  for (let i = 0; i < AREA; i++)
    rgb[i] = ((rgb[i] as number) + (rgb[AREA + i] as number) + (rgb[2 * AREA + i] as number)) / 3;
}

type Arrays = { -readonly [K in keyof NoisePatches]: NoisePatches[K] };

/** Distance and clipping of the patch; false, and nothing counts, where a sample is not finite. */
function addSamples(samples: Float64Array, to: Arrays): boolean {
  const { count, planes, lost } = to;
  let [isConstant, distance] = [true, Number.POSITIVE_INFINITY];
  for (let c = 0; c < planes; c++) {
    const first = samples[c * AREA] as number;
    let [sum, low, high, black, white] = [0, first, first, 0, 0];
    for (let i = c * AREA; i < (c + 1) * AREA; i++) {
      const value = samples[i] as number;
      sum += value;
      if (value < low) low = value;
      else if (value > high) high = value;
      black += value <= 0 ? 1 : 0;
      white += value >= WHITE ? 1 : 0;
    }
    if (!Number.isFinite(sum)) return false;
    if (low < 0 || high > WHITE + BEYOND) to.isInRange = false;
    if (low !== high) isConstant = false;
    const mean = Math.fround(sum / AREA);
    distance = Math.min(distance, mean, WHITE - mean);
    lost[count * planes + c] = Math.min(1, (LOST[black] as number) + (LOST[white] as number));
  }
  to.distance[count] = isConstant ? Number.NEGATIVE_INFINITY : distance;
  return true;
}

/** What is in the patch's coefficients. */
function addCoefficients(spectra: Float64Array, to: Arrays): void {
  const { count, planes } = to;
  let energy = 0;
  for (let p = 0; p < planes; p++) {
    const at = p * AREA;
    for (let i = 0; i < STRUCTURE.length; i++) {
      const value = spectra[at + (STRUCTURE[i] as number)] as number;
      energy += value * value;
    }
    const fine = to.fine[p] as Float32Array;
    let square = 0;
    for (let i = 0; i < FINE.length; i++) {
      const value = spectra[at + (FINE[i] as number)] as number;
      fine[count * FINE.length + i] = value;
      square += value * value;
    }
    (to.fineEnergy[p] as Float64Array)[count] = square;
  }
  to.structure[count] = energy;
}

/** At most 3072 patches on an even grid. Patches with a sample that is not finite are left out. */
export async function collectNoisePatches(picture: Picture): Promise<NoisePatches> {
  const corners = chooseCorners(picture);
  const isColour = colourChannels(picture.channels) === 3;
  let isGrey = true;
  if (isColour)
    await eachPatch(picture, corners, (rgb) => {
      isGrey = isGreyPatch(rgb);
      return isGrey;
    });
  const planes = isGrey ? 1 : 3;
  const most = corners.length;
  const patches: Arrays = {
    count: 0,
    independent: 0,
    planes,
    distance: new Float64Array(most),
    structure: new Float32Array(most),
    fine: Array.from({ length: planes }, () => new Float32Array(most * FINE.length)),
    fineEnergy: Array.from({ length: planes }, () => new Float64Array(most)),
    lost: new Float32Array(most * planes),
    isInRange: true,
  };
  await eachPatch(picture, corners, (samples) => {
    if (isColour && isGrey) toGrey(samples);
    if (!addSamples(samples, patches)) return;
    if (planes === 3) toOpponents(samples, AREA);
    for (let p = 0; p < planes; p++) transform(samples, p * AREA);
    addCoefficients(samples, patches);
    patches.count += 1;
  });
  const { count } = patches;
  const pixels = picture.width * picture.height;
  patches.independent = Math.min(count, (pixels * count) / Math.max(1, most) / AREA);
  return patches;
}

/** By the number of clipped samples in a patch. */
const LOST = Float64Array.from({ length: AREA + 1 }, (_, clipped) => varianceLost(clipped / AREA));

/**
 * The share of the variance of Gaussian noise that one-sided clipping takes, from the share of samples that were clipped. At
 * one level a (in sigma) p = Phi(-a) are clipped at 0, and the variance left is that of max(0, a + n). The loss is nearly
 * proportional to p, so it can be averaged over samples of different levels.
 */
export function varianceLost(clipped: number): number {
  if (clipped <= 0) return 0;
  if (clipped >= 1) return 1;
  let [low, high] = [-9, 9];
  for (let step = 0; step < 40; step++) {
    const middle = (low + high) / 2;
    if (normalDistribution(-middle) > clipped) low = middle;
    else high = middle;
  }
  // The variance of max(0, a + n), n of N(0, 1), for a = low.
  const [inside, edge] = [normalDistribution(low), Math.exp((-low * low) / 2) / Math.sqrt(2 * Math.PI)];
  const mean = low * inside + edge;
  return 1 - Math.max(0, (low * low + 1) * inside + low * edge - mean * mean);
}

/** The distribution function of N(0, 1). erfc by Numerical Recipes, highest power first: 1.2e-7 relative. */
function normalDistribution(x: number): number {
  const z = Math.abs(x) / Math.SQRT2;
  const t = 1 / (1 + z / 2);
  const coefficients = [
    0.17087277, -0.82215223, 1.48851587, -1.13520398, 0.27886807, -0.18628806, 0.09678418, 0.37409196,
    1.00002368, -1.26551223,
  ];
  const tail = (t * Math.exp(-z * z + coefficients.reduce((sum, c) => sum * t + c, 0))) / 2;
  return x > 0 ? 1 - tail : tail;
}
