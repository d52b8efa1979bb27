// The options of opening a denoiser and of one call. noise-options.ts has those of the noise.
import { types } from 'node:util';
import { z } from 'zod';
import { ENGINE_NAMES } from '../core/engine/engine.js';
import { DEFAULT_PRIOR } from '../core/model/find-prior.js';
import { noiseShape } from './noise/noise-options.js';
import { callback, option } from './option-schema.js';
import { DEFAULT_PRESET, PRESET_NAMES } from './preset.js';

export const PRESET_WORDS = "'fast' or 'best'";
export const methodSchema = z.enum(['posterior-mean', 'beta-map']);
export const betaSchema = z.union([z.number().positive().max(1000), z.literal('auto')]);

const BETA = {
  does: "the weight of the noisy picture in beta-MAP; a larger one stays closer to it; auto is the prior's calibration",
  flag: '<number>',
};
export const BETA_WORDS = "'auto' or a number above 0 and at most 1000";
const BY_PRESET = 'by preset';

const length = z.int().min(1);

export const openingShape = {
  /** 'fast' (default) or 'best': sets `method`, `ensemble` and `scales`. */
  preset: option(z.enum(PRESET_NAMES).optional(), PRESET_WORDS, {
    does: 'sets method, ensemble and scales',
    flag: `<${PRESET_NAMES.join('|')}>`,
    otherwise: DEFAULT_PRESET,
    see: '[Presets](#presets)',
  }),
  /** 'posterior-mean' (one evaluation per tile, two for a camera's noise) or 'beta-map' (up to 7), without ensemble and scales. Default: by `preset`. */
  method: option(methodSchema.optional(), "'posterior-mean' or 'beta-map'", {
    does: 'the estimator: one evaluation of the prior for a tile, or up to 7; if you name it, it runs alone',
    flag: '<posterior-mean|beta-map>',
    otherwise: BY_PRESET,
  }),
  /** Averages over symmetries of each tile: 1, 4 (mirrored and turned by 180 degrees) or 8. Default: by `preset`. */
  ensemble: option(z.literal([1, 4, 8]).optional(), '1, 4 or 8', {
    does: 'averages over this many symmetries of each tile: 4 mirror it, 8 also turn it; takes 4 or 8 times as long',
    flag: '<1|4|8>',
    otherwise: BY_PRESET,
  }),
  /** Takes coarse structure from the tile at half and a quarter of its size: 1, 2 or 3 scales. Default: by `preset`. */
  scales: option(z.literal([1, 2, 3]).optional(), '1, 2 or 3', {
    does: 'takes coarse structure from the tile at half (and a quarter) of its size; needs a third more evaluations',
    flag: '<1|2|3>',
    otherwise: BY_PRESET,
  }),
  /** Weight of the likelihood in beta-MAP. Default 'auto': the prior's calibration. */
  beta: option(betaSchema.default('auto'), BETA_WORDS, BETA),
  /** A shipped prior's name, a prior's folder, or 'auto': the shipped one that suits each picture. Default 'natural'. */
  prior: option(
    z.string().min(1).default(DEFAULT_PRIOR),
    "'auto', a shipped prior's name or a prior's folder",
    {
      does: 'what pictures look like; auto takes the shipped prior that suits each picture',
      flag: '<name or folder>',
      see: '[Priors](#priors)',
    },
  ),
  /** Default 'auto': the fastest available one. */
  engine: option(
    z.enum(['auto', ...ENGINE_NAMES]).default('auto'),
    `'auto', ${ENGINE_NAMES.map((name) => `'${name}'`).join(', ')}`,
    {
      does: 'what computes; flow-denoise doctor lists what there is',
      flag: '<name>',
      see: '[engines.md](engines.md)',
    },
  ),
  /** Longest side of a tile, pixels. Default 'auto': by the picture's size, to compute few pixels twice. */
  tileSize: option(
    z.union([z.int().min(16).max(4096), z.literal('auto')]).default('auto'),
    "'auto' or a whole number from 16 to 4096 (pixels)",
    {
      does: "the longest side of a tile, rounded down to a multiple of the prior's factor (8); auto suits the picture's size",
      flag: '<pixels>',
    },
  ),
  /** Pixels that neighbouring tiles share. Default 24, or 32 with several scales. */
  overlap: option(z.int().min(0).max(2048).optional(), 'a whole number from 0 to 2048 (pixels)', {
    does: 'how far neighbouring tiles overlap',
    flag: '<pixels>',
    otherwise: '16 to 32, by the noise',
  }),
  /** Worker threads, one core each. Default: one per core, but at most one per GB of memory. */
  threads: option(z.int().min(1).max(1024).optional(), 'a whole number from 1 to 1024', {
    does: 'the most worker threads, one core each (onnx, wasm)',
    flag: '<number>',
    otherwise: 'one per core, at most one per GB of memory',
  }),
};

