// Checks a program's picture and the options of a call before anything is computed.
import { badImage } from '../core/errors.js';
import type { Picture } from '../core/picture.js';
import { parseOptions } from './option-schema.js';
import { type CallOptions, callSchema, type DenoiseCallOptions } from './options.js';
import { inChunks } from './passes/grey.js';

/** The options, checked. @throws FlowDenoiseError BAD_OPTION, BAD_IMAGE; the signal's reason when aborted */
export async function checkCall(picture: Picture, options: DenoiseCallOptions = {}): Promise<CallOptions> {
  const checked = parseOptions(callSchema, options, 'denoise');
  await checkPicture(picture);
  checked.signal?.throwIfAborted();
  return checked;
}

/** @throws FlowDenoiseError BAD_IMAGE for an impossible size, length or sample */
export async function checkPicture(picture: Picture): Promise<void> {
  if (![Uint8Array, Uint16Array, Float32Array].some((type) => picture?.data instanceof type))
    throw badImage('Expected a Uint8Array, a Uint16Array or a Float32Array (samples from 0 to 1) for data');
  const { data, width, height, channels } = picture;
  const isSize = (n: unknown) => Number.isInteger(n) && (n as number) > 0;
  if (!isSize(width) || !isSize(height) || ![1, 2, 3, 4].includes(channels))
    throw badImage(
      `Expected whole numbers above 0 for width and height and 1 to 4 for channels but received ${width}, ${height} and ${channels}`,
    );
  if (data.length !== width * height * channels)
    throw badImage(
      `Expected ${width} x ${height} x ${channels} samples for data but received ${data.length}`,
    );
  await checkSamples(picture);
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
