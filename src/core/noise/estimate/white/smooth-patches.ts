// Which patches show noise and nothing else. They are ranked by the energy of their low and middle frequencies, and
// taken in that order for as long as their fine coefficients agree: the noise in the one is independent of the
// noise in the other, so the choice does not favour patches with little noise.

/** Shares of the patches that are taken or refused together. */
const BINS = 20;
const LEAST_BIN = 16;
/** Standard deviations above the mean from which a single patch is left out. Noise alone gets there once in 20,000. */
const OUTLIER = 5;
/** A bin with more outliers than this leaves is texture. */
const LEAST_KEPT = 0.9;
/** More than there are in a picture, and few enough for 32 bits times this to be exact in a float. */
const MOST_PATCHES = 4096;

/**
 * Indices of patches from the smoothest on, the first of equals first. As integers a number's bits sort as it does,
 * and with the index below them the engine sorts them without asking back.
 *
 * @param structure  by patch: energy of the low and middle frequencies, not negative
 */
export function smoothestFirst(structure: Float32Array): Uint32Array {
  const bits = new Uint32Array(structure.buffer, structure.byteOffset, structure.length);
  const keys = new Float64Array(structure.length);
  for (let n = 0; n < keys.length; n++) keys[n] = (bits[n] as number) * MOST_PATCHES + n;
  return Uint32Array.from(keys.sort(), (key) => key % MOST_PATCHES);
}

/**
 * @param ranked     indices of patches, from the smoothest on
 * @param fine       by patch: mean square of the fine coefficients
 * @param degrees    how many fine coefficients that is the mean of
 * @param tolerance  standard errors by which a bin's mean square may lie above that of those before it
 * @param worth      independent patches for one patch, 0 to 1
 * @returns          the smooth ones
 */
export function smoothPatches(
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
