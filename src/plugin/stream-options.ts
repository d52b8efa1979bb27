// The options of the stream and of the gulp step, and their check.
import type Vinyl from 'vinyl';
import { z } from 'zod';
import { FlowDenoiseError } from '../core/errors.js';
import type { Denoiser, Progress } from '../denoiser/denoiser.js';
import { type NoiseOptions, noiseOptionsShape } from '../denoiser/noise/noise-options.js';
import {
  type DenoiserOptions,
  denoiserOptionsSchema,
  parseOptions,
  QUALITY_WORDS,
} from '../denoiser/options.js';
import { approachOf, type Quality } from '../denoiser/preset.js';

/** What one picture needs. `sigmaMap` is for programs: it belongs to one picture. */
export interface PictureOptions extends Omit<DenoiserOptions, 'quality'>, Omit<NoiseOptions, 'sigmaMap'> {
  /** Larger pictures are refused before they are decoded. Default 200 million pixels. */
  readonly maxPixels?: number | undefined;
  /** Files of more bytes are refused, before they are read to their end. Default 2 GiB. */
  readonly maxBytes?: number | undefined;
  /** Writes 'png', 'jpeg', 'webp' or 'tiff' whatever came, under that extension. Default: the file's own format. */
  readonly format?: 'png' | 'jpeg' | 'webp' | 'tiff' | undefined;
  /**
   * 1 to 100, of JPEG and lossy WebP. Default: the file's own as its quantisers tell it, 90 where it was lossless. Or a word
   * for `method`, `ensemble` and `scales`, in their place.
   */
  readonly quality?: number | Quality | undefined;
  /**
   * Keeps results on disk and takes them from there when neither file, options, prior nor version have changed. A folder,
   * or true for `node_modules/.cache/flow-denoise`. Default false.
   */
  readonly cache?: boolean | string | undefined;
  /** An open denoiser to use; it stays open. The options that open one (prior, engine ...) then do not apply. */
  readonly denoiser?: Denoiser | undefined;
  /** Stops the work: the stream is destroyed with `signal.reason`. */
  readonly signal?: AbortSignal | undefined;
}

export interface DenoiseBytesOptions extends PictureOptions {
  /** What errors call the picture. Default 'the picture'. */
  readonly name?: string | undefined;
  /** Called after every finished tile. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

export interface DenoiseStreamOptions extends PictureOptions {
  /** Pictures held at a time: read, in work, or waiting to leave. Default 2. */
  readonly concurrency?: number | undefined;
  /**
   * What a file does that fails: 'fail' (default) ends the stream, 'skip' leaves the file out, 'pass' passes it as it
   * was. Both go on with the next file and emit 'fileError'.
   */
  readonly onError?: 'fail' | 'skip' | 'pass' | undefined;
  /** Called after every finished tile. */
  readonly onProgress?: ((progress: Progress, file: Vinyl) => void) | undefined;
}

/** Of the gulp step. */
export interface GulpOptions extends DenoiseStreamOptions {
  /** Whether to print no summary at the end. Default false. */
  readonly silent?: boolean | undefined;
}

/** Options that were checked, with the defaults in place. */
export type CheckedStreamOptions = z.output<typeof streamOptionsSchema>;
export type CheckedPictureOptions = Omit<z.output<typeof pictureOptionsSchema>, 'maxBytes' | 'signal'>;

export const concurrencySchema = z
  .int()
  .min(1)
  .max(1024)
  .default(2)
  .describe('a whole number from 1 to 1024');

export const maxPixelsSchema = z.int().min(1).optional().describe('a whole number of pixels, at least 1');

const onErrorSchema = z.enum(['fail', 'skip', 'pass']).default('fail').describe("'fail', 'skip' or 'pass'");

const { sigmaMap: _, ...streamNoiseShape } = noiseOptionsShape;

