// 8x8 patches of a picture as the estimate of sigma needs them: spread evenly over the picture, turned from RGB to
// one luma and two chroma planes and by the DCT, both orthonormal, so that white noise stays white and what is in
// one coefficient is independent of what is in another. 8-bit units.
import { setImmediate } from 'node:timers/promises';
import { varianceLost } from './clipped-noise.js';

/** The colour samples of a picture; a `Picture` of the tiles' room is one. */
export interface NoisePicture {
  /** Interleaved, row by row; [0, 255], [0, 65535] or [0, 1] by type. */
  readonly data: Uint8Array | Uint16Array | Float32Array;
  readonly width: number;
  readonly height: number;
  /** 1 grey, 2 grey + alpha, 3 RGB, 4 RGBA. Alpha is not looked at. */
  readonly channels: 1 | 2 | 3 | 4;
}

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

export const PATCH = 8;
const AREA = PATCH * PATCH;
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

const order = (k: number) => (k >> 3) + (k & 7);
const coefficients = Array.from({ length: AREA }, (_, k) => k);
/** Row-major places in the DCT, by the sum of the frequencies. */
export const STRUCTURE = coefficients.filter((k) => order(k) >= 1 && order(k) <= 5);
export const FINE = coefficients.filter((k) => order(k) >= PATCH);

/** By the number of clipped samples in a patch. */
const LOST = Float64Array.from({ length: AREA + 1 }, (_, clipped) => varianceLost(clipped / AREA));

/** COSINES[k * 4 + i]: the first half of the k-th basis vector; the rest mirrors it, with a minus for odd k. */
const COSINES = Float64Array.from({ length: 32 }, (_, at) => {
  const [k, i] = [at >> 2, at & 3];
  return (k === 0 ? Math.sqrt(1 / 8) : 1 / 2) * Math.cos(((2 * i + 1) * k * Math.PI) / 16);
});

/** Eight numbers at `from`, `step` apart, to their DCT at `to`, 8 apart: two calls transpose twice. */
function dct8(input: Float64Array, from: number, output: Float64Array, to: number): void {
  const at = (i: number) => input[from + i] as number;
  const [a0, a1, a2, a3, a4, a5, a6, a7] = [at(0), at(1), at(2), at(3), at(4), at(5), at(6), at(7)];
  const [s0, s1, s2, s3] = [a0 + a7, a1 + a6, a2 + a5, a3 + a4];
  const [d0, d1, d2, d3] = [a0 - a7, a1 - a6, a2 - a5, a3 - a4];
  for (let k = 0; k < 8; k += 2) {
    const even = 4 * k;
    output[to + 8 * k] =
      s0 * (COSINES[even] as number) +
      s1 * (COSINES[even + 1] as number) +
      s2 * (COSINES[even + 2] as number) +
      s3 * (COSINES[even + 3] as number);
    output[to + 8 * k + 8] =
      d0 * (COSINES[even + 4] as number) +
      d1 * (COSINES[even + 5] as number) +
      d2 * (COSINES[even + 6] as number) +
      d3 * (COSINES[even + 7] as number);
  }
}

/** Starts of patches along a side: every `step` pixels at least, the first and the last at the edges. */
function starts(length: number, count: number): number[] {
  const last = length - PATCH;
  if (count < 2) return [last >> 1];
  return Array.from({ length: count }, (_, i) => Math.round((i * last) / (count - 1)));
}

interface Corners {
  readonly xs: readonly number[];
  readonly ys: readonly number[];
}

function chooseCorners(width: number, height: number): Corners {
  const [w, h] = [width - PATCH, height - PATCH];
  if (w < 0 || h < 0) return { xs: [], ys: [] };
  let step = LEAST_STEP;
  const along = (length: number) => 1 + Math.floor(length / step);
  while (along(w) * along(h) > MAX_PATCHES) step *= 1.02;
  return { xs: starts(width, along(w)), ys: starts(height, along(h)) };
}

const scaleOf = (data: NoisePicture['data']) =>
  data instanceof Uint8Array ? 1 : data instanceof Uint16Array ? 255 / 65535 : 255;

