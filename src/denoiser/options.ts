// The options of a denoiser and their check: one schema, applied at the door. A schema's description is what an
// error says was expected.
import { z } from 'zod';
import { ENGINE_NAMES } from '../core/engine/engine.js';
import { FlowDenoiseError } from '../core/errors.js';
import type { DenoiseCallOptions } from './denoiser.js';
import { noiseOptionsShape } from './noise/noise-options.js';
import { QUALITY_NAMES } from './preset.js';

export const methodSchema = z.enum(['beta-map', 'posterior-mean']).describe("'beta-map' or 'posterior-mean'");

export const QUALITY_WORDS = "'fast' or 'balanced'";
export const betaSchema = z
  .union([z.number().positive().max(1000), z.literal('auto')])
  .optional()
  .describe("'auto' or a number above 0 and at most 1000");

export const denoiserOptionsSchema = z.strictObject({
  /** A shipped prior's name, the folder of another, or 'auto': the shipped one that suits each picture. Default 'natural'. */
  prior: z.string().min(1).optional().describe("'auto', a shipped prior's name or a prior's folder"),
  /** Default 'auto': the fastest that is available. */
  engine: z
    .enum(['auto', ...ENGINE_NAMES])
    .optional()
    .describe(`'auto', ${ENGINE_NAMES.map((name) => `'${name}'`).join(', ')}`),
  /** 'beta-map' (up to 7 evaluations a tile) or 'posterior-mean' (one), alone. Default: what `quality` stands for. */
  method: methodSchema.optional().describe("'beta-map' or 'posterior-mean'"),
  /**
   * The mean over so many symmetries of each tile, so many times slower: 1, 4 (mirrored and turned by 180 degrees) or
   * 8 (by 90 too). Default: what `quality` stands for.
   */
  ensemble: z
    .union([z.literal(1), z.literal(4), z.literal(8)])
    .optional()
    .describe('1, 4 or 8'),
  /**
   * How many scales of a tile, each half as large as the one before: coarse structure is estimated better in the smaller
   * ones, for a third more time. 1, 2 or 3. Default: what `quality` stands for.
   */
  scales: z
    .union([z.literal(1), z.literal(2), z.literal(3)])
    .optional()
    .describe('1, 2 or 3'),
  /** 'fast' or 'balanced' (default): a name for `method`, `ensemble` and `scales` together, in their place. */
  quality: z.enum(QUALITY_NAMES).optional().describe(QUALITY_WORDS),
  /** Weight of the likelihood in beta-MAP. Default 'auto': the prior's calibration. */
  beta: betaSchema,
  /** Longest side of a tile, pixels. */
  tileSize: z.int().min(16).max(4096).optional().describe('a whole number from 16 to 4096 (pixels)'),
  /** Pixels that neighbouring tiles share. */
  overlap: z.int().min(0).max(2048).optional().describe('a whole number from 0 to 2048 (pixels)'),
  /** Worker threads, one core each. Default: as many as there are cores. */
  threads: z.int().min(1).max(1024).optional().describe('a whole number from 1 to 1024'),
});

export type DenoiserOptions = z.input<typeof denoiserOptionsSchema>;

const position = z.int().min(0);
const length = z.int().min(1);
const regionSchema = z
  .strictObject({ left: position, top: position, width: length, height: length })
  .optional()
  .describe('{ left, top, width, height } in pixels, inside the picture');

export const callOptionsSchema = z.strictObject({
  ...noiseOptionsShape,
  signal: z.instanceof(AbortSignal).optional().describe('an AbortSignal'),
  onProgress: z
    .custom<NonNullable<DenoiseCallOptions['onProgress']>>((value) => typeof value === 'function')
    .optional()
    .describe('a function'),
  region: regionSchema,
  beta: betaSchema,
});

function received(value: unknown): string {
  if (value === undefined) return 'nothing';
  if (typeof value === 'string') return `'${value}'`;
  if (typeof value === 'number') return Number.isNaN(value) ? 'NaN, which is not a number' : String(value);
  const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
  return `${text} of type ${value === null ? 'null' : typeof value}`;
}

/**
 * Checks options against a schema.
 *
 * @param where who takes the options, for the message
 * @throws FlowDenoiseError BAD_OPTION: what was expected for which option, what was received
 */
export function parseOptions<S extends z.ZodObject>(schema: S, value: unknown, where: string): z.output<S> {
  const result = schema.safeParse(value ?? {});
  if (result.success) return result.data;
  const issue = result.error.issues[0];
  if (issue?.code === 'unrecognized_keys') {
    throw new FlowDenoiseError(
      'BAD_OPTION',
      `Expected one of the options ${Object.keys(schema.shape).join(', ')} for ${where} but received ${issue.keys.join(', ')}`,
    );
  }
  if (issue?.code === 'custom' && typeof issue.params?.message === 'string')
    throw new FlowDenoiseError('BAD_OPTION', issue.params.message);
  const key = issue?.path[0];
  if (key === undefined) {
    throw new FlowDenoiseError(
      'BAD_OPTION',
      `Expected an object of options for ${where} but received ${received(value)}`,
    );
  }
  const field: unknown = schema.shape[String(key)];
  const expected = (field instanceof z.ZodType ? field.description : undefined) ?? issue?.message;
  const given = ((value ?? {}) as Record<string, unknown>)[String(key)];
  throw new FlowDenoiseError(
    'BAD_OPTION',
    `Expected ${expected} for ${String(key)} but received ${received(given)}`,
  );
}
