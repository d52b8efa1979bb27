// Analyses a picture's noise without denoising it: as a denoiser does, on a flat patch, or against a clean picture of the scene.
import { z } from 'zod';
import { openNoiseMeter, rememberReadings } from '../../core/engine/noise-meter/noise-meter.js';
import { findPrior } from '../../core/model/find-prior.js';
import { loadModel } from '../../core/model/load-prior.js';
import { profileFromPair, profileFromRegion } from '../../core/noise/estimate/profile-from-pair.js';
import { BAND_SHARES } from '../../core/noise/model/bands.js';
import { type NoiseProfile, whiteProfile } from '../../core/noise/model/noise-profile.js';
import { colourChannels, type Picture } from '../../core/picture.js';
import { checkPicture } from '../check-picture.js';
import type { NoiseReport } from '../denoiser.js';
import { knownLevels } from '../estimator.js';
import { notBoth, parseOptions } from '../option-schema.js';
import { callShape, openingShape } from '../options.js';
import { asGrey } from '../passes/grey.js';
import { viewOf } from '../view/picture-view.js';
import { containerRange, isContainers, type SampleRange } from '../view/sample-range.js';
import { noiseShape } from './noise-options.js';
import { planNoise } from './noise-plan.js';

const analyseOptionsSchema = z.strictObject({
  /** The noise's kind. 'auto' (default) decides from the picture. */
  noise: z
    .enum(['auto', 'gaussian', 'poisson-gaussian'])
    .default('auto')
    .describe("'auto', 'gaussian' or 'poisson-gaussian'"),
  /** A part that is flat in the scene (a wall, sky out of focus), at least 32 x 32, to measure the noise on. */
  region: callShape.region,
  /** The same scene without noise, for instance the mean of many shots, to measure the noise against. */
  clean: z
    .custom<Picture>((value) => typeof value === 'object' && value !== null && 'data' in value)
    .optional()
    .describe('a picture { data, width, height, channels }'),
  /** A shipped prior or a folder. Noise below the levels it knows counts as clean. Default 'natural'. */
  prior: openingShape.prior,
  black: noiseShape.black,
  white: noiseShape.white,
  signal: callShape.signal,
});

export type AnalyseNoiseOptions = z.input<typeof analyseOptionsSchema>;

/** As a denoiser's report, with the noise as a profile whatever its model. */
export interface NoiseAnalysis extends Omit<NoiseReport, 'profile'> {
  /** One channel for a grey picture. Pass it to a denoiser as `noise`. */
  readonly profile: NoiseProfile;
  /** Denoising would change nothing: the picture is clean, or its noise is below what the prior knows. */
  readonly isClean: boolean;
  /** Which samples were black and white. Levels are in units of white - black. */
  readonly range: SampleRange;
  /** Pixels that were ignored: hidden (alpha 0), single outliers, far outside the range. */
  readonly oddPixels: number;
}

export interface NoiseAnalyser {
  analyse(picture: Picture, options?: AnalyseNoiseOptions): Promise<NoiseAnalysis>;
  /** Ends the analyser's thread. */
  close(): Promise<void>;
}

/** One thread for many pictures; it starts with the first. */
export function openNoiseAnalyser(): NoiseAnalyser {
  const meter = rememberReadings(openNoiseMeter());
  return {
    async analyse(given, options = {}) {
      const checked = parseOptions(analyseOptionsSchema, options, 'analyseNoise');
      const { noise: kind, region, black, white, prior, signal } = checked;
      if (region && checked.clean)
        throw notBoth('region', 'clean', 'a clean picture is compared with all of the noisy one');
      const picture = await checkPicture(given);
      const clean = checked.clean && (await checkPicture(checked.clean));
      signal?.throwIfAborted();
      const levels = knownLevels(await loadModel(findPrior(prior)));
      const asked = { ...defaults, noise: kind, black, white };
      const { shown: coloured, range, odd, oddPixels } = await viewOf(picture, asked);
      const shown = await asGrey(coloured);
      const truth = clean && (await viewAlike(clean, picture, range));
      const isGrey = shown !== coloured;
      const measured = truth
        ? profileFromPair(shown, isGrey ? await asGrey(truth.shown) : truth.shown, either(odd, truth.odd))
        : region && profileFromRegion(shown, region, odd);
      signal?.throwIfAborted();
      const { report, isClean } = await planNoise(
        shown,
        { ...asked, noise: measured ?? kind },
        { range: levels, method: 'posterior-mean', meter },
      );
      signal?.throwIfAborted();
      const { profile: found, ...told } = report;
      const profile = found ?? profileOf(told, colourChannels(shown.channels));
      const measuredTold = measured && { isEstimated: true, why: wayWords(measured, clean !== undefined) };
      return { ...told, ...measuredTold, profile, isClean, range, oddPixels };
    },
    close: () => meter.close(),
  };
}

/**
 * Finds the noise of one picture as a denoiser does. Takes any depth, grey or colour, with or without alpha.
 *
 * @throws  FlowDenoiseError BAD_OPTION, BAD_IMAGE (also for a clean picture of another size or kind), BAD_PRIOR,
 *          ENGINE_FAILED; the signal's reason when aborted
 */
export async function analyseNoise(picture: Picture, options?: AnalyseNoiseOptions): Promise<NoiseAnalysis> {
  const analyser = openNoiseAnalyser();
  try {
    return await analyser.analyse(picture, options);
  } finally {
    await analyser.close();
  }
}

const defaults = { sigma: 'auto', strength: 1 } as const;

/** The share of the first channel's power in the coarsest band: pairs of one scene have at most 0.34, of two scenes 0.99. */
const SHAPES = 0.7;

function wayWords({ channels: [first] }: NoiseProfile, isPair: boolean): string {
  const way = isPair ? 'measured against the clean picture' : 'measured on the region';
  const coarse = (first?.spectrum.at(-1) ?? 0) * (BAND_SHARES.at(-1) as number);
  if (coarse < SHAPES) return way;
  const doubt = isPair ? 'do both pictures show the same scene, not moved?' : 'is the region flat?';
  return `${way}; nearly all of it is coarse, as shapes are: ${doubt}`;
}

/** The pixels that are odd in one of two pictures of a size. */
function either(one: Uint8Array | undefined, other: Uint8Array | undefined): Uint8Array | undefined {
  return one && other?.length === one.length
    ? one.map((isOdd, i) => isOdd | (other[i] as number))
    : (one ?? other);
}

/** The view of a clean picture with the noisy one's black and white. */
async function viewAlike(clean: Picture, noisy: Picture, range: SampleRange) {
  // A mean of many shots may have more bits than the shots, and then its own white.
  const { black, white } = isContainers(range, noisy) ? containerRange(clean) : range;
  return viewOf(clean, { ...defaults, noise: 'auto', black, white });
}

/** White noise, or noise that grows with the signal, as a profile. From 8-bit units to [0, 1] units. */
function profileOf({ sigma, gain, offset = 0 }: Omit<NoiseReport, 'profile'>, channels: 1 | 3): NoiseProfile {
  const white = whiteProfile(sigma / 255, channels);
  if (gain === undefined) return white;
  const levelAt = (value: number) =>
    Math.sqrt(Math.max(0, gain * (255 * value - offset)) + sigma * sigma) / 255;
  const brightness = [0, 1];
  return {
    brightness,
    channels: white.channels.map(({ spectrum }) => ({ level: brightness.map(levelAt), spectrum })),
  };
}
