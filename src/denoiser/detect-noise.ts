// `auto`: what noise a picture has, found from the picture alone. Which finding counts is decided here and only here.
import { measureBlocks } from '../core/noise/block-powers.js';
import { type CorrelationFinding, estimateCorrelation, findCorrelation } from '../core/noise/correlation.js';
import { estimateSigma, type SigmaEstimate } from '../core/noise/estimate-sigma.js';
import { fitSensorNoise } from '../core/noise/fit-noise.js';
import { type NoiseProfile, normalizeSpectrum } from '../core/noise/model/noise-profile.js';
import { patchResiduals } from '../core/noise/patch-residuals.js';
import type { PoissonGaussianParameters } from '../core/noise/poisson-gaussian.js';
import { colourChannels, type Picture } from '../tile/picture.js';
import type { NoiseReport } from './denoiser.js';

export interface DetectedNoise {
  /** 8-bit units. */
  readonly sigma255: number;
  readonly isClean: boolean;
  /** [0, 1] units, where the noise grows with the signal. */
  readonly poissonGaussian?: PoissonGaussianParameters | undefined;
  /** Where the noise is not white. */
  readonly profile?: NoiseProfile | undefined;
  readonly report: Omit<NoiseReport, 'isEstimated'>;
}

/**
 * The prior's sigma over that of correlated noise at middle frequencies: noise that reaches into low frequencies
 * needs more than its middle ones say. Measured on real photographs, `bench/noise.ts`.
 */
const CORRELATED_FACTOR = 1.5;

/**
 * Noise in a JPEG with subsampled chroma: fine noise in the luma alone, coarse noise in the chroma, on blocks that are
 * otherwise even. Measured on 20 pictures of CBSD68, clean and with noise of 10 and 20, at qualities 80 to 90: all
 * 40 noisy ones have it, none of the 40 others.
 */
const SUBSAMPLED = {
  chroma255: 1.3,
  highOverMid: 0.48,
  evenness: 0.5,
  luma255: 2.5,
  confidence: 0.4,
} as const;
/** The sigma that takes most of such noise off, over that at middle frequencies; 3 to 6 dB on the example photographs. */
const SUBSAMPLED_FACTOR = 1.4;

/** Powers of correlated noise per band, over the strongest: as the pairs of cc15 have. */
const CORRELATED = [0.15, 0.7, 1, 0.8] as const;
const FLAT = [1, 1, 1, 1] as const;

/** A profile whose strongest band has this level, of luma and chroma. */
function colouredProfile(
  sigma255: number,
  [luma, chroma]: readonly [readonly number[], readonly number[]],
): NoiseProfile {
  const channel = (powers: readonly number[]) => {
    const { spectrum, power } = normalizeSpectrum(powers);
    return { level: [(sigma255 / 255) * Math.sqrt(power)], spectrum };
  };
  return { brightness: [0.5], channels: [channel(luma), channel(chroma), channel(chroma)] };
}

function isSubsampled({ evidence }: CorrelationFinding, { luma255, confidence }: SigmaEstimate): boolean {
  return (
    evidence.chroma255 >= SUBSAMPLED.chroma255 &&
    evidence.highOverMid[0] >= SUBSAMPLED.highOverMid &&
    evidence.evenness[0] >= SUBSAMPLED.evenness &&
    luma255 >= SUBSAMPLED.luma255 &&
    confidence < SUBSAMPLED.confidence
  );
}

/** Estimated levels lie on a grid of 1%, so that pictures of one kind share what an engine prepares for a level. */
function onGrid(sigma: number): number {
  return Math.exp(Math.round(Math.log(sigma) * 100) / 100);
}

const words = (sigma: number) => sigma.toFixed(1);

function gaussian(
  sigma255: number,
  [least, most]: readonly [number, number],
  report: Omit<DetectedNoise['report'], 'model' | 'sigma'>,
  isClean = false,
): DetectedNoise {
  const isBelow = isClean || sigma255 / 255 < least;
  const isAbove = sigma255 / 255 > most;
  const sigma = isBelow ? sigma255 : Math.min(most * 255, onGrid(sigma255));
  const note = !isBelow
    ? `${report.why}${isAbove ? `; sigma ${words(sigma255)} is more than the prior knows` : ''}`
    : report.confidence === 0
      ? report.why
      : `looks clean: sigma ${words(sigma255)}${isClean ? '' : `, and the prior begins at ${words(least * 255)}`}`;
  return {
    sigma255: sigma,
    isClean: isBelow,
    report: { ...report, model: 'gaussian', sigma, why: note },
  };
}

/**
 * The noise of a picture.
 *
 * @param kind   what the user said of its kind
 * @param range  the noise levels that the prior knows for this picture, [0, 1] units
 */
export async function detectNoise(
  picture: Picture,
  kind: 'auto' | 'gaussian' | 'poisson-gaussian',
  range: readonly [number, number],
): Promise<DetectedNoise> {
  const colours = colourChannels(picture.channels);
  // The correlation and, in colour, the sensor's noise are told from the same blocks.
  const blocks = colours === 3 ? await measureBlocks(picture) : undefined;
  const correlation = blocks && kind !== 'poisson-gaussian' ? findCorrelation(blocks) : undefined;
  if (correlation?.isCorrelated) {
    const { lag1 } = await estimateCorrelation(picture, blocks);
    const found = gaussian(CORRELATED_FACTOR * correlation.midSigma255, range, {
      isCorrelated: true,
      why: `neighbouring pixels have correlated noise (${lag1.toFixed(2)})`,
    });
    return { ...found, profile: colouredProfile(found.sigma255, [CORRELATED, CORRELATED]) };
  }
  const estimate = await estimateSigma(picture);
  const { sigma255, confidence, isClean } = estimate;
  if (correlation && isSubsampled(correlation, estimate)) {
    const found = gaussian(SUBSAMPLED_FACTOR * correlation.midSigma255, range, {
      isCorrelated: true,
      confidence,
      why: 'the luma has fine noise and the chroma coarse noise, as in a JPEG with subsampled chroma',
    });
    return { ...found, profile: colouredProfile(found.sigma255, [FLAT, CORRELATED]) };
  }
  const mayBeSensor = kind === 'poisson-gaussian' || (kind === 'auto' && !isClean);
  const fit = mayBeSensor ? fitSensorNoise(await patchResiduals(picture, blocks), colours) : undefined;
  if (fit) {
    const { gain, sigma, reason: why } = fit;
    return {
      ...gaussian(sigma255, range, { why }),
      isClean: false,
      poissonGaussian: { gain: gain / 255, sigma: sigma / 255, offset: 0 },
      report: { model: 'poisson-gaussian', sigma, gain, offset: 0, confidence: fit.confidence, why },
    };
  }
  const why =
    confidence === 0
      ? 'cannot tell noise from picture (too small, flat or clipped throughout); give sigma'
      : 'estimated from the picture';
  return gaussian(sigma255, range, { confidence, why }, isClean);
}
