// From the coefficients of patches to the variance of the noise in each channel, what clipping took put back.
import { setImmediate } from 'node:timers/promises';
import { type NoiseFloor, noiseFloor } from './noise-floor.js';
import { FINE, type NoisePatches, STRUCTURE } from './noise-patches.js';
import { smoothestFirst, smoothPatches } from './smooth-patches.js';

export interface VarianceFit {
  /** Variance of the noise before clipping and rounding, in 8-bit units: [1] grey or [3] R, G, B. */
  readonly variances: readonly number[];
  /** The variance from luma alone; the same as the first of `variances` for grey. */
  readonly luma: number;
  /** Mean square of the low and middle frequencies where they have least: noise, smoothed noise or texture. */
  readonly coarse: number;
  /** Coefficients that the variances were averaged over. */
  readonly samples: number;
}

/** Where clipping took more than this leaves, as little as this is taken to be left. */
const LEAST_LEFT = 0.3;
/**
 * How many sigmas a patch's mean must lie from black and white: the largest of these that leaves enough patches.
 * (Patches are not chosen by what was clipped in them: that would favour those where the noise is small by chance.)
 */
const MARGINS = [2.5, 2, 1.5, 1, 0.6];
/** Enough: this share of the patches, or as many as this many independent ones. */
const ENOUGH = { share: 0.25, independent: 500 } as const;
/** While sigma is not known; then a dark picture's patches are taken too, if there are no others. */
const FIRST_SIGMA = 30;
const FIRST_MARGINS = [...MARGINS, 0.2, 0];
const LEAST_PATCHES = 4;
/**
 * How readily less smooth patches are taken too, in standard errors (see smoothPatches): in luma the next ones often
 * have texture that no test sees; chroma has little anywhere, and more patches make the estimate surer.
 */
const TOLERANCE = { luma: 0.5, chroma: 3 } as const;
/** The share of the patches that `coarse` is taken from. */
const SMOOTHEST = 0.05;
const ROUNDS = 4;
const DONE = 1e-2;
/** Channels differ when their sigmas do by more than this factor and by this many standard errors. */
const CLEAR_RATIO = 1.15;
const CLEAR_ERRORS = 5;

interface Ranking {
  /** Patches from the smoothest on. */
  readonly ranked: Uint32Array;
  /** By patch: see `distances`. */
  readonly distance: Float64Array;
}

/**
 * Which patches are far enough from black and white depends on sigma: rounds until it hardly changes.
 *
 * @param rounding  the variance that rounding added
 * @returns         undefined when too few patches show any noise
 */
export async function fitVariances(
  patches: NoisePatches,
  rounding: number,
): Promise<VarianceFit | undefined> {
  const fitPlanes = patches.planes === 1 ? fitGrey : fitChroma;
  const ranking = {
    ranked: smoothestFirst(patches.structure.subarray(0, patches.count)),
    distance: distances(patches),
  };
  let sigma = FIRST_SIGMA;
  for (let round = 1; ; round++) {
    const candidates = awayFromEdges(patches, ranking, sigma, round === 1 ? FIRST_MARGINS : MARGINS);
    if (candidates.length < LEAST_PATCHES) return undefined;
    await setImmediate();
    const { variances, samples } = fitPlanes(patches, candidates, rounding);
    const before = sigma;
    sigma = Math.sqrt(variances.reduce((sum, variance) => sum + variance, 0) / variances.length);
    if (round < ROUNDS && patches.isInRange && Math.abs(sigma - before) > DONE * before) continue;
    await setImmediate();
    const [luma] = fitGrey(patches, candidates, rounding).variances as [number];
    return { variances, samples, luma, coarse: coarseFloor(patches, candidates) };
  }
}

/** How far each patch's means keep from black and white; -Infinity where all samples are equal. */
function distances({ count, planes, means, isConstant, isInRange }: NoisePatches): Float64Array {
  const distance = new Float64Array(count);
  for (let n = 0; n < count; n++) {
    let least = Infinity;
    if (isInRange)
      for (let i = n * planes; i < (n + 1) * planes; i++)
        least = Math.min(least, means[i] as number, 255 - (means[i] as number));
    distance[n] = isConstant[n] ? -Infinity : least;
  }
  return distance;
}

/** The patches that vary and whose means are a margin of sigmas from black and white: the first that leaves enough. */
function awayFromEdges(
  { count, independent }: NoisePatches,
  { ranked, distance }: Ranking,
  sigma: number,
  margins: readonly number[],
): Uint32Array {
  const enough = Math.max(LEAST_PATCHES, Math.min(ENOUGH.share, ENOUGH.independent / independent) * count);
  let candidates = ranked;
  for (const margin of margins) {
    candidates = ranked.filter((n) => (distance[n] as number) >= margin * sigma);
    if (candidates.length >= enough) break;
  }
  return candidates;
}

