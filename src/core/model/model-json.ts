// model.json describes a prior: the schema of format "flow-denoise-prior", version 1.
import { z } from 'zod';

export const FORMAT = 'flow-denoise-prior';
export const VERSION = 1;

/**
 * Larger than any useful prior: the paper's Glow has 4 levels of 32 steps, 512 wide. 500 million parameters fill the largest
 * file that Node can read at once.
 */
export const LIMITS = {
  modelBytes: 1e6,
  levels: 8,
  stepsOfLevel: 256,
  width: 2048,
  features: 1024,
  parameters: 5e8,
  climbSteps: 10_000,
} as const;

const count = z.number().int().positive();

const level = z.strictObject({
  steps: z.number().int().nonnegative().max(LIMITS.stepsOfLevel),
  width: count.max(LIMITS.width),
  kernel: z.union([z.literal(1), z.literal(3)]),
  splitWidth: count.max(LIMITS.width).optional(),
});

const betaMapCalibration = z.strictObject({
  steps: count.max(LIMITS.climbSteps),
  /** Adam's first rate, in units of sigma. */
  rate: z.number().positive(),
  polish: z.boolean(),
  /** The best beta per noise level (sigma255: 8-bit units), ascending. */
  table: z.array(z.strictObject({ sigma255: z.number().positive(), beta: z.number().positive() })).min(1),
});

export const modelSchema = z
  .strictObject({
    format: z.literal(FORMAT),
    version: z.literal(
      VERSION,
      `expected ${VERSION}, which is all that this flow-denoise reads; update flow-denoise`,
    ),
    name: z.string().min(1),
    channels: z.literal(3),
    /** Side of the crops that the prior was trained on, pixels. */
    inputResolution: count,
    levels: z.array(level).min(1).max(LIMITS.levels),
    scaleCap: z.number().positive(),
    /** Default 'tanh'. */
    couplingScale: z.enum(['tanh', 'sigmoid']).optional(),
    /** Default 'silu'. */
    activation: z.enum(['silu', 'relu']).optional(),
    conditioning: z
      .strictObject({ kind: z.literal('log-sigma'), features: count.max(LIMITS.features) })
      .nullable(),
    /** The noise levels that the prior knows, [0, 1] units. */
    sigmaRange: z.tuple([z.number().positive(), z.number().positive()]),
    weights: z.strictObject({
      file: z.string().regex(/^[^/\\]+$/, 'a file name'),
      sha256: z.string().regex(/^[0-9a-f]{64}$/),
    }),
    calibration: z.strictObject({ betaMap: betaMapCalibration.optional() }).optional(),
    provenance: z.record(z.string(), z.unknown()).optional(),
  })
  .refine(({ sigmaRange: [low, high] }) => low < high, { path: ['sigmaRange'], message: 'ascending numbers' })
  .refine(({ levels }) => (levels.at(-1)?.steps ?? 0) > 0, {
    path: ['levels'],
    message: 'steps on the last level',
  })
  .refine(
    ({ levels }) =>
      levels.slice(0, -1).every(({ steps, splitWidth }) => steps === 0 || splitWidth !== undefined),
    { path: ['levels'], message: 'a splitWidth on every level with steps but the last' },
  );

export type PriorModel = z.infer<typeof modelSchema>;
export type BetaMapCalibration = z.infer<typeof betaMapCalibration>;
