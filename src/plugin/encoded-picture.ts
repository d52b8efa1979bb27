// Denoises one picture file in memory: bytes in, bytes out, in the same format unless another is asked for.
import { FlowDenoiseError } from '../core/errors.js';
import { printable } from '../core/printable.js';
import type { DenoiseCallOptions, Denoiser } from '../denoiser/denoiser.js';
import {
  animationOf,
  type ConvertOptions,
  checkConversion,
  converted,
  type DecodedPicture,
  type DecodeOptions,
  decodePicture,
  encodePicture,
  fidelityOf,
  isConversion,
} from '../image/index.js';
import { denoiseFrames } from './denoise-frames.js';
import type { PictureReport } from './picture-report.js';

export interface DenoisedBytes {
  /** Undefined where the picture was found clean and no other file is asked for: it is good as it is. */
  readonly bytes: Buffer | undefined;
  readonly report: PictureReport;
}

/**
 * Denoises the bytes of a picture file.
 *
 * @param bytes  a whole file of a supported format; not kept while the picture is in work
 * @param name   what to call it in errors, usually its path
 * @param open   gives the denoiser; called once the picture is known to be readable, so that a bad file costs
 *               no engine
 * @throws       FlowDenoiseError, its message beginning with `name` where the file is at fault (or else see
 *               `isOptionFault`); the signal's reason when aborted
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
  const fidelity = await fidelityOf(decoded, bytes, result.format);
  const { warnings = [] } = decoded;
  const file = warnings.length === 0 ? fidelity : { ...fidelity, warnings };
  return { bytes, report: { ...report, isCached: false, file } };
}

const OPTION_CODES: readonly string[] = ['BAD_OPTION', 'NEEDS_CONDITIONING'];
const DENOISER_CODES: readonly string[] = ['BAD_PRIOR', 'ENGINE_UNAVAILABLE', 'CLOSED'];

/** Whether the options are at fault, not this file: every other file would fail alike. */
export function isOptionFault(error: unknown): boolean {
  return error instanceof FlowDenoiseError && OPTION_CODES.includes(error.code);
}

/** Whether every other file would fail alike: by the options, or because there is no denoiser (any more). */
export function isFaultOfAll(error: unknown): boolean {
  return error instanceof FlowDenoiseError && [...OPTION_CODES, ...DENOISER_CODES].includes(error.code);
}

/** A denoiser knows pixels, not files: its errors get the file's name here. */
function named(error: unknown, name: string): unknown {
  if (!(error instanceof FlowDenoiseError) || isOptionFault(error)) return error;
  return new FlowDenoiseError(error.code, `${name}: ${error.message}`, { cause: error });
}
