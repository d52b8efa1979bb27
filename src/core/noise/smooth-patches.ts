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

/**
 * @param candidates  indices of patches
 * @param structure   by patch: energy of the low and middle frequencies
 * @param fine        by patch: mean square of the fine coefficients
 * @param degrees     how many fine coefficients that is the mean of
 * @param tolerance   standard errors by which a bin's mean square may lie above that of those before it
 * @param worth       independent patches for one patch, 0 to 1
 * @returns           the smooth ones among the candidates
 */
export function smoothPatches(
  candidates: readonly number[],
  structure: ArrayLike<number>,
  fine: ArrayLike<number>,
  degrees: number,
  tolerance: number,
  worth: number,
): number[] {
  const ranked = [...candidates].sort((a, b) => (structure[a] as number) - (structure[b] as number) || a - b);
  const bin = Math.max(LEAST_BIN, Math.ceil(ranked.length / BINS));
  const limit = 1 + OUTLIER * Math.sqrt(2 / degrees);
  let taken = Math.min(bin, ranked.length);
  let level = meanBelow(ranked.slice(0, taken), fine, Infinity).mean;
  while (taken < ranked.length) {
    const next = ranked.slice(taken, taken + bin);
    const { mean, kept } = meanBelow(next, fine, level * limit);
    const error = Math.sqrt((2 / degrees / worth) * (1 / taken + 1 / kept));
    if (kept < LEAST_KEPT * next.length || mean > level * (1 + tolerance * error)) break;
    level = (level * taken + mean * next.length) / (taken + next.length);
    taken += next.length;
  }
  return ranked.slice(0, taken).filter((patch) => (fine[patch] as number) <= level * limit);
}

function meanBelow(patches: readonly number[], values: ArrayLike<number>, limit: number) {
  let [sum, kept] = [0, 0];
  for (const patch of patches) {
    const value = values[patch] as number;
    if (value > limit) continue;
    sum += value;
    kept += 1;
  }
  return { mean: sum / kept, kept };
}
