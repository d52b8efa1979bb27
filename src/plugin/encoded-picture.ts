// Denoises one picture file in memory: bytes in, bytes out.

import { isUtf8 } from 'node:buffer';
import type Vinyl from 'vinyl';
import { FlowDenoiseError } from '../core/errors.js';
import { printable } from '../core/printable.js';
import type { DenoiseCallOptions, DenoiseReport, Denoiser } from '../denoiser/denoiser.js';
import {
  animationOf,
  type ConvertOptions,
  checkConversion,
  converted,
  type DecodedPicture,
  type DecodeOptions,
  decodePicture,
  encodePicture,
  type Fidelity,
  fidelityOf,
  isConversion,
} from '../image/index.js';
import { denoiseFrames } from './denoise-frames.js';

export interface DenoisedBytes {
  /** Undefined if the picture was found clean and needs no other format: use the original. */
  readonly bytes: Buffer | undefined;
  readonly report: PictureReport;
}

/**
 * Denoises the bytes of a picture file.
 *
 * @param bytes  a whole file of a supported format
 * @param name   its name in errors, usually its path
 * @param open   opens the denoiser; called once the picture is known to be readable
 * @throws       FlowDenoiseError that begins with `name` unless the options are at fault (`isOptionFault`); the
 *               signal's reason when aborted
 */
export async function denoiseEncodedPicture(
  bytes: Buffer,
  name: string,
  open: () => Promise<Denoiser>,
  options: DenoiseCallOptions,
  { maxPixels, format, quality }: DecodeOptions & ConvertOptions = {},
): Promise<DenoisedBytes> {
  options.signal?.throwIfAborted();
  const shown = printable(name);
  const decoded = await decodePicture(bytes, shown, { maxPixels, animations: true });
  checkConversion(decoded, { format, quality });
  return denoiseDecoded(decoded, open, options, { format, quality });
}

async function denoiseDecoded(
  decoded: DecodedPicture,
  open: () => Promise<Denoiser>,
  options: DenoiseCallOptions,
  conversion: ConvertOptions,
): Promise<DenoisedBytes> {
  const denoiser = await open();
  const frames = animationOf(decoded.container)?.durations.length ?? 1;
  const { data, report } = await denoiseFrames(denoiser, decoded.picture, frames, options).catch(
    (error: unknown) => Promise.reject(named(error, decoded.name)),
  );
  options.signal?.throwIfAborted();
  const result = converted({ ...decoded, picture: { ...decoded.picture, data } }, conversion);
  const staysAsItIs = report.isUnchanged && !isConversion(decoded, conversion);
  const bytes = staysAsItIs ? undefined : await encodePicture(result);
  const fidelity = await fidelityOf(decoded, bytes);
  const { warnings = [] } = decoded;
  const file = warnings.length === 0 ? fidelity : { ...fidelity, warnings };
  return { bytes, report: { ...report, isCached: false, file } };
}

const OPTION_CODES: readonly string[] = ['BAD_OPTION', 'NEEDS_CONDITIONING'];
const DENOISER_CODES: readonly string[] = ['BAD_PRIOR', 'ENGINE_UNAVAILABLE', 'CLOSED'];

/** Whether the options are at fault; then every file fails. */
export function isOptionFault(error: unknown): boolean {
  return error instanceof FlowDenoiseError && OPTION_CODES.includes(error.code);
}

/** Whether every file fails: the options are at fault, or there is no denoiser. */
export function isFaultOfAll(error: unknown): boolean {
  return error instanceof FlowDenoiseError && [...OPTION_CODES, ...DENOISER_CODES].includes(error.code);
}

/** Adds the file's name to a denoiser's errors; denoisers do not know files. */
function named(error: unknown, name: string): unknown {
  if (!(error instanceof FlowDenoiseError) || isOptionFault(error)) return error;
  return new FlowDenoiseError(error.code, `${name}: ${error.message}`, { cause: error });
}

export interface PictureReport extends DenoiseReport {
  /** Whether the result came from the cache; the rest of the report is then from when it was computed. */
  readonly isCached: boolean;
  /** What of the file was kept and what was not. */
  readonly file: Fidelity;
  /** Always undefined; distinguishes a report from a failure. */
  readonly error?: undefined;
}

/** For a file that passed unchanged with `onError: 'pass'`. */
export type PictureFailure = { readonly [Key in Exclude<keyof PictureReport, 'error'>]?: undefined } & {
  readonly error: Error;
};

/** A file from the stream. `flowDenoise` is absent if it was not a picture. */
export type DenoisedFile = Vinyl & { flowDenoise?: PictureReport | PictureFailure };

/**
 * Joins chunks.
 *
 * @param maxBytes  reading stops above this
 * @throws          FlowDenoiseError UNSUPPORTED_IMAGE above `maxBytes`
 */
export async function collectBytes(
  chunks: AsyncIterable<Uint8Array | string>,
  name: string,
  maxBytes: number,
): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    const part = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    length += part.length;
    checkLength(length, name, maxBytes, 'more than ');
    parts.push(part);
  }
  return Buffer.concat(parts, length);
}

/** @throws FlowDenoiseError UNSUPPORTED_IMAGE above `maxBytes` */
export function checkLength(length: number, name: string, maxBytes: number, about = ''): void {
  if (length <= maxBytes) return;
  throw new FlowDenoiseError(
    'UNSUPPORTED_IMAGE',
    `${name}: found ${about}${about === '' ? length : maxBytes} bytes, expected at most ${maxBytes} (maxBytes). Raise maxBytes if you trust the file and have the memory.`,
  );
}

/** No picture is valid UTF-8. Valid UTF-8 with U+FFFD was decoded as text and encoded again. */
export function wasDecodedAsText(bytes: Buffer): boolean {
  return isUtf8(bytes) && bytes.includes('\ufffd');
}