export const openingSchema = z.strictObject(openingShape);
export type DenoiserOptions = z.input<z.ZodObject<typeof openingShape>>;

/** What a denoiser's `estimate` takes: sizes of pictures, and in place of the denoiser's own approach another. */
export const sizesSchema = z.strictObject({
  sizes: z
    .array(z.object({ width: length, height: length }))
    .describe('a list of { width, height } in pixels'),
});
export const approachSchema = openingSchema.pick({
  preset: true,
  method: true,
  ensemble: true,
  scales: true,
});
export type EstimateOptions = z.input<typeof approachSchema>;

/** Checked, with defaults. */
export type OpeningOptions = z.output<z.ZodObject<typeof openingShape>>;

export interface Progress {
  readonly tilesDone: number;
  readonly tiles: number;
  /** Estimated seconds until this picture is done; undefined before the first measurement. */
  readonly secondsLeft: number | undefined;
}

const position = z.int().min(0);

export const signalOption = option(z.instanceof(AbortSignal).optional(), 'an AbortSignal', {
  does: "stops the work; the call rejects, or the stream ends, with the signal's reason",
});

/** @typeParam Of  further arguments that identify the picture, if there are several */
export function progressOption<Of extends readonly unknown[] = []>() {
  return option(callback<(progress: Progress, ...of: Of) => void>(), 'a function', {
    does: 'called after every tile with { tilesDone, tiles, secondsLeft }, by streams also with the file',
  });
}

const ownCallShape = {
  /** Sigma for every pixel, row by row, 8-bit units; replaces `sigma`. */
  sigmaMap: option(
    z.custom<Float32Array>(types.isFloat32Array).optional(),
    'a Float32Array with a sigma for every pixel',
    { does: 'noise that varies over the picture, in 8-bit units; the flag takes a grey picture' },
  ),
  /**
   * Denoises only this part, in pixels; the result has its size. The noise is the whole picture's. The surroundings are
   * computed too, as far as tiles overlap.
   */
  region: option(
    z.strictObject({ left: position, top: position, width: length, height: length }).optional(),
    '{ left, top, width, height } in pixels, inside the picture',
    { does: 'denoises this part only; the result has its size, the noise is found in the whole picture' },
  ),
  /** Replaces the denoiser's. */
  beta: option(betaSchema.optional(), BETA_WORDS, BETA),
  /** Stops the work: the promise rejects with `signal.reason` and nothing is written. */
  signal: signalOption,
  /** Called after every finished tile. */
  onProgress: progressOption(),
};

export const callShape = { ...noiseShape, ...ownCallShape };
export const callSchema = z.strictObject(callShape);
export type DenoiseCallOptions = z.input<z.ZodObject<typeof noiseShape>> &
  z.input<z.ZodObject<typeof ownCallShape>>;
/** Checked, with defaults. */
export type CallOptions = z.output<typeof callSchema>;
