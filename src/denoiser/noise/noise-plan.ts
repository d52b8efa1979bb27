// Plans how a picture's tiles are denoised, from the noise options and, for those that are 'auto', from the picture.
import type { NoiseMeter } from '../../core/engine/noise-meter/noise-meter.js';
import { badOption, FlowDenoiseError } from '../../core/errors.js';
import { SCHEDULE } from '../../core/inference/half-quadratic-splitting.js';
import { binnedNoise, combinedNoise, weightForSigma } from '../../core/noise/likelihood/few-counts.js';
import { gaussianNoise, type NoiseModel } from '../../core/noise/likelihood/noise-model.js';
import {
  type PoissonGaussianParameters,
  poissonGaussianNoise,
} from '../../core/noise/likelihood/poisson-gaussian.js';
import { type NoiseProfile, scaledProfile, strongestLevel255 } from '../../core/noise/model/noise-profile.js';
import { profileFor } from '../../core/noise/model/opponents.js';
import { colourChannels, type Picture } from '../../core/picture.js';
import { extractTile } from '../../tile/extract.js';
import type { Tile, TilePlan } from '../../tile/plan.js';
import type { NoiseReport } from '../denoiser.js';
import { notBoth } from '../option-schema.js';
import { noiseScale } from '../passes/grey.js';
import {
  binnedPass,
  secondLookPass,
  splittingPass,
  stabilisedPass,
  type TilePass,
  type TileSamples,
} from '../passes/tile-pass.js';
import type { Approach, Method } from '../preset.js';
import { detailToNoise } from './detail-to-noise.js';
import { detectNoise } from './detect-noise.js';
import { isNoiseModel, isNoiseProfile, type NoiseOfCall } from './noise-options.js';

interface NoisePlan {
  readonly report: NoiseReport;
  /** Nothing to do: the picture is clean, or its noise is below what the prior knows. */
  readonly isClean: boolean;
  /** The strongest noise that the prior is told, 8-bit units. */
  readonly strongest255: number;
  /** The probability that there is this noise, default 1: the share of the correction to apply. */
  readonly probability?: number | undefined;
  /** The passes around the prior, the outermost first. */
  readonly passes: readonly TilePass[];
  /** Passes may split tiles into this many along each side, so sides are multiples of it. */
  readonly multiple: number;
  at(tile: Tile, plan: TilePlan): Pick<TileSamples, 'sigma' | 'likelihood' | 'varies'>;
}

/** `scales` is 1 by default. */
export interface NoiseContext extends Partial<Pick<Approach, 'scales'>> {
  /** The noise levels that the prior knows, [0, 1] units, of colour. */
  readonly range: readonly [number, number];
  readonly method: Method;
  /** Used if the noise is to be found in the picture. */
  readonly meter: NoiseMeter;
}

type ReportedNoise = Omit<NoiseReport, 'isEstimated'> & { readonly isEstimated?: boolean };

function gaussianPlan(report: ReportedNoise): NoisePlan {
  return {
    report: { isEstimated: false, ...report },
    isClean: false,
    strongest255: report.sigma,
    passes: [],
    multiple: 1,
    at: () => ({ sigma: report.sigma / 255 }),
  };
}

/** Above this level after stabilisation a second pass pays. It is also the level of the second pass. */
const SECOND_LOOK = 40 / 255;

/** How noise of this strength reaches the prior: stabilised, in the smallest blocks whose noise the prior knows. */
function look(parameters: PoissonGaussianParameters, most: number) {
  const factors = [1, 2, 4] as const;
  const stabiliserFor = (factor: (typeof factors)[number]) =>
    poissonGaussianNoise(factor === 1 ? parameters : binnedNoise(parameters, factor));
  const factor = factors.find((each) => stabiliserFor(each).sigma <= most) ?? 4;
  const stabiliser = stabiliserFor(factor);
  const passes = [...(factor === 1 ? [] : [binnedPass(factor)]), stabilisedPass(stabiliser)];
  return { factor, stabiliser, passes };
}

