// The standard deviation of white Gaussian noise from one picture alone: what the fine coefficients of 8x8 patches hold in the
// chroma, or where a grey picture is smooth. Not for noise that depends on the signal or is correlated.
import { mean } from '../../../metrics/index.js';
import { colourChannels, type Picture } from '../../../picture.js';
import { collectNoisePatches } from './noise-patches.js';
import { fitVariances } from './variance-fit.js';

export interface SigmaEstimate {
  /** 8-bit units; the root of the mean of the channels' variances. 0 where nothing can be told. */
  readonly sigma255: number;
  /** [1] for grey, [3] for R, G, B: `sigma255`, unless the channels differ by more than 15% and than the estimate's error. */
  readonly perChannel255: readonly number[];
  /**
   * 0 to 1; 0 says that nothing can be told (tiny, flat or clipped throughout). Otherwise 1 less ten times the relative
   * standard error of `sigma255`, times its agreement with `luma255` (colour) or `coarse255` (grey): 1 up to a ratio of 1.25,
   * then falling as 1 / ratio. Far below 1 the picture is textured all over (and a grey one's `sigma255` too high), or its
   * noise is correlated between channels or pixels, as after JPEG (and `sigma255` is too low).
   */
  readonly confidence: number;
  /** Colour: the estimate from luma alone, an upper bound where pictures are textured. Grey: `sigma255`. */
  readonly luma255: number;
  /**
   * The root mean square of low and middle frequencies in the smoothest twentieth of the picture: 70 to 90% of `sigma255` if
   * noise is white and a part of the picture is smooth, more if all is textured. If it is much larger than a small `sigma255`,
   * the picture may hold noise that demosaicking, JPEG or resizing has smoothed, which this file does not measure.
   */
  readonly coarse255: number;
  /** Whether there is less white noise than `CLEAN_BELOW_255`; false where nothing can be told. */
  readonly isClean: boolean;
}

/** The priors' least sigma is 2.5; below this, noise is invisible and of the size of what is left in clean pictures. */
export const CLEAN_BELOW_255 = 1.5;

/** The ratio of two opinions up to which they agree. */
const AGREES_TO = 1.25;
const LEAST_SIDE = 16;
/** Variance of rounding to integers. */
const ROUNDING = 1 / 12;

const UNKNOWN = { sigma255: 0, confidence: 0, luma255: 0, coarse255: 0, isClean: false };

/**
 * Sigma of the white Gaussian noise in a picture, whether clipped and rounded or not; alpha is not looked at.
 *
 * @param picture  any size: at most 3072 patches of it are read, so large pictures cost no more
 * @see            Chen, Zhu and Heng 2015, An Efficient Statistical Method for Image Noise Level Estimation
 */
export async function estimateSigma(picture: Picture): Promise<SigmaEstimate> {
  const colours = colourChannels(picture.channels);
  const repeat = (sigma: number) => Array.from({ length: colours }, () => sigma);
  const patches = await collectNoisePatches(picture);
  const isTiny = Math.min(picture.width, picture.height) < LEAST_SIDE;
  const rounding = picture.data instanceof Uint8Array ? ROUNDING : 0;
  const found = isTiny ? undefined : await fitVariances(patches, rounding);
  if (!found) return { ...UNKNOWN, perChannel255: repeat(0) };
  const { variances, luma } = found;
  const sigma255 = Math.sqrt(mean(variances));
  const luma255 = Math.sqrt(luma);
  const precision = Math.max(0, 1 - 10 / Math.sqrt(2 * found.samples));
  const coarse255 = Math.sqrt(found.coarse);
  const own = Math.max(sigma255, CLEAN_BELOW_255);
  const ratios =
    patches.planes === 1 ? [own / coarse255] : [own / luma255, Math.max(luma255, CLEAN_BELOW_255) / own];
  const agreement = Math.min(1, ...ratios.map((ratio) => AGREES_TO * ratio));
  return {
    sigma255,
    perChannel255: variances.length === colours ? variances.map(Math.sqrt) : repeat(sigma255),
    confidence: precision * agreement,
    luma255,
    coarse255,
    isClean: sigma255 < CLEAN_BELOW_255,
  };
}
