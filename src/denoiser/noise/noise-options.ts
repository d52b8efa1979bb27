// How a user says what the noise is, and the check of it. What is made of it: noise-plan.ts.
import { z } from 'zod';
import type { NoiseModel } from '../../core/noise/likelihood/noise-model.js';
import {
  faultOfNoiseProfile,
  type GivenNoiseProfile,
  isNoiseProfile,
} from '../../core/noise/model/profile-schema.js';
import { rangeOptionsShape } from '../view/range-options.js';

const isFunction = (value: unknown): boolean => typeof value === 'function';

function isNoiseModel(value: unknown): value is NoiseModel {
  const { name, logLikelihood, gradient } = (value ?? {}) as Partial<NoiseModel>;
  return typeof name === 'string' && isFunction(logLikelihood) && isFunction(gradient);
}

const SIGMA = 'a number above 0 and at most 255 (standard deviation of the noise in 8-bit units)';

export const sigmaSchema = z
  .union([z.number().positive().max(255), z.literal('auto')])
  .default('auto')
  .describe(`${SIGMA} or 'auto'`);

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

export const noiseSchema = z
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
  .default('auto')
  .describe(NOISE);

export const strengthSchema = z.number().min(0).max(1).default(1).describe('a number from 0 to 1');

/** The options of a call that say what the noise is and how much of it goes. */
export const noiseOptionsShape = {
  /** Standard deviation of the noise in 8-bit units, or 'auto' (default): estimated from the picture. */
  sigma: sigmaSchema,
  /** The noise's kind. 'auto' (default): decided from the picture, or Gaussian where sigma is a number. */
  noise: noiseSchema,
  /** Sigma for every pixel, row by row, 8-bit units; in place of `sigma`. */
  sigmaMap: z
    .custom<Float32Array>((value) => value instanceof Float32Array)
    .optional()
    .describe('a Float32Array with a sigma for every pixel'),
  /** 1 (default) takes all noise off, 0 nothing: how much of the change is applied. */
  strength: strengthSchema,
  ...rangeOptionsShape,
};

export type NoiseOptions = z.input<z.ZodObject<typeof noiseOptionsShape>>;
export type CheckedNoiseOptions = z.output<z.ZodObject<typeof noiseOptionsShape>>;
export { isNoiseModel, isNoiseProfile };
