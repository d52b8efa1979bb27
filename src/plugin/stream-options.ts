// The options of the stream and of the gulp step, and their check.
import type Vinyl from 'vinyl';
import { z } from 'zod';
import { FlowDenoiseError } from '../core/errors.js';
import type { Denoiser, Progress } from '../denoiser/denoiser.js';
import { type NoiseOptions, noiseOptionsShape } from '../denoiser/noise-options.js';
import { type DenoiserOptions, denoiserOptionsSchema, parseOptions } from '../denoiser/options.js';

/** `sigmaMap` is for programs: it belongs to one picture. */
export interface DenoiseStreamOptions extends DenoiserOptions, Omit<NoiseOptions, 'sigmaMap'> {
  /** Pictures held at a time: read, in work, or waiting to leave. Default 2. */
  readonly concurrency?: number | undefined;
  /** Larger pictures are refused before they are decoded. Default 200 million pixels. */
  readonly maxPixels?: number | undefined;
  /**
   * What a file does that fails: 'fail' (default) ends the stream, 'skip' leaves the file out, 'pass' passes it as it
   * was. Both go on with the next file and emit 'fileError'.
   */
  readonly onError?: 'fail' | 'skip' | 'pass' | undefined;
  /** Stops the work: the stream is destroyed with `signal.reason`. */
  readonly signal?: AbortSignal | undefined;
  /** Called after every finished tile. */
  readonly onProgress?: ((progress: Progress, file: Vinyl) => void) | undefined;
  /** An open denoiser to use; it stays open. The options that open one (prior, engine ...) then do not apply. */
  readonly denoiser?: Denoiser | undefined;
}

/** Options that were checked, with the defaults in place. */
export type CheckedStreamOptions = z.output<typeof streamOptionsSchema>;

export const concurrencySchema = z
  .int()
  .min(1)
  .max(1024)
  .default(2)
  .describe('a whole number from 1 to 1024');

export const maxPixelsSchema = z.int().min(1).optional().describe('a whole number of pixels, at least 1');

export const onErrorSchema = z
  .enum(['fail', 'skip', 'pass'])
  .default('fail')
  .describe("'fail', 'skip' or 'pass'");

const { sigmaMap: _, ...streamNoiseShape } = noiseOptionsShape;

const streamOptionsSchema = denoiserOptionsSchema.extend({
  ...streamNoiseShape,
  concurrency: concurrencySchema,
  maxPixels: maxPixelsSchema,
  onError: onErrorSchema,
  signal: z.instanceof(AbortSignal).optional(),
  onProgress: z
    .custom<NonNullable<DenoiseStreamOptions['onProgress']>>((value) => typeof value === 'function')
    .optional(),
  denoiser: z.custom<Denoiser>(isDenoiser, 'expected what openDenoiser() returned').optional(),
});

/** @throws FlowDenoiseError BAD_OPTION */
export function parseStreamOptions(options: DenoiseStreamOptions = {}): CheckedStreamOptions {
  const parsed = parseOptions(streamOptionsSchema, options, 'denoise');
  const opening = Object.keys(denoiserOptionsSchema.shape).filter((key) => key in (options ?? {}));
  if (parsed.denoiser !== undefined && opening.length > 0) {
    throw new FlowDenoiseError(
      'BAD_OPTION',
      `Expected an open denoiser or options that open one but received denoiser and ${opening.join(', ')}; leave out one`,
    );
  }
  return parsed;
}

function isDenoiser(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'denoisePicture' in value;
}
