// From the coefficients of patches to the variance of the noise in each channel, what clipping took put back.
import { setImmediate } from 'node:timers/promises';
import { mean, sum } from '../../../metrics/index.js';
import { type NoiseFloor, noiseFloor } from './noise-floor.js';
import { FINE, type NoisePatches, STRUCTURE } from './noise-patches.js';

/** Where clipping took more than this leaves, as little as this is taken to be left. */
const LEAST_LEFT = 0.3;
/** How many sigmas a patch's mean must lie from black and white: the largest of these that leaves enough patches. */
const MARGINS = [2.5, 2, 1.5, 1, 0.6];
/** Enough: this share of the patches, or as many as this many independent ones. */
const ENOUGH = { share: 0.25, independent: 500 } as const;
/** While sigma is not known; then a dark picture's patches are taken too, if there are no others. */
const FIRST_SIGMA = 30;
const FIRST_MARGINS = [...MARGINS, 0.2, 0];
const LEAST_PATCHES = 4;
/** Tolerances are for `smoothPatches`. The next luma patches often have texture that no test sees; chroma has little anywhere. */
const LUMA = { planes: [0], tolerance: 0.5 };
const CHROMA = { planes: [1, 2], tolerance: 3 };
/** The share of the patches that `coarse` is taken from. */
const SMOOTHEST = 0.05;
const ROUNDS = 4;
const DONE = 1e-2;
/** Channels differ when their sigmas do by more than this factor and by this many standard errors. */
const CLEAR_RATIO = 1.15;
const CLEAR_ERRORS = 5;

/**
 * Which patches are far enough from black and white depends on sigma: rounds until it hardly changes.
 *
 * @param rounding  the variance that rounding added
 * @returns         undefined when too few patches show any noise. Else, in 8-bit units, the noise's `variances` before clipping
 *                  and rounding, [1] grey or [3] R, G, B, averaged over so many `samples`; that from `luma` alone; and the
 *                  mean square of the `coarse` frequencies where they have least
 */
export async function fitVariances(patches: NoisePatches, rounding: number) {
  const fitPlanes = patches.planes === 1 ? fitGrey : fitChroma;
  const { structure } = patches;
  const ranked = Uint32Array.from({ length: patches.count }, (_, n) => n).sort(
    (a, b) => (structure[a] as number) - (structure[b] as number) || a - b,
  );
  let sigma = FIRST_SIGMA;
  for (let round = 1; ; round++) {
    const candidates = awayFromEdges(patches, ranked, sigma, round === 1 ? FIRST_MARGINS : MARGINS);
    if (candidates.length < LEAST_PATCHES) return undefined;
    await setImmediate();
    const { variances, samples } = fitPlanes(patches, candidates, rounding);
    const before = sigma;
    sigma = Math.sqrt(mean(variances));
    if (round < ROUNDS && patches.isInRange && Math.abs(sigma - before) > DONE * before) continue;
    await setImmediate();
    const [luma] = fitGrey(patches, candidates, rounding).variances as [number];
    return { variances, samples, luma, coarse: coarseFloor(patches, candidates) };
  }
}

/** The patches that vary and whose means are a margin of sigmas from black and white: the first that leaves enough. */
function awayFromEdges(
  { count, independent, distance, isInRange }: NoisePatches,
  ranked: Uint32Array,
  sigma: number,
  margins: readonly number[],
): Uint32Array {
  const enough = Math.max(LEAST_PATCHES, Math.min(ENOUGH.share, ENOUGH.independent / independent) * count);
  let candidates = ranked;
  for (const margin of margins) {
    const least = isInRange ? margin * sigma : -Number.MAX_VALUE;
    candidates = ranked.filter((n) => (distance[n] as number) >= least);
    if (candidates.length >= enough) break;
  }
  return candidates;
}

/** The mean square of a coefficient of low or middle frequency in the smoothest of some patches. */
function coarseFloor({ structure, planes }: NoisePatches, candidates: Uint32Array): number {
  const smoothest = candidates.subarray(0, Math.max(1, Math.round(SMOOTHEST * candidates.length)));
  const energy = smoothest.reduce((total, n) => total + (structure[n] as number), 0);
  return energy / (smoothest.length * planes * STRUCTURE.length);
}