/** The mean square of a coefficient of low or middle frequency in the smoothest of some patches. */
function coarseFloor({ structure, planes }: NoisePatches, candidates: Uint32Array): number {
  const smoothest = candidates.subarray(0, Math.max(1, Math.round(SMOOTHEST * candidates.length)));
  const sum = smoothest.reduce((sum, n) => sum + (structure[n] as number), 0);
  return sum / (smoothest.length * planes * STRUCTURE.length);
}

interface Floors {
  readonly chosen: Uint32Array;
  readonly floors: readonly NoiseFloor[];
}

/** The variance under the signal in some planes, from the patches that are smooth in all of them. */
function floorsOf(
  patches: NoisePatches,
  candidates: Uint32Array,
  planes: readonly number[],
  tolerance: number,
): Floors {
  const worth = patches.independent / patches.count;
  const degrees = planes.length * FINE.length;
  const fine = new Float64Array(patches.count);
  for (const p of planes) {
    const energy = patches.fineEnergy[p] as Float64Array;
    for (let n = 0; n < fine.length; n++) fine[n] = (fine[n] as number) + (energy[n] as number) / degrees;
  }
  const chosen = smoothPatches(candidates, fine, degrees, tolerance, worth);
  const floors = planes.map((p) =>
    noiseFloor(patches.fine[p] as Float32Array, FINE.length, chosen, chosen.length * worth),
  );
  return { chosen, floors };
}

/** The mean share of the variance that clipping left in some patches, by channel. */
function sharesLeft({ planes, lost, isInRange }: NoisePatches, chosen: Uint32Array): number[] {
  return Array.from({ length: planes }, (_, c) => {
    if (!isInRange) return 1;
    let sum = 0;
    for (const n of chosen) sum += lost[n * planes + c] as number;
    return Math.max(LEAST_LEFT, 1 - sum / chosen.length);
  });
}

/** Grey, or the luma of a colour picture. */
function fitGrey(patches: NoisePatches, candidates: Uint32Array, rounding: number) {
  const { chosen, floors } = floorsOf(patches, candidates, [0], TOLERANCE.luma);
  const [{ variance, samples }] = floors as [NoiseFloor];
  const left = sharesLeft(patches, chosen);
  const share = left.reduce((sum, value) => sum + value, 0) / left.length;
  return { variances: [Math.max(0, variance - rounding) / share], samples };
}

function fitChroma(patches: NoisePatches, candidates: Uint32Array, rounding: number) {
  const { chosen, floors } = floorsOf(patches, candidates, [1, 2], TOLERANCE.chroma);
  const [first, second] = floors.map(({ variance }) => Math.max(0, variance - rounding)) as [number, number];
  const samples = floors.reduce((sum, floor) => sum + floor.samples, 0);
  const covariance = chromaCovariance(patches, chosen);
  const left = sharesLeft(patches, chosen) as [number, number, number];
  return { variances: byChannel(first, second, covariance, left, samples), samples };
}

/** The mean product of the fine coefficients of the two chroma planes. */
function chromaCovariance({ fine }: NoisePatches, chosen: Uint32Array): number {
  const [a, b] = [fine[1] as Float32Array, fine[2] as Float32Array];
  let sum = 0;
  for (let k = 0; k < chosen.length; k++) {
    const at = (chosen[k] as number) * FINE.length;
    for (let i = at; i < at + FINE.length; i++) sum += (a[i] as number) * (b[i] as number);
  }
  return sum / Math.max(1, chosen.length * FINE.length);
}

/**
 * R, G and B from the variances of (R - B) / sqrt 2 and (R - 2 G + B) / sqrt 6 and their covariance, each over the
 * share that clipping left of it; one for all three, unless they clearly differ.
 */
function byChannel(
  first: number,
  second: number,
  covariance: number,
  left: readonly [number, number, number],
  samples: number,
): number[] {
  const [r, g, b] = left;
  const pooled = (first + second) / ((r + b) / 2 + (r + 4 * g + b) / 6);
  const spread = Math.sqrt(3) * covariance;
  const channels = [(first + spread) / r, (3 * second - first) / 2 / g, (first - spread) / b];
  const variances = channels.map((variance) => Math.max(0, variance));
  const ratio = Math.sqrt(Math.max(...variances) / Math.max(Number.MIN_VALUE, Math.min(...variances)));
  const isClear = ratio > Math.max(CLEAR_RATIO, 1 + CLEAR_ERRORS * Math.sqrt(2 / samples));
  return isClear ? variances : [pooled, pooled, pooled];
}
