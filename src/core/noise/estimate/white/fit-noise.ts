// The noise of a picture from the picture alone: how strong it is, and whether it grows with brightness as a
// sensor's does. For white noise: that of a demosaiced or JPEG-compressed photograph is weakest where this looks.
// In the manner of Foi et al. 2008, Practical Poissonian-Gaussian noise modeling and fitting for single-image
// raw-data; textured patches are told from plain ones by a mixture instead of by edge detection.
import { coloursOf, type NoisyPicture } from '../../noisy-picture.js';
import { type PatchResiduals, patchResiduals } from './patch-residuals.js';
import { fitVarianceLine, type VarianceLine } from './variance-line.js';

export interface NoiseFit {
  readonly decision: 'gaussian' | 'poisson-gaussian';
  /** 8-bit units: var255 = gain mean255 + sigma^2. 0 for Gaussian noise. In [0, 1] units: gain / 255. */
  readonly gain: number;
  /** 8-bit units: standard deviation of the noise, that of the read noise where it is Poisson-Gaussian. */
  readonly sigma: number;
  /** Why, in words. */
  readonly reason: string;
  /** 0 to 1: less where few patches could be used, where most have texture, and where all have clipped samples. */
  readonly confidence: number;
  /** Patches used. */
  readonly patches: number;
}

/** Variance at the bright end over that at the dark end, below which noise is called Gaussian. */
const LEAST_RATIO = 1.1;
/** The same for grey pictures, in which texture cannot be told from noise as well. */
const LEAST_RATIO_GREY = 1.4;
/** And how much more likely the sloping line must be, nats. */
const LEAST_EVIDENCE = 8;
/** The dark and the bright end: these parts of the patches are darker. */
const ENDS = [0.05, 0.95] as const;
const FEWEST_PATCHES = 24;
/** Patches, and share of plain ones, that are enough for full confidence. */
const ENOUGH_PATCHES = 400;
const ENOUGH_PLAIN = 0.5;
/** Of confidence, per part of the samples clipped: none is left where a fifth is. */
const CLIPPED_DOUBT = 5;

const three = (value: number) => String(Number(value.toPrecision(3)));

/** What the patches say. */
interface Decision {
  readonly isSloping: boolean;
  readonly sloping: VarianceLine;
  /** The best line without a slope, where it was needed for the decision. */
  readonly flat?: VarianceLine;
  /** The variance at the dark and at the bright end, in words. */
  readonly ends: string;
}

function decide(cloud: PatchResiduals, colours: 1 | 3): Decision {
  const sloping = fitVarianceLine(cloud, false);
  const sorted = cloud.means.slice().sort();
  const [dark, bright] = ENDS.map((end) => sorted[Math.floor(end * sorted.length)] as number) as [
    number,
    number,
  ];
  const at = (mean: number) => sloping.gain * mean + sloping.floor;
  const ends = `${three(at(dark))} at ${Math.round(dark)}, ${three(at(bright))} at ${Math.round(bright)}`;
  if (at(bright) <= (colours === 1 ? LEAST_RATIO_GREY : LEAST_RATIO) * at(dark))
    return { isSloping: false, sloping, ends };
  const flat = fitVarianceLine(cloud, true);
  const isSloping = sloping.logLikelihood - flat.logLikelihood > LEAST_EVIDENCE;
  return { isSloping, sloping, flat, ends };
}

function confidenceOf({ means, clipped }: PatchResiduals, plainShare: number): number {
  const enough = Math.min(1, means.length / ENOUGH_PATCHES) * Math.min(1, plainShare / ENOUGH_PLAIN);
  return enough * (1 - CLIPPED_DOUBT * clipped);
}

function slopingFit(cloud: PatchResiduals, { sloping, ends }: Decision): NoiseFit {
  return {
    decision: 'poisson-gaussian',
    gain: sloping.gain,
    sigma: Math.sqrt(sloping.floor),
    reason: `variance grows with brightness: ${ends}`,
    confidence: confidenceOf(cloud, sloping.plainShare),
    patches: cloud.means.length,
  };
}

/**
 * The fit where noise is Poisson-Gaussian, for less work than `fitNoise` where it is not.
 *
 * @param cloud  the picture's patches
 * @returns      undefined where noise does not grow with brightness for sure, or too few patches say anything
 */
export function fitSensorNoise(cloud: PatchResiduals, colours: 1 | 3): NoiseFit | undefined {
  if (cloud.means.length < FEWEST_PATCHES) return undefined;
  const decision = decide(cloud, colours);
  return decision.isSloping ? slopingFit(cloud, decision) : undefined;
}

/**
 * Fits variance against brightness over small patches and decides between Gaussian and Poisson-Gaussian noise.
 *
 * @param picture  samples of any depth, not clipped for best results (clipped patches are left out)
 * @returns        parameters in 8-bit units whatever the depth; the black level is taken for 0
 */
export async function fitNoise(picture: NoisyPicture): Promise<NoiseFit> {
  const cloud = await patchResiduals(picture);
  const patches = cloud.means.length;
  if (patches < FEWEST_PATCHES) {
    const reason = `too few patches that are not clipped: ${patches}`;
    return { decision: 'gaussian', gain: 0, sigma: 0, reason, confidence: 0, patches };
  }
  const decision = decide(cloud, coloursOf(picture));
  if (decision.isSloping) return slopingFit(cloud, decision);
  const flat = decision.flat ?? fitVarianceLine(cloud, true);
  return {
    decision: 'gaussian',
    gain: 0,
    sigma: Math.sqrt(flat.floor),
    reason: `variance does not depend on brightness: ${decision.ends}`,
    confidence: confidenceOf(cloud, flat.plainShare),
    patches,
  };
}