export const pictureOptionsSchema = denoiserOptionsSchema.extend({
  ...streamNoiseShape,
  maxPixels: maxPixelsSchema,
  maxBytes: z
    .int()
    .min(1)
    .default(2 ** 31)
    .describe('a whole number of bytes, at least 1'),
  format: z.enum(['png', 'jpeg', 'webp', 'tiff']).optional().describe("'png', 'jpeg', 'webp' or 'tiff'"),
  quality: z
    .union([z.int().min(1).max(100), denoiserOptionsSchema.shape.quality.unwrap()])
    .optional()
    .describe(`a whole number from 1 to 100 (of the file), or ${QUALITY_WORDS}`),
  signal: z.instanceof(AbortSignal).optional().describe('an AbortSignal'),
  cache: z
    .union([z.boolean(), z.string().min(1)])
    .default(false)
    .describe('true, false or a folder'),
  denoiser: z.custom<Denoiser>(isDenoiser, 'expected what openDenoiser() returned').optional(),
});

const streamOptionsSchema = pictureOptionsSchema.extend({
  concurrency: concurrencySchema,
  onError: onErrorSchema,
  onProgress: z
    .custom<NonNullable<DenoiseStreamOptions['onProgress']>>((value) => typeof value === 'function')
    .optional()
    .describe('a function'),
});

const gulpOptionsSchema = streamOptionsSchema.extend({
  silent: z.boolean().default(false).describe('true or false'),
});

const bytesOptionsSchema = pictureOptionsSchema.extend({
  name: z.string().min(1).default('the picture').describe('a name'),
  onProgress: z
    .custom<NonNullable<DenoiseBytesOptions['onProgress']>>((value) => typeof value === 'function')
    .optional()
    .describe('a function'),
});

/** @throws FlowDenoiseError BAD_OPTION */
export function parseBytesOptions(options: DenoiseBytesOptions = {}): z.output<typeof bytesOptionsSchema> {
  const parsed = parseOptions(bytesOptionsSchema, options, 'denoiseBytes');
  checkDenoiser(parsed, options);
  return parsed;
}

/** @throws FlowDenoiseError BAD_OPTION */
export function parseStreamOptions(options: DenoiseStreamOptions = {}): CheckedStreamOptions {
  const parsed = parseOptions(streamOptionsSchema, options, 'denoise');
  checkDenoiser(parsed, options);
  return parsed;
}

/** @throws FlowDenoiseError BAD_OPTION */
export function parseGulpOptions(options: GulpOptions = {}): z.output<typeof gulpOptionsSchema> {
  const parsed = parseOptions(gulpOptionsSchema, options, 'denoise');
  checkDenoiser(parsed, options);
  return parsed;
}

/** `quality` taken apart: a word is the denoiser's, a number the file's. */
export function qualitiesOf(quality: PictureOptions['quality']): {
  readonly ofDenoiser: Pick<DenoiserOptions, 'quality'>;
  readonly ofFile: number | undefined;
} {
  return typeof quality === 'string'
    ? { ofDenoiser: { quality }, ofFile: undefined }
    : { ofDenoiser: {}, ofFile: quality };
}

/** @throws FlowDenoiseError BAD_OPTION for options that contradict each other or an open denoiser */
export function checkDenoiser(
  { denoiser, cache }: Pick<CheckedPictureOptions, 'denoiser' | 'cache'>,
  given: PictureOptions,
): void {
  approachOf(given ?? {});
  const opening = Object.keys(denoiserOptionsSchema.shape).filter(
    (key) => key in (given ?? {}) && !(key === 'quality' && typeof given.quality === 'number'),
  );
  if (denoiser !== undefined && opening.length > 0) {
    throw new FlowDenoiseError(
      'BAD_OPTION',
      `Expected an open denoiser or options that open one but received denoiser and ${opening.join(', ')}; leave out one`,
    );
  }
  if (denoiser !== undefined && denoiser.fingerprint === undefined && cache !== false) {
    throw new FlowDenoiseError(
      'BAD_OPTION',
      'Expected a denoiser with a fingerprint, as openDenoiser() makes it, for denoiser beside cache; leave out one',
    );
  }
}

function isDenoiser(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'denoisePicture' in value;
}
