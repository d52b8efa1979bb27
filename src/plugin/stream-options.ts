// The options of streams and of the gulp step, by lifetime: opening a denoiser, one call, one file.
import type Vinyl from 'vinyl';
import { z } from 'zod';
import type { Denoiser } from '../denoiser/denoiser.js';
import { type CheckedNoiseOptions, noiseShape } from '../denoiser/noise/noise-options.js';
import { among, notBoth, option, parseOptions } from '../denoiser/option-schema.js';
import {
  type DenoiserOptions,
  type OpeningOptions,
  openingShape,
  progressOption,
  signalOption,
} from '../denoiser/options.js';
import { approachOf } from '../denoiser/preset.js';
import { DEFAULT_MAX_PIXELS } from '../image/index.js';

const DEFAULT_MAX_BYTES = 2 ** 31;

/** The options for one file. */
export const fileShape = {
  /** Larger pictures are refused before they are decoded. Default 200 million pixels. */
  maxPixels: option(z.int().min(1).default(DEFAULT_MAX_PIXELS), 'a whole number of pixels, at least 1', {
    does: 'refuses larger pictures before it decodes them',
    flag: '<number>',
  }),
  /** Larger files are refused; a stream, while it is read. Default 2 GiB. */
  maxBytes: option(z.int().min(1).default(DEFAULT_MAX_BYTES), 'a whole number of bytes, at least 1', {
    does: 'refuses larger files; a stream is refused while it is read',
    flag: '<number>',
  }),
  /** Writes this format, and changes the extension. Default: the file's own format. */
  format: option(z.enum(['png', 'jpeg', 'webp', 'tiff']).optional(), "'png', 'jpeg', 'webp' or 'tiff'", {
    does: 'writes this format, and changes the extension',
    flag: '<png|jpeg|webp|tiff>',
    otherwise: "the file's own",
  }),
  /** Quality of JPEG and lossy WebP, 1 to 100. Default: the file's own, estimated from its quantisers; 90 if it was lossless. */
  quality: option(z.int().min(1).max(100).optional(), 'a whole number from 1 to 100', {
    does: 'the quality of JPEG and lossy WebP',
    flag: '<number>',
    otherwise: "the file's own; 90 if it was lossless",
  }),
};

export const concurrencyOption = option(
  z.int().min(1).max(1024).default(2),
  'a whole number from 1 to 1024',
  {
    does: 'pictures in memory at a time',
    flag: '<number>',
  },
);

/** The options for pictures from any source. `sigmaMap` is missing, since it belongs to one picture. */
export const pictureShape = {
  ...openingShape,
  ...noiseShape,
  ...fileShape,
  /**
   * Keeps results on disk and reuses them while file, options, prior and version stay the same. A folder, or true for
   * `node_modules/.cache/flow-denoise`. Default false.
   */
  cache: option(z.union([z.boolean(), z.string().min(1)]).default(false), 'true, false or a folder', {
    does: 'keeps results between runs; true is node_modules/.cache/flow-denoise',
    flag: '[folder]',
    see: '[Cache](#cache)',
  }),
  /** An open denoiser to use; it stays open. Excludes the options for opening one (prior, engine ...). */
  denoiser: option(z.custom<Denoiser>(isDenoiser).optional(), 'what openDenoiser() returned', {
    does: "uses this one and leaves it open; openDenoiser's own options are then refused",
  }),
  /** Stops the work: the stream is destroyed with `signal.reason`. */
  signal: signalOption,
};

export const bytesSchema = z.strictObject({
  ...pictureShape,
  /** The picture's name in errors. Default 'the picture'. */
  name: option(z.string().min(1).default('the picture'), 'a name', { does: "the picture's name in errors" }),
  /** Called after every finished tile. */
  onProgress: progressOption(),
});

export const streamSchema = z.strictObject({
  ...pictureShape,
  /** The most pictures in memory: being read, in work, or waiting to leave. Default 2. */
  concurrency: concurrencyOption,
  /**
   * What to do with a file that fails: 'fail' (default) ends the stream, 'skip' leaves the file out, 'pass' passes it
   * unchanged. The last two emit 'fileError'.
   */
  onError: option(z.enum(['fail', 'skip', 'pass']).default('fail'), "'fail', 'skip' or 'pass'", {
    does: 'what to do with a file that fails',
    see: '[server.md](server.md#bad-files)',
  }),
  /** Called after every finished tile. */
  onProgress: progressOption<[file: Vinyl]>(),
});

export const gulpSchema = streamSchema.extend({
  /** Prints no summary at the end. Default false. */
  silent: option(z.boolean().default(false), 'true or false', {
    does: 'prints no summary when all files are done',
  }),
});

export type DenoiseBytesOptions = z.input<typeof bytesSchema>;
export type DenoiseStreamOptions = z.input<typeof streamSchema>;
export type GulpOptions = z.input<typeof gulpSchema>;

export type FileOptions = z.output<z.ZodObject<typeof fileShape>>;

/** Checked options of pictures, by lifetime. */
export interface PictureSettings {
  readonly opening: OpeningOptions;
  readonly noise: CheckedNoiseOptions;
  readonly file: FileOptions;
  readonly cache: boolean | string;
  readonly denoiser?: Denoiser | undefined;
}

/** Checked options, also by lifetime. @throws FlowDenoiseError BAD_OPTION */
function parserOf<S extends typeof bytesSchema | typeof streamSchema>(schema: S, where: string) {
  return (options?: z.input<S>) => {
    const parsed = parseOptions(schema, options, where);
    return { ...parsed, ...byLifetime(parsed, options ?? {}) };
  };
}
export const parseBytesOptions = parserOf(bytesSchema, 'denoiseBytes');
export const parseStreamOptions = parserOf(streamSchema, 'denoise');
export const parseGulpOptions = parserOf(gulpSchema, 'denoise');

/** Checked, with defaults. */
export type CheckedStreamOptions = ReturnType<typeof parseStreamOptions>;

/** @throws FlowDenoiseError BAD_OPTION for options that exclude each other, among those that the user has `given` */
export function byLifetime(
  parsed: OpeningOptions & CheckedNoiseOptions & FileOptions & Pick<PictureSettings, 'cache' | 'denoiser'>,
  given: DenoiserOptions,
): PictureSettings {
  approachOf(parsed);
  const { cache, denoiser } = parsed;
  const names = Object.keys(openingShape) as (keyof DenoiserOptions)[];
  const others = names.filter((name) => given[name] !== undefined);
  if (denoiser && others.length > 0)
    throw notBoth('denoiser', others.join(', '), 'an open denoiser has its own');
  if (denoiser && denoiser.fingerprint === undefined && cache !== false)
    throw notBoth('cache', 'a denoiser without a fingerprint', 'openDenoiser() gives it one');
  const [opening, noise] = [among(openingShape, parsed), among(noiseShape, parsed)];
  return { opening, noise, file: among(fileShape, parsed), cache, denoiser };
}

function isDenoiser(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'denoise' in value;
}
