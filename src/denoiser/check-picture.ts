// A program's picture is checked before anything is computed from it.
import { FlowDenoiseError } from '../core/errors.js';
import type { Picture } from '../tile/picture.js';
import { inChunks } from './passes/grey.js';

/** @throws FlowDenoiseError BAD_IMAGE: a size, a length or a sample that no picture has */
export async function checkPicture(picture: Picture): Promise<void> {
  checkSize(picture);
  await checkSamples(picture);
}

function checkSize({ data, width, height, channels }: Picture): void {
  const isSize = (n: unknown) => Number.isInteger(n) && (n as number) > 0;
  if (!isSize(width) || !isSize(height) || ![1, 2, 3, 4].includes(channels))
    throw new FlowDenoiseError(
      'BAD_IMAGE',
      `Expected whole numbers above 0 for width and height and 1 to 4 for channels but received ${width}, ${height} and ${channels}`,
    );
  if (data?.length !== width * height * channels)
    throw new FlowDenoiseError(
      'BAD_IMAGE',
      `Expected ${width} x ${height} x ${channels} samples for data but received ${data?.length ?? 'none'}`,
    );
}

/** Integer samples are always finite. */
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
  throw new FlowDenoiseError(
    'BAD_IMAGE',
    `found ${samples} NaN or infinite, the first in the pixel at ${pixel % width}, ${Math.floor(pixel / width)}; ` +
      'expected finite numbers. Replace them by numbers first, for example by their neighbours.',
  );
}
