// Finds a picture's noise from the picture alone. Only this file weighs the estimates against each other.
import type { NoiseMeter } from '../../core/engine/noise-meter/noise-meter.js';
import { mean } from '../../core/metrics/index.js';
import { CELL } from '../../core/noise/estimate/noise-network.js';
import {
  headInputs,
  type ProfileFromReadings,
  profileFromReadings,
} from '../../core/noise/estimate/profile-from-readings.js';
import { findSynthetic } from '../../core/noise/estimate/synthetic.js';
import { estimateSigma } from '../../core/noise/estimate/white/estimate-sigma.js';
import { fitNoise } from '../../core/noise/estimate/white/fit-noise.js';
import type { PoissonGaussianParameters } from '../../core/noise/likelihood/poisson-gaussian.js';
import { MEASURED } from '../../core/noise/model/bands.js';
import { type NoiseProfile, strongestLevel255 } from '../../core/noise/model/noise-profile.js';
import { colourChannels, type Picture } from '../../core/picture.js';
import type { NoiseReport } from '../denoiser.js';
import { readNoiseCells } from './noise-cells.js';

export interface DetectedNoise {
  /** 8-bit units. */
  readonly sigma255: number;
  readonly isClean: boolean;
  /** [0, 1] units, if the noise is white and grows with the signal. */
  readonly poissonGaussian?: PoissonGaussianParameters | undefined;
  /** If the noise is not white. */
  readonly profile?: NoiseProfile | undefined;
  readonly report: Omit<NoiseReport, 'isEstimated'>;
}

/**
 * The least evidence to act on: the probability that a detail of the picture lies above NOISY_255. Chosen on the 32
 * photographs left out of training, so that 9 of 10 without noise stay as they are, also as JPEG. Elsewhere it takes 1 of
 * CBSD68's 68 without noise for noisy, 1 of PolyU's 44 and 1 of cc15's 15, and finds 37 and 13 of their noisy ones.
 */
const LEAST_EVIDENCE = 0.65;
/** Below this probability a picture looks clean. */
const UNDECIDED = 0.5;
/**
 * With fewer cells only white noise is evident: 96 x 96 pixels. Of 64 parts of those 32 photographs without noise 5 are taken for
 * noisy at 96 x 96, 13 at 64 x 64 and 18 at 32 x 32; of 136 of CBSD68 15, 26 and 52.
 */
const LEAST_CELLS = 36;
/**
 * White noise is equally strong in every band of the chroma; a camera's is not, since every mosaic correlates it. So for white
 * noise the logarithms of the chroma's levels spread by less than this, and their mean agrees with the estimate of white noise
 * up to a factor. White noise of sigma 5 and 12 on 24 photographs spreads by at most 0.15 on all but one; the noise of cc15
 * and PolyU by more than 0.5 on all but one (0.35).
 */
const WHITE = { spread: 0.3, ratio: 1.35 } as const;
/** If the estimate of white noise is this confident: its luma and chroma agree. */
const SURELY_WHITE = { spread: 0.45, ratio: 2, confidence: 0.8 } as const;
/**
 * A grey picture has no chroma, by which the network tells noise from texture, so a white-noise estimate this confident goes
 * first. On 14 grey pictures of CBSD68 it is at least 0.88 for sigma 15, and takes one without noise for noisy with 0.72.
 */
const SURE_OF_GREY = 0.8;
/** A sensor's noise has no single level to agree on, but its fit has its own confidence. */
const SENSOR_CONFIDENCE = 0.5;

/** Rounds a level to a grid of 1%, so that similar pictures share what an engine prepares for a level. */
function onGrid(sigma: number): number {
  return Math.exp(Math.round(Math.log(sigma) * 100) / 100);
}

const words = (sigma: number) => sigma.toFixed(1);

/**
 * The noise of a picture.
 *
 * @param kind   as the user passed it; 'gaussian' and 'poisson-gaussian' are white
 * @param range  the noise levels that the prior knows for this picture, [0, 1] units
 * @param meter  used if the kind is 'auto'
 * @throws       FlowDenoiseError ENGINE_FAILED, CLOSED
 */
