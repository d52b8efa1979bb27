// The white noise of a picture from the picture alone: how strong it is, and whether it grows with brightness as a sensor's
// does. After Foi et al. 2008, Practical Poissonian-Gaussian noise modeling and fitting for single-image raw-data; a mixture
// tells textured patches from plain ones, instead of edge detection.
import { colourChannels, type Picture } from '../../../picture.js';
import { patchResiduals } from './patch-residuals.js';
import { fitVarianceLine } from './variance-line.js';

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

/**
 * Fits variance against brightness over small patches and decides between Gaussian and Poisson-Gaussian noise.
 *
 * @param picture  samples of any depth, not clipped for best results (clipped patches are left out)
 * @returns        parameters in 8-bit units whatever the depth; the black level is taken for 0
 */
export async function fitNoise(picture: Picture): Promise<NoiseFit> {
  const cloud = await patchResiduals(picture);
  const patches = cloud.means.length;
  if (patches < FEWEST_PATCHES) {
    const reason = `too few patches that are not clipped: ${patches}`;
    return { decision: 'gaussian', gain: 0, sigma: 0, reason, confidence: 0, patches };
  }
  const sloping = fitVarianceLine(cloud, false);
  const flat = fitVarianceLine(cloud, true);
  const sorted = cloud.means.slice().sort();
  const [dark, bright] = ENDS.map((end) => sorted[Math.floor(end * patches)] as number) as [number, number];
  const at = (mean: number) => sloping.gain * mean + sloping.floor;
  const least = colourChannels(picture.channels) === 1 ? LEAST_RATIO_GREY : LEAST_RATIO;
  const isSloping =
    at(bright) > least * at(dark) && sloping.logLikelihood - flat.logLikelihood > LEAST_EVIDENCE;
  const { gain, floor, plainShare } = isSloping ? sloping : flat;
  const enough = Math.min(1, patches / ENOUGH_PATCHES) * Math.min(1, plainShare / ENOUGH_PLAIN);
  const ends = `${three(at(dark))} at ${Math.round(dark)}, ${three(at(bright))} at ${Math.round(bright)}`;
  return {
    decision: isSloping ? 'poisson-gaussian' : 'gaussian',
    gain,
    sigma: Math.sqrt(floor),
    reason: `variance ${isSloping ? 'grows with' : 'does not depend on'} brightness: ${ends}`,
    confidence: enough * (1 - CLIPPED_DOUBT * cloud.clipped),
    patches,
  };
}
