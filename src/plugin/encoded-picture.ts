// Denoises one picture file in memory: bytes in, bytes out.

import { isUtf8 } from 'node:buffer';
import type Vinyl from 'vinyl';
import { codeOf, FlowDenoiseError } from '../core/errors.js';
import { printable } from '../core/printable.js';
import type { DenoiseCallOptions, DenoiseReport, Denoiser } from '../denoiser/denoiser.js';
import {
  type ConvertOptions,
  checkConversion,
  converted,
  type DecodedPicture,
  type DecodeOptions,
  decodePicture,
  encodePicture,
  type Fidelity,
  fidelityOf,
  frameCount,
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
  const decoded = await decodePicture(bytes, printable(name), { maxPixels, animations: true });
  checkConversion(decoded, format);
  return denoiseDecoded(decoded, open, options, { format, quality });
}

/** Apart, so that the file's bytes can be freed while the picture is in work. */
async function denoiseDecoded(
  decoded: DecodedPicture,
  open: () => Promise<Denoiser>,
  options: DenoiseCallOptions,
  conversion: ConvertOptions,
): Promise<DenoisedBytes> {
  const denoiser = await open();
  const frames = frameCount(decoded.container);
  const { data, report } = await denoiseFrames(denoiser, decoded.picture, frames, options).catch(
    named(decoded.name),
  );
  options.signal?.throwIfAborted();
  const denoised = { ...decoded, picture: { ...decoded.picture, data } };
  const result = converted(denoised, conversion);
  const bytes = report.isUnchanged && result === denoised ? undefined : await encodePicture(result);
  const fidelity = await fidelityOf(decoded, bytes);
  const { warnings } = decoded;
  const file = warnings?.length ? { ...fidelity, warnings } : fidelity;
  return { bytes, report: { ...report, isCached: false, file } };
}

/** Rethrows a denoiser's error with the file's name, which denoisers do not know, unless the options are at fault. */
export const named =
  (name: string) =>
  (error: unknown): never => {
    if (!(error instanceof FlowDenoiseError) || isOptionFault(error)) throw error;
    throw new FlowDenoiseError(error.code, `${name}: ${error.message}`, { cause: error });
  };

/** Whether the options are at fault; then every file fails. */
export function isOptionFault(error: unknown): boolean {
  return ['BAD_OPTION', 'NEEDS_CONDITIONING'].includes(codeOf(error) ?? '');
}

/** Whether every file fails: the options are at fault, or there is no denoiser. */
export function isFaultOfAll(error: unknown): boolean {
  return isOptionFault(error) || ['BAD_PRIOR', 'ENGINE_UNAVAILABLE', 'CLOSED'].includes(codeOf(error) ?? '');
}

export function asError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
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

/** Joins chunks. @throws FlowDenoiseError UNSUPPORTED_IMAGE above `maxBytes`, where reading stops */
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
    checkLength(length, name, maxBytes, `more than ${maxBytes}`);
    parts.push(part);
  }
  return Buffer.concat(parts, length);
}

/** @throws FlowDenoiseError UNSUPPORTED_IMAGE above `maxBytes` */
export function checkLength(length: number, name: string, maxBytes: number, found = String(length)): void {
  if (length <= maxBytes) return;
  const message = `${name}: found ${found} bytes, expected at most ${maxBytes} (maxBytes). Raise maxBytes if you trust the file and have the memory.`;
  throw new FlowDenoiseError('UNSUPPORTED_IMAGE', message);
}

/** No picture is valid UTF-8; with U+FFFD, it was decoded as text and encoded again. @throws FlowDenoiseError BAD_IMAGE */
export function refuseDecodedText(bytes: Buffer, name: string): void {
  if (!isUtf8(bytes) || !bytes.includes('\ufffd')) return;
  throw new FlowDenoiseError(
    'BAD_IMAGE',
    `${name}: its bytes were decoded as text before they came here, which destroys a picture; ` +
      'read it without an encoding: gulp.src(..., { encoding: false })',
  );
}
