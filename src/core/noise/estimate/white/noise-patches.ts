// 8x8 patches of a picture as the estimate of sigma needs them: spread evenly over the picture, turned from RGB to
// one luma and two chroma planes and by the DCT, both orthonormal, so that white noise stays white and what is in
// one coefficient is independent of what is in another. 8-bit units.
import { setImmediate } from 'node:timers/promises';
import { toOpponents } from '../../model/opponents.js';
import { AREA, coloursOf, type NoisyPicture, readBlock, SIDE, scaleOf } from '../../noisy-picture.js';
import { transform } from './block-dct.js';
import { varianceLost } from './clipped-noise.js';

export interface NoisePatches {
  readonly count: number;
  /** How many patches' worth of independent samples there are: less than `count` where patches overlap. */
  readonly independent: number;
  /** 1: grey, alone. 3: luma and two chroma planes. */
  readonly planes: 1 | 3;
  /** [count, planes]: mean of grey, or of R, G and B. */
  readonly means: Float32Array;
  /** [count]: the energy of the low and middle frequencies (without the mean), all planes together. */
  readonly structure: Float32Array;
  /** [planes][count, FINE.length]: the fine coefficients, where pictures have least. */
  readonly fine: readonly Float32Array[];
  /** [planes][count]: the sum of the squares of `fine`. */
  readonly fineEnergy: readonly Float64Array[];
  /** [count, planes]: the share of the noise's variance that clipping took, by channel as in `means`. */
  readonly lost: Float32Array;
  /** [count]: 1 where all samples are equal: no noise can be seen there. */
  readonly isConstant: Uint8Array;
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

/** By the number of clipped samples in a patch. */
const LOST = Float64Array.from({ length: AREA + 1 }, (_, clipped) => varianceLost(clipped / AREA));

/** Starts of patches along a side: every `step` pixels at least, the first and the last at the edges. */
function starts(length: number, count: number): number[] {
  const last = length - SIDE;
  if (count < 2) return [last >> 1];
  return Array.from({ length: count }, (_, i) => Math.round((i * last) / (count - 1)));
}

interface Corners {
  readonly xs: readonly number[];
  readonly ys: readonly number[];
}

function chooseCorners(width: number, height: number): Corners {
  const [w, h] = [width - SIDE, height - SIDE];
  if (w < 0 || h < 0) return { xs: [], ys: [] };
  let step = LEAST_STEP;
  const along = (length: number) => 1 + Math.floor(length / step);
  while (along(w) * along(h) > MAX_PATCHES) step *= 1.02;
  return { xs: starts(width, along(w)), ys: starts(height, along(h)) };
}

/** Whether an RGB picture has equal channels, give or take what a JPEG leaves, as far as the patches see. */
function isGreyPatch(rgb: Float64Array): boolean {
  for (let i = 0; i < AREA; i++) {
    const green = rgb[AREA + i] as number;
    if (Math.abs((rgb[i] as number) - green) > GREY_TOLERANCE) return false;
    if (Math.abs((rgb[2 * AREA + i] as number) - green) > GREY_TOLERANCE) return false;
  }
  return true;
}

async function isGreyThroughout(picture: NoisyPicture, { xs, ys }: Corners): Promise<boolean> {
  const rgb = new Float64Array(3 * AREA);
  const scale = scaleOf(picture);
  let seen = 0;
  for (const y of ys)
    for (const x of xs) {
      readBlock(picture, scale, x, y, rgb);
      if (!isGreyPatch(rgb)) return false;
      if (++seen % CHUNK === 0) await setImmediate();
    }
  return true;
}

/** Three channels to their mean, in place of the first. */
function toGrey(rgb: Float64Array): void {
  for (let i = 0; i < AREA; i++)
    rgb[i] = ((rgb[i] as number) + (rgb[AREA + i] as number) + (rgb[2 * AREA + i] as number)) / 3;
}

type Arrays = { -readonly [K in keyof NoisePatches]: NoisePatches[K] };

/** Means and clipping of the patch's channels; false, and nothing counts, where a sample is not finite. */
function addSamples(samples: Float64Array, to: Arrays): boolean {
  const { count, planes, means, lost } = to;
  let isFlat = 1;
  for (let c = 0; c < planes; c++) {
    const first = samples[c * AREA] as number;
    let sum = 0;
    let low = first;
    let high = first;
    let black = 0;
    let white = 0;
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
    if (low !== high) isFlat = 0;
    means[count * planes + c] = sum / AREA;
    lost[count * planes + c] = Math.min(1, (LOST[black] as number) + (LOST[white] as number));
  }
  to.isConstant[count] = isFlat;
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

/**
 * At most 3072 patches on an even grid (neighbours at least 4 pixels apart), the same ones for every picture of a
 * size. Gives way to the event loop every few milliseconds. Patches with a sample that is not finite are left out.
 */
export async function collectNoisePatches(picture: NoisyPicture): Promise<NoisePatches> {
  const corners = chooseCorners(picture.width, picture.height);
  const colours = coloursOf(picture);
  const planes = colours === 3 && !(await isGreyThroughout(picture, corners)) ? 3 : 1;
  const most = corners.xs.length * corners.ys.length;
  const patches: Arrays = {
    count: 0,
    independent: 0,
    planes,
    means: new Float32Array(most * planes),
    structure: new Float32Array(most),
    fine: Array.from({ length: planes }, () => new Float32Array(most * FINE.length)),
    fineEnergy: Array.from({ length: planes }, () => new Float64Array(most)),
    lost: new Float32Array(most * planes),
    isConstant: new Uint8Array(most),
    isInRange: true,
  };
  const scale = scaleOf(picture);
  const samples = new Float64Array(colours * AREA);
  let seen = 0;
  for (const y of corners.ys)
    for (const x of corners.xs) {
      if (++seen % CHUNK === 0) await setImmediate();
      readBlock(picture, scale, x, y, samples);
      if (colours > planes) toGrey(samples);
      if (!addSamples(samples, patches)) continue;
      if (planes === 3) toOpponents(samples, AREA);
      for (let p = 0; p < planes; p++) transform(samples, p * AREA);
      addCoefficients(samples, patches);
      patches.count += 1;
    }
  const { count } = patches;
  const pixels = picture.width * picture.height;
  patches.independent = Math.min(count, (pixels * count) / Math.max(1, most) / AREA);
  return patches;
}