export async function detectNoise(
  picture: Picture,
  kind: 'auto' | 'gaussian' | 'poisson-gaussian',
  range: readonly [number, number],
  meter: NoiseMeter,
): Promise<DetectedNoise> {
  if (kind !== 'auto') return whiteNoise(picture, kind, range);
  const drawn = await findSynthetic(picture);
  if (drawn !== undefined) return nothing(0, drawn, 1);
  let asked: Promise<DetectedNoise> | undefined;
  const asWhite = () => {
    asked ??= whiteNoise(picture, kind, range);
    return asked;
  };
  const isGrey = colourChannels(picture.channels) === 1;
  if (isGrey) {
    const white = await asWhite();
    if (!white.isClean && (white.report.confidence ?? 0) >= SURE_OF_GREY) return white;
  }
  const cells = await readNoiseCells(picture, meter);
  if (cells.length === 0) return asWhite();
  const levels = await meter.pool(headInputs(cells));
  const found = profileFromReadings(cells, levels, colourChannels(picture.channels));
  // The network saw a grey picture as three copies, whose luma is sqrt 3 times the picture.
  const unit = isGrey ? Math.sqrt(3) : 1;
  const { evidence } = levels;
  // The network gives levels of noise that exists with this probability.
  const strongest255 = (evidence * Math.max(...found.levels255)) / unit;
  const { level255, spread } = chromaOf(found, unit);
  if (evidence >= UNDECIDED && spread < SURELY_WHITE.spread) {
    const white = await asWhite();
    const { confidence = 0 } = white.report;
    const isSure = confidence >= SURELY_WHITE.confidence;
    const limit = isSure ? SURELY_WHITE : WHITE;
    const ratio = Math.max(white.sigma255 / level255, level255 / white.sigma255);
    // Of grey pictures the network knows the levels up to a factor of two or three only: their spread has to do.
    const agrees = white.poissonGaussian ? confidence > SENSOR_CONFIDENCE : isGrey || ratio < limit.ratio;
    // If the network is undecided, a white-noise estimate that is confident and agrees is evidence too.
    const isEvident = evidence >= LEAST_EVIDENCE || (isSure && ratio < SURELY_WHITE.ratio);
    if (!white.isClean && spread < limit.spread && agrees && isEvident) return white;
  }
  if (evidence < UNDECIDED)
    return nothing(strongest255, `looks clean: sigma ${words(strongest255)}`, 1 - evidence);
  // Reflections beyond a narrow picture are in cells too, and tell nothing new.
  const own = (picture.width * picture.height) / CELL ** 2;
  if (Math.min(cells.length, own) < LEAST_CELLS)
    return nothing(
      strongest255,
      "too small, or clipped nearly everywhere, to tell a camera's noise from texture; pass sigma or a noise profile",
    );
  if (evidence < LEAST_EVIDENCE) {
    const percent = Math.round(100 * evidence);
    return nothing(
      strongest255,
      `may have noise (sigma ${words(strongest255)}, ${percent}% likely), too unsure to act`,
    );
  }
  const sigma = strongestLevel255(found.profile);
  const why = spectrumWords(found);
  const report = { model: 'profile', sigma, isCorrelated: true, confidence: evidence, why };
  return { sigma255: sigma, isClean: false, profile: found.profile, report };
}

function nothing(sigma: number, why: string, confidence?: number): DetectedNoise {
  return { sigma255: sigma, isClean: true, report: { model: 'gaussian', sigma, why, confidence } };
}

/** The mean level, 8-bit units, of the chroma's details (or a grey picture's) but the coarsest, and their logarithms' spread. */
function chromaOf({ levels255 }: ProfileFromReadings, unit: number): { level255: number; spread: number } {
  const asked = levels255.length === MEASURED ? levels255 : levels255.slice(MEASURED);
  const levels = asked.filter((_, i) => i % MEASURED < MEASURED - 1).map((level) => Math.log(level / unit));
  const middle = mean(levels);
  const variance = mean(levels.map((level) => (level - middle) ** 2));
  return { level255: Math.exp(middle), spread: Math.sqrt(variance) };
}

function spectrumWords({ levels255 }: ProfileFromReadings): string {
  const of = (channel: number) =>
    levels255
      .slice(channel * MEASURED, (channel + 1) * MEASURED)
      .map(words)
      .join(', ');
  const chroma = levels255.length > MEASURED ? `; chroma ${of(1)} and ${of(2)}` : '';
  return `noise of a camera or codec: luma ${of(0)} from fine to coarse${chroma}`;
}

/** White noise, constant or growing with brightness. */
async function whiteNoise(
  picture: Picture,
  kind: 'auto' | 'gaussian' | 'poisson-gaussian',
  [least, most]: readonly [number, number],
): Promise<DetectedNoise> {
  const { sigma255, confidence, isClean } = await estimateSigma(picture);
  const mayBeSensor = kind === 'poisson-gaussian' || (kind === 'auto' && !isClean);
  const fit = mayBeSensor ? await fitNoise(picture) : undefined;
  if (fit?.decision === 'poisson-gaussian') {
    const { gain, sigma, reason: why } = fit;
    return {
      sigma255,
      isClean: false,
      poissonGaussian: { gain: gain / 255, sigma: sigma / 255, offset: 0 },
      report: { model: 'poisson-gaussian', sigma, gain, offset: 0, confidence: fit.confidence, why },
    };
  }
  if (isClean || sigma255 / 255 < least) {
    const why =
      confidence === 0
        ? 'cannot tell noise from picture (too small, flat or clipped throughout); pass sigma'
        : `looks clean: sigma ${words(sigma255)}${isClean ? '' : `, and the prior begins at ${words(least * 255)}`}`;
    return nothing(sigma255, why, confidence);
  }
  const isAbove = sigma255 / 255 > most;
  const sigma = Math.min(most * 255, onGrid(sigma255));
  const note = isAbove ? `; sigma ${words(sigma255)} is more than the prior knows` : '';
  const why = `estimated from the picture${note}`;
  return { sigma255: sigma, isClean: false, report: { model: 'gaussian', sigma, confidence, why } };
}