/** One patch of the picture: `rgb` planes in 8-bit units. */
function readPatch(picture: NoisePicture, x: number, y: number, colours: 1 | 3, rgb: Float64Array): void {
  const { data, width, channels } = picture;
  const scale = scaleOf(data);
  for (let row = 0; row < PATCH; row++) {
    let at = ((y + row) * width + x) * channels;
    for (let i = row * PATCH; i < (row + 1) * PATCH; i++, at += channels)
      for (let c = 0; c < colours; c++) rgb[c * AREA + i] = scale * (data[at + c] as number);
  }
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

async function isGreyThroughout(picture: NoisePicture, { xs, ys }: Corners): Promise<boolean> {
  const rgb = new Float64Array(3 * AREA);
  let seen = 0;
  for (const y of ys)
    for (const x of xs) {
      readPatch(picture, x, y, 3, rgb);
      if (!isGreyPatch(rgb)) return false;
      if (++seen % CHUNK === 0) await setImmediate();
    }
  return true;
}

/** R, G, B -> (R + G + B) / sqrt 3, (R - B) / sqrt 2, (R - 2 G + B) / sqrt 6, in place. */
function toOpponents(rgb: Float64Array): void {
  const [third, half, sixth] = [Math.sqrt(1 / 3), Math.SQRT1_2, Math.sqrt(1 / 6)];
  for (let i = 0; i < AREA; i++) {
    const [r, g, b] = [rgb[i] as number, rgb[AREA + i] as number, rgb[2 * AREA + i] as number];
    rgb[i] = (r + g + b) * third;
    rgb[AREA + i] = (r - b) * half;
    rgb[2 * AREA + i] = (r - 2 * g + b) * sixth;
  }
}

/** Three channels to their mean, in place of the first. */
function toGrey(rgb: Float64Array): void {
  for (let i = 0; i < AREA; i++)
    rgb[i] = ((rgb[i] as number) + (rgb[AREA + i] as number) + (rgb[2 * AREA + i] as number)) / 3;
}

/**
 * At most 3072 patches on an even grid (neighbours at least 4 pixels apart), the same ones for every picture of a
 * size. Gives way to the event loop every few milliseconds. Patches with a sample that is not finite are left out.
 */
export async function collectNoisePatches(picture: NoisePicture): Promise<NoisePatches> {
  const corners = chooseCorners(picture.width, picture.height);
  const colours = picture.channels >= 3 ? 3 : 1;
  const planes = colours === 3 && !(await isGreyThroughout(picture, corners)) ? 3 : 1;
  const most = corners.xs.length * corners.ys.length;
  const means = new Float32Array(most * planes);
  const lost = new Float32Array(most * planes);
  const structure = new Float32Array(most);
  const isConstant = new Uint8Array(most);
  const fine = Array.from({ length: planes }, () => new Float32Array(most * FINE.length));
  const fineEnergy = Array.from({ length: planes }, () => new Float64Array(most));
  const samples = new Float64Array(colours * AREA);
  const rows = new Float64Array(AREA);
  const spectrum = new Float64Array(AREA);
  let isInRange = true;
  let count = 0;

  function addPatch(x: number, y: number): void {
    readPatch(picture, x, y, colours, samples);
    if (colours > planes) toGrey(samples);
    let isFlat = 1;
    for (let c = 0; c < planes; c++) {
      const first = samples[c * AREA] as number;
      let [sum, low, high, black, white] = [0, first, first, 0, 0];
      for (let i = c * AREA; i < (c + 1) * AREA; i++) {
        const value = samples[i] as number;
        sum += value;
        if (value < low) low = value;
        if (value > high) high = value;
        if (value <= 0) black += 1;
        if (value >= WHITE) white += 1;
      }
      if (!Number.isFinite(sum)) return;
      if (low < 0 || high > WHITE + BEYOND) isInRange = false;
      if (low !== high) isFlat = 0;
      means[count * planes + c] = sum / AREA;
      lost[count * planes + c] = Math.min(1, (LOST[black] as number) + (LOST[white] as number));
    }
    if (planes === 3) toOpponents(samples);
    let energy = 0;
    for (let p = 0; p < planes; p++) {
      for (let i = 0; i < PATCH; i++) dct8(samples, p * AREA + i * PATCH, rows, i);
      for (let i = 0; i < PATCH; i++) dct8(rows, i * PATCH, spectrum, i);
      for (const k of STRUCTURE) energy += (spectrum[k] as number) ** 2;
      const out = fine[p] as Float32Array;
      let square = 0;
      for (let i = 0; i < FINE.length; i++) {
        const value = spectrum[FINE[i] as number] as number;
        out[count * FINE.length + i] = value;
        square += value * value;
      }
      (fineEnergy[p] as Float64Array)[count] = square;
    }
    structure[count] = energy;
    isConstant[count] = isFlat;
    count += 1;
  }

  let seen = 0;
  for (const y of corners.ys)
    for (const x of corners.xs) {
      addPatch(x, y);
      if (++seen % CHUNK === 0) await setImmediate();
    }
  const independent = Math.min(count, (picture.width * picture.height * count) / Math.max(1, most) / AREA);
  return { count, independent, planes, means, lost, structure, fine, fineEnergy, isConstant, isInRange };
}
