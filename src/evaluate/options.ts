// The options of an evaluation.
import { z } from 'zod';
import { badOption } from '../core/errors.js';
import { callback, notBoth, parseOptions } from '../denoiser/option-schema.js';
import { betaSchema, methodSchema, openingShape, PRESET_WORDS, signalOption } from '../denoiser/options.js';
import { PRESET_NAMES } from '../denoiser/preset.js';
import type { NoiseLevel } from './noise-level.js';
import type { CleanPicture } from './pictures.js';

export interface EvaluationProgress {
  /** Pictures restored, over all cells. */
  readonly done: number;
  readonly total: number;
  /** What is being restored now. */
  readonly what: string;
  /** Expected seconds. */
  readonly secondsLeft: number;
}

/**
 * Another denoiser, called for each picture.
 *
 * @param noisy  interleaved, in [0, 1] before noise
 * @param level  its noise, 8-bit units
 * @returns      its estimate, interleaved, of the same shape
 */
export type GivenProgram = (
  noisy: Omit<CleanPicture, 'name'>,
  level: NoiseLevel,
  signal: AbortSignal | undefined,
) => Promise<Float32Array>;

const { engine, threads, tileSize, overlap } = openingShape;

function list<T extends z.ZodType>(item: T, description: string) {
  return z.array(item).min(1).readonly().optional().describe(description);
}

const evaluateOptionsSchema = z.strictObject({
  /** The folder with clean pictures, read at any depth in the order of their names. */
  folder: z.string().min(1).describe('the path of a folder with clean pictures'),
  /** What to vary: 'grid' (default) takes it from the options below, 'paper' repeats the paper's experiments. */
  protocol: z.enum(['grid', 'paper']).default('grid').describe("'grid' or 'paper'"),
  prior: list(z.string().min(1), "one or more priors: shipped ones' names, or folders"),
  /** Default, if method and beta are not given either: the default preset, and both methods. */
  preset: list(z.enum(PRESET_NAMES), `one or more of ${PRESET_WORDS}`),
  /** Methods without ensemble and scales. */
  method: list(methodSchema, "one or more of 'beta-map' and 'posterior-mean'"),
  beta: list(betaSchema, "one or more of 'auto' and numbers above 0 and at most 1000"),
  /** 8-bit units; for Poisson-Gaussian noise of the read noise, which may be 0. */
  sigma: list(
    z.number().nonnegative().max(255),
    'one or more numbers above 0 and at most 255 (standard deviation of the noise in 8-bit units)',
  ),
  noise: z
    .enum(['gaussian', 'poisson-gaussian', 'camera'])
    .default('gaussian')
    .describe("'gaussian', 'poisson-gaussian' or 'camera'"),
  /** Variance per unit of signal, 8-bit units. */
  gain: list(z.number().positive().max(1e4), 'one or more numbers above 0 (8-bit units)'),
  /** ISO speeds of the simulated camera, which takes the clean pictures as scenes and clips at black and white. */
  iso: list(z.number().min(25).max(1e6), 'one or more numbers from 25 to 1000000 (ISO speed)'),
  /** How the simulated camera's files are coded. */
  jpegQuality: list(
    z.union([z.int().min(1).max(100), z.literal('none')]),
    "one or more of 'none' and whole numbers from 1 to 100",
  ),
  jpegSampling: z.enum(['4:2:0', '4:4:4']).optional().describe("'4:2:0' or '4:4:4'"),
  /** Clip the noisy pictures at black and white. */
  clip: z.boolean().default(false).describe('true or false'),
  /** The number of pictures. Default: all (32 for the paper's protocol). */
  count: z.int().min(1).optional().describe('a whole number of at least 1'),
  /** Seed of the first picture's noise; each picture adds 1. */
  seed: z
    .int()
    .min(0)
    .max(2 ** 31)
    .default(1000)
    .describe('a whole number from 0 to 2147483648'),
  /** Sides are cut to multiples of a number (1: not at all), or to a size, keeping the top left. */
  crop: z
    .union([
      z.int().min(1).max(4096),
      z.strictObject({ width: z.int().min(11), height: z.int().min(11) }).readonly(),
    ])
    .default(8)
    .describe('a whole number (sides become multiples of it), or a width and a height of at least 11 pixels'),
  /** The number of pictures in the report's grids. */
  shown: z.int().min(0).max(16).default(2).describe('a whole number from 0 to 16'),
  /** For the paper's protocol: the number of pictures that climb to convergence, 201 evaluations each. */
  convergedCount: z.int().min(0).default(8).describe('a whole number of at least 0'),
  /** Other programs by name: folders with their results for the exported pictures, or functions that call them. */
  given: z
    .record(
      z.string().min(1),
      z.union([
        z.string().min(1),
        z.custom<GivenProgram>((value) => typeof value === 'function', 'a folder or a function'),
      ]),
    )
    .default({})
    .describe('folders or functions by name'),
  engine,
  threads,
  tileSize,
  overlap,
  signal: signalOption,
  /** Called with the expected seconds before the work. */
  onEstimate: callback<(estimate: { readonly seconds: number; readonly total: number }) => void>(),
  onProgress: callback<(progress: EvaluationProgress) => void>(),
});

export type EvaluateOptions = z.input<typeof evaluateOptionsSchema>;
export type CheckedEvaluateOptions = z.output<typeof evaluateOptionsSchema>;

const OF_THE_CAMERA = ['iso', 'jpegQuality', 'jpegSampling'] as const;
const OF_THE_GRID = ['preset', 'method', 'beta', 'sigma', 'gain', ...OF_THE_CAMERA] as const;

/** @throws FlowDenoiseError BAD_OPTION */
export function checkEvaluateOptions(options: EvaluateOptions): CheckedEvaluateOptions {
  const checked = parseOptions(evaluateOptionsSchema, options, 'evaluate');
  const { protocol, noise, sigma, gain, clip } = checked;
  const given = (names: readonly (keyof typeof checked)[]) =>
    names.filter((name) => checked[name] !== undefined).join(', ');
  if (protocol === 'paper') {
    const others = given(OF_THE_GRID) || (noise !== 'gaussian' || clip ? 'noise or clip' : '');
    if (others === '') return checked;
    throw notBoth("protocol 'paper'", others, 'the protocol sets them itself');
  }
  const ofTheCamera = given(OF_THE_CAMERA);
  if (noise !== 'camera' && ofTheCamera !== '')
    throw badOption(`Expected ${ofTheCamera} with noise 'camera' only`);
  if (noise === 'camera' && (sigma ?? gain) !== undefined)
    throw badOption(
      "Expected iso with noise 'camera' but received sigma or gain; a camera's noise follows from its iso",
    );
  if ((noise === 'poisson-gaussian') !== (gain !== undefined))
    throw badOption(
      "Expected gain with noise 'poisson-gaussian', and neither without the other; sigma is the read noise then",
    );
  if (noise === 'gaussian' && sigma?.includes(0))
    throw badOption('Expected numbers above 0 for sigma but received 0');
  return checked;
}
