// Small patches of a picture reduced to two numbers: how bright, and how much noise. For fit-noise.ts.
// The noise is read where pictures have least of their own: in the highest frequencies of both directions (a last
// part of the DCT), and in colour pictures from the differences between channels only.

import { coloursOf, type NoisyPicture } from '../../noisy-picture.js';
import { measureBlocks } from './block-powers.js';
import { greyResiduals, type Patches } from './grey-residuals.js';

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

/** A patch with more than this part of its samples at black or white is left out: clipped noise is weaker. */
const CLIPPED = 0.02;
/** Unless fewer patches than this are left: then the least clipped are taken, up to a part that tells nothing. */
const WANTED = 300;
const MOST_CLIPPED = 0.2;
/** 8-bit units squared. A variance of 0 is that of a flat patch without noise: drawn, or wholly clipped. It has no logarithm. */
const LEAST_VARIANCE = 1e-9;

/** The patches that tell something. */
function usable({ means, variances, degrees, clipped }: Patches): PatchResiduals {
  const most = Math.min(MOST_CLIPPED, Math.max(CLIPPED, clipped.slice().sort()[WANTED] ?? 1));
  const isUsed = (n: number) => (clipped[n] as number) <= most && (variances[n] as number) > LEAST_VARIANCE;
  return {
    means: means.filter((_, n) => isUsed(n)),
    variances: variances.filter((_, n) => isUsed(n)),
    degrees,
    clipped: most <= CLIPPED ? 0 : most,
  };
}

/** Mean and noise variance of patches of a picture. Turns the event loop every few milliseconds. */
export async function patchResiduals(picture: NoisyPicture): Promise<PatchResiduals> {
  if (coloursOf(picture) === 1) return usable(await greyResiduals(picture));
  const { means, difference, differenceDegrees, clipped } = await measureBlocks(picture);
  return usable({ means, variances: difference, degrees: differenceDegrees, clipped });
}