function stabilisedPlan(
  parameters: PoissonGaussianParameters,
  report: ReportedNoise,
  { range: [least, most] }: NoiseContext,
): NoisePlan {
  const first = look(parameters, most);
  const weight = weightForSigma(parameters, SECOND_LOOK);
  const second = weight < 1 ? look(combinedNoise(parameters, weight), most) : undefined;
  const note =
    first.factor === 1
      ? ''
      : `; so few counts that blocks of ${first.factor} x ${first.factor} pixels are denoised as one`;
  return {
    report: { isEstimated: false, ...report, why: report.why + note },
    isClean: first.stabiliser.sigma < least,
    strongest255: 255 * Math.max(first.stabiliser.sigma, second?.stabiliser.sigma ?? 0),
    passes: second ? [secondLookPass(first.passes, second.passes, weight)] : first.passes,
    multiple: Math.max(first.factor, second?.factor ?? 1),
    at: () => ({ sigma: first.stabiliser.sigma }),
  };
}

/**
 * Plans for noise of a profile. The picture is clean if even its strongest level is below what the prior knows.
 *
 * @throws FlowDenoiseError UNSUPPORTED_IMAGE for a grey profile of a colour picture
 */
async function profilePlan(
  picture: Picture,
  given: NoiseProfile,
  report: Omit<ReportedNoise, 'model' | 'sigma'>,
  { range, scales = 1 }: NoiseContext,
): Promise<NoisePlan> {
  const profile = profileFor(given, colourChannels(picture.channels));
  if (!profile)
    throw new FlowDenoiseError(
      'UNSUPPORTED_IMAGE',
      'Expected a noise profile of 3 channels for a colour picture but received one of 1; measure it on colour pictures',
    );
  const { brightness, channels } = profile;
  const sigma = strongestLevel255(profile);
  const white = whiteSigma(profile);
  const told = white === undefined ? scaledProfile(profile, await levelFactor(picture, profile)) : profile;
  return {
    report: { isEstimated: false, ...report, model: 'profile', sigma, profile: { brightness, channels } },
    isClean: strongestPower(profile) < range[0],
    strongest255: 255 * strongestPower(told),
    passes: white === undefined ? [splittingPass(told, { range, scales, schedule: SCHEDULE })] : [],
    multiple: 1,
    at: () => ({ sigma: white ?? sigma / 255 }),
  };
}

/**
 * The factor at values of `detailToNoise`. On 74 pictures of the simulated camera (32 photographs left out of training) found
 * noisy it gains 0.22 dB over 1 for all.
 */
const SMOOTH = { ratio: 1.5, factor: 1.2 } as const;
const TEXTURED = { ratio: 4, factor: 0.7 } as const;

/**
 * The factor for the level that the prior is told. It expects the detail of sharp photographs: in smooth pictures it takes
 * noise for detail, and in pictures that are texture all over, coloured noise costs it detail. Linear in logarithms.
 */
async function levelFactor(picture: Picture, profile: NoiseProfile): Promise<number> {
  const ratio = await detailToNoise(picture, profile);
  if (ratio === undefined) return 1;
  const share = Math.log(ratio / SMOOTH.ratio) / Math.log(TEXTURED.ratio / SMOOTH.ratio);
  return SMOOTH.factor * (TEXTURED.factor / SMOOTH.factor) ** Math.min(1, Math.max(0, share));
}

/** The sigma of a white profile, [0, 1] units; undefined for others. */
function whiteSigma({ channels }: NoiseProfile): number | undefined {
  const first = channels[0]?.level[0] ?? 0;
  const isOne = (value: number) => Math.abs(value - 1) < 1e-6;
  const isWhite = channels.every(
    ({ level, spectrum }) => level.every((value) => isOne(value / first)) && spectrum.every(isOne),
  );
  return isWhite ? first : undefined;
}

/** The largest level of any band and channel at any brightness, [0, 1] units. */
function strongestPower({ channels }: NoiseProfile): number {
  return Math.max(
    ...channels.map(({ level, spectrum }) => Math.max(...level) * Math.sqrt(Math.max(...spectrum))),
  );
}