/** The variance under the signal in some planes, from the patches that are smooth in all of them. */
function floorsOf(patches: NoisePatches, candidates: Uint32Array, { planes, tolerance }: typeof LUMA) {
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
  const { chosen, floors } = floorsOf(patches, candidates, LUMA);
  const [{ variance, samples }] = floors as [NoiseFloor];
  const left = sharesLeft(patches, chosen);
  return { variances: [Math.max(0, variance - rounding) / mean(left)], samples };
}

/** R, G and B from the two chroma planes' variances and covariance; one for all three, unless they clearly differ. */
function fitChroma(patches: NoisePatches, candidates: Uint32Array, rounding: number) {
  const { chosen, floors } = floorsOf(patches, candidates, CHROMA);
  const [first, second] = floors.map(({ variance }) => Math.max(0, variance - rounding)) as [number, number];
  const samples = sum(floors.map((floor) => floor.samples));
  const spread = Math.sqrt(3) * chromaCovariance(patches, chosen);
  const [r, g, b] = sharesLeft(patches, chosen) as [number, number, number];
  const channels = [(first + spread) / r, (3 * second - first) / 2 / g, (first - spread) / b];
  const variances = channels.map((variance) => Math.max(0, variance));
  const ratio = Math.sqrt(Math.max(...variances) / Math.max(Number.MIN_VALUE, Math.min(...variances)));
  const isClear = ratio > Math.max(CLEAR_RATIO, 1 + CLEAR_ERRORS * Math.sqrt(2 / samples));
  const pooled = (first + second) / ((r + b) / 2 + (r + 4 * g + b) / 6);
  return { variances: isClear ? variances : [pooled, pooled, pooled], samples };
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

/** Shares of the patches that are taken or refused together. */
const BINS = 20;
const LEAST_BIN = 16;
/** Standard deviations above the mean from which a single patch is left out. Noise alone gets there once in 20,000. */
const OUTLIER = 5;
/** A bin with more outliers than this leaves is texture. */
const LEAST_KEPT = 0.9;

/**
 * The patches that show nothing but noise: the smoothest, for as long as their fine coefficients agree. The noise in these
 * is independent of that in the lower frequencies, by which patches are ranked, so patches with little noise get no favour.
 *
 * @param ranked     indices of patches, from the smoothest on
 * @param fine       by patch: mean square of the fine coefficients
 * @param degrees    how many fine coefficients that is the mean of
 * @param tolerance  standard errors by which a bin's mean square may lie above that of those before it
 * @param worth      independent patches for one patch, 0 to 1
 */
function smoothPatches(
  ranked: Uint32Array,
  fine: Float64Array,
  degrees: number,
  tolerance: number,
  worth: number,
): Uint32Array {
  const bin = Math.max(LEAST_BIN, Math.ceil(ranked.length / BINS));
  const limit = 1 + OUTLIER * Math.sqrt(2 / degrees);
  let taken = Math.min(bin, ranked.length);
  let level = meanBelow(ranked.subarray(0, taken), fine, Infinity).mean;
  while (taken < ranked.length) {
    const next = ranked.subarray(taken, taken + bin);
    const { mean, kept } = meanBelow(next, fine, level * limit);
    const error = Math.sqrt((2 / degrees / worth) * (1 / taken + 1 / kept));
    if (kept < LEAST_KEPT * next.length || mean > level * (1 + tolerance * error)) break;
    level = (level * taken + mean * next.length) / (taken + next.length);
    taken += next.length;
  }
  return ranked.subarray(0, taken).filter((patch) => (fine[patch] as number) <= level * limit);
}

function meanBelow(patches: Uint32Array, values: Float64Array, limit: number) {
  let sum = 0;
  let kept = 0;
  for (let i = 0; i < patches.length; i++) {
    const value = values[patches[i] as number] as number;
    if (value > limit) continue;
    sum += value;
    kept += 1;
  }
  return { mean: sum / kept, kept };
}
