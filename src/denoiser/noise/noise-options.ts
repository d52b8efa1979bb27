// The options that describe the noise. noise-plan.ts acts on them.
import { z } from 'zod';
import type { NoiseModel } from '../../core/noise/likelihood/noise-model.js';
import {
  faultOfNoiseProfile,
  type GivenNoiseProfile,
  isNoiseProfile,
} from '../../core/noise/model/profile-schema.js';
import { option } from '../option-schema.js';

const isFunction = (value: unknown): boolean => typeof value === 'function';

function isNoiseModel(value: unknown): value is NoiseModel {
  const { name, logLikelihood, gradient } = (value ?? {}) as Partial<NoiseModel>;
  return typeof name === 'string' && isFunction(logLikelihood) && isFunction(gradient);
}

export const sigmaSchema = z.union([z.number().positive().max(255), z.literal('auto')]).default('auto');
export const SIGMA_WORDS =
  "a number above 0 and at most 255 (standard deviation of the noise in 8-bit units) or 'auto'";

/** All in 8-bit units: variance = gain (value - offset) + sigma^2. */
const poissonGaussianSchema = z.strictObject({
  model: z.literal('poisson-gaussian'),
  gain: z.number().positive().max(1e4),
  sigma: z.number().nonnegative().max(255).default(0),
  offset: z.number().min(-255).max(254).default(0),
});

const NOISE =
  "'auto', 'gaussian', 'poisson-gaussian', { model: 'poisson-gaussian', gain, sigma, offset } in 8-bit units, " +
  'a noise profile { brightness, channels }, or a NoiseModel';

const noiseSchema = z
  .union([
    z.enum(['auto', 'gaussian', 'poisson-gaussian']),
    poissonGaussianSchema,
    z.custom<NoiseModel>(isNoiseModel),
    z.custom<GivenNoiseProfile>(isNoiseProfile),
  ])
  .superRefine((noise, context) => {
    if (typeof noise === 'string' || isNoiseModel(noise) || !isNoiseProfile(noise)) return;
    const fault = faultOfNoiseProfile(noise);
    if (fault !== undefined)
      context.addIssue({
        code: 'custom',
        params: { message: `Expected a noise profile for noise, but ${fault}` },
      });
  })
  .default('auto');

const level = () => z.number().min(-1e9).max(1e9).optional();

/** What the noise is and how much of it to remove. */
export const noiseShape = {
  /** Standard deviation of the noise in 8-bit units. 'auto' (default) estimates it from the picture. */
  sigma: option(sigmaSchema, SIGMA_WORDS, {
    does: 'the standard deviation of the noise in 8-bit units; auto finds it in the picture',
    flag: '<number>',
  }),
  /** The noise's kind. 'auto' (default) decides from the picture; with a number for sigma it is Gaussian. */
  noise: option(noiseSchema, NOISE, {
    does: 'the kind of noise; as a flag auto, gaussian, poisson-gaussian, or a .json file that flow-denoise noise wrote',
    flag: '<kind or file>',
    see: '[Noise](#noise)',
  }),
  /** How much of the change to apply: 1 (default) removes all noise, 0 nothing. */
  strength: option(z.number().min(0).max(1).default(1), 'a number from 0 to 1', {
    does: 'how much of the change to apply',
    flag: '<number>',
  }),
  /** The sample that means black, in the picture's own numbers. Default: found in the picture; 0 for most. */
  black: option(level(), "a number (the sample that means black, in the file's own numbers)", {
    does: "the sample that means black, in the file's own numbers",
    flag: '<number>',
    otherwise: 'found; 0 for most pictures',
  }),
  /** The sample that means white. Default: found in the picture; 255, 65535 or 1.0 for most. */
  white: option(level(), "a number (the sample that means white, in the file's own numbers)", {
    does: 'the sample that means white; noise is measured in 1/255 of white - black',
    flag: '<number>',
    otherwise: 'found; 255, 65535 or 1.0 for most',
  }),
};

/** Checked, with defaults. */
export type CheckedNoiseOptions = z.output<z.ZodObject<typeof noiseShape>>;
export type NoiseOfCall = CheckedNoiseOptions & { readonly sigmaMap?: Float32Array | undefined };
export { isNoiseModel, isNoiseProfile };