function mapPlan(picture: Picture, map: Float32Array): NoisePlan {
  const { width, height } = picture;
  if (map.length !== width * height)
    throw new FlowDenoiseError(
      'UNSUPPORTED_IMAGE',
      `Expected ${width} x ${height} = ${width * height} numbers for sigmaMap, one for each pixel, but received ${map.length}; pass a map of the picture's size`,
    );
  const wrong = map.find((sigma) => !(sigma > 0 && sigma <= 255));
  if (wrong !== undefined)
    throw badOption(`Expected numbers above 0 and at most 255 for sigmaMap but received ${wrong} among them`);
  const view: Picture = { data: map, width, height, channels: 1 };
  const scale = noiseScale(colourChannels(picture.channels));
  const mean = map.reduce((sum, sigma) => sum + sigma, 0) / map.length;
  return {
    ...gaussianPlan({ model: 'gaussian', sigma: mean, why: 'a sigma for every pixel was given' }),
    strongest255: map.reduce((most, sigma) => Math.max(most, sigma), 0),
    at(tile, plan) {
      const sigmas = extractTile(view, plan, tile).map((sigma) => sigma / 255);
      const squares = sigmas.reduce((sum, sigma) => sum + sigma * sigma, 0);
      // A grey picture's noise grows with its samples, see grey.ts.
      const likelihood = gaussianNoise(sigmas.map((each) => scale * each));
      return { sigma: Math.sqrt(squares / sigmas.length), likelihood, varies: true };
    },
  };
}

/**
 * Plans how to denoise this picture.
 *
 * @throws FlowDenoiseError BAD_OPTION if options contradict each other, UNSUPPORTED_IMAGE if one does not suit the picture
 */
export async function planNoise(
  picture: Picture,
  { sigma, noise, sigmaMap }: NoiseOfCall,
  { range: [least, most], ...rest }: NoiseContext,
): Promise<NoisePlan> {
  const scale = noiseScale(colourChannels(picture.channels));
  const context: NoiseContext = { ...rest, range: [least / scale, most / scale] };
  if (sigmaMap) {
    if (sigma !== 'auto' || (noise !== 'auto' && noise !== 'gaussian'))
      throw notBoth('sigmaMap', sigma === 'auto' ? 'noise' : 'sigma');
    return mapPlan(picture, sigmaMap);
  }
  if (isNoiseModel(noise)) return customPlan(picture, noise, sigma, context);
  if (typeof noise === 'object') {
    if (sigma !== 'auto')
      throw isNoiseProfile(noise)
        ? notBoth('sigma', 'a noise profile')
        : badOption('Pass sigma either in noise or as sigma, not both');
    if (isNoiseProfile(noise))
      return profilePlan(picture, noise, { why: 'a noise profile was given' }, context);
    const { gain, sigma: readNoise, offset } = noise;
    const parameters = { gain: gain / 255, sigma: readNoise / 255, offset: offset / 255 };
    const report = {
      model: 'poisson-gaussian',
      sigma: readNoise,
      gain,
      offset,
      why: 'gain and sigma were given',
    } as const;
    return stabilisedPlan(parameters, report, context);
  }
  return levelPlan(picture, sigma, noise, context);
}

/** For a kind of noise, whose level may be given. */
async function levelPlan(
  picture: Picture,
  sigma: number | 'auto',
  kind: 'auto' | 'gaussian' | 'poisson-gaussian',
  context: NoiseContext,
): Promise<NoisePlan> {
  if (sigma !== 'auto' && kind === 'poisson-gaussian')
    throw notBoth(
      "noise 'poisson-gaussian'",
      'sigma',
      'its gain and read noise are found, or both are given',
    );
  if (sigma !== 'auto') return gaussianPlan({ model: 'gaussian', sigma, why: 'sigma was given' });
  const found = await detectNoise(picture, kind, context.range, context.meter);
  const report = { ...found.report, isEstimated: true };
  if (found.poissonGaussian) return stabilisedPlan(found.poissonGaussian, report, context);
  if (!found.profile) return { ...gaussianPlan(report), isClean: found.isClean };
  const plan = await profilePlan(picture, found.profile, report, context);
  return { ...plan, probability: report.confidence };
}

/** For a custom noise model, by beta-MAP; sigma sets the scale and the start. */
async function customPlan(
  picture: Picture,
  likelihood: NoiseModel,
  sigma: number | 'auto',
  context: NoiseContext,
): Promise<NoisePlan> {
  if (context.method !== 'beta-map')
    throw badOption(
      `Expected method 'beta-map' for the noise model ${likelihood.name} but received '${context.method}', which knows no likelihoods`,
    );
  if (colourChannels(picture.channels) === 1)
    throw new FlowDenoiseError(
      'UNSUPPORTED_IMAGE',
      `Expected a colour picture for the noise model ${likelihood.name} but received a grey one`,
    );
  const base = await levelPlan(picture, sigma, 'gaussian', context);
  return {
    ...base,
    report: { ...base.report, model: likelihood.name, why: `the noise model was given; ${base.report.why}` },
    at: (tile, plan) => ({ ...base.at(tile, plan), likelihood }),
  };
}
