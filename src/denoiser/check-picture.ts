// Checks a program's picture and the options of a call before anything is computed.
import { types } from 'node:util';
import { badImage } from '../core/errors.js';
import type { Picture, Samples } from '../core/picture.js';
import { parseOptions } from './option-schema.js';
import { type CallOptions, callSchema, type DenoiseCallOptions } from './options.js';
import { inChunks } from './passes/grey.js';

/** Picture and options, checked. @throws FlowDenoiseError BAD_OPTION, BAD_IMAGE; the signal's reason when aborted */
export async function checkCall<P extends Picture>(
  picture: P,
  options: DenoiseCallOptions = {},
): Promise<[Picture<P['data']>, CallOptions]> {
  const call = parseOptions(callSchema, options, 'denoise');
  const checked = await checkPicture<P['data']>(picture);
  call.signal?.throwIfAborted();
  return [checked, call];
}

/** The picture, with `ownSamples`. @throws FlowDenoiseError BAD_IMAGE for an impossible size, length or sample */
export async function checkPicture<S extends Samples>(picture: Picture<S>): Promise<Picture<S>> {
  const data = ownSamples(picture?.data);
  const { width, height, channels } = picture;
  const isSize = (n: unknown) => Number.isInteger(n) && (n as number) > 0;
  if (!isSize(width) || !isSize(height) || ![1, 2, 3, 4].includes(channels))
    throw badImage(
      `Expected whole numbers above 0 for width and height and 1 to 4 for channels but received ${width}, ${height} and ${channels}`,
    );
  if (data.length !== width * height * channels)
    throw badImage(
      `Expected ${width} x ${height} x ${channels} samples for data but received ${data.length}`,
    );
  const checked = { data, width, height, channels };
  await checkSamples(checked);
  return checked;
}

const SAMPLE_TYPES = [
  [types.isUint8Array, Uint8Array],
  [types.isUint16Array, Uint16Array],
  [types.isFloat32Array, Float32Array],
] as const;

/** A view of this realm's type on samples from another (jest, a vm context), whose types `instanceof` does not know. */
function ownSamples<S extends Samples>(data: S): S {
  const Type = SAMPLE_TYPES.find(([isOfType]) => isOfType(data))?.[1];
  if (Type === undefined)
    throw badImage(
      'Expected a Uint8Array, a Uint16Array or a Float32Array (samples from 0 to 1) for data ' +
        `but received ${data == null ? data : ((data as object).constructor?.name ?? typeof data)}`,
    );
  if (data instanceof Type) return data;
  return new Type(data.buffer as ArrayBuffer, data.byteOffset, data.length) as S;
}

/** Only floats can be NaN or infinite. */
async function checkSamples({ data, width, channels }: Picture): Promise<void> {
  if (!(data instanceof Float32Array)) return;
  let first: number | undefined;
  let count = 0;
  await inChunks(data.length, (from, to) => {
    for (let i = from; i < to; i++)
      if (!Number.isFinite(data[i])) {
        first ??= i;
        count++;
      }
  });
  if (first === undefined) return;
  const pixel = Math.floor(first / channels);
  const samples = count === 1 ? '1 sample that is' : `${count} samples that are`;
  throw badImage(
    `found ${samples} NaN or infinite, the first in the pixel at ${pixel % width}, ${Math.floor(pixel / width)}; ` +
      'expected finite numbers. Replace them by numbers first, for example by their neighbours.',
  );
}
