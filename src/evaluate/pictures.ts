// The clean pictures of an evaluation: found in a folder, sorted by name, cropped, as floats.
import { join } from 'node:path';
import { badOption } from '../core/errors.js';
import { filesBelow, readRegularFile } from '../core/files.js';
import { colourChannels, type Picture, type Size, whiteLevel } from '../core/picture.js';
import { decodePicture, isPhotographExtension, supportedExtensions } from '../image/index.js';

export interface CleanPicture {
  /** Its path below the folder, with slashes. */
  readonly name: string;
  /** Interleaved, in [0, 1], without alpha. */
  readonly data: Float32Array;
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
}

/** A number to cut sides to multiples of, or a size; both keep the top left. */
type Crop = number | Size;

/** The size of SSIM's window. */
const SMALLEST = 11;

/**
 * Reads a folder's pictures, at any depth, in the order of their names.
 *
 * @throws FlowDenoiseError BAD_OPTION if there are none; else as readClean
 */
export async function readPictures(
  folder: string,
  { count, crop, signal }: { readonly count?: number; readonly crop: Crop; readonly signal?: AbortSignal },
): Promise<readonly CleanPicture[]> {
  const names = (await filesBelow(folder)).filter(isPhotographExtension).sort();
  if (names.length === 0)
    throw badOption(
      `Expected a folder with clean pictures (${supportedExtensions.join(' ')}) but found none in ${folder}`,
    );
  const pictures: CleanPicture[] = [];
  for (const name of names.slice(0, count)) {
    signal?.throwIfAborted();
    pictures.push(await readClean(folder, name, crop));
  }
  return pictures;
}

/** @throws FlowDenoiseError BAD_IMAGE, UNSUPPORTED_IMAGE; BAD_OPTION if it is smaller than the crop */
export async function readClean(folder: string, name: string, crop: Crop): Promise<CleanPicture> {
  const path = join(folder, name);
  const { picture } = await decodePicture(await readRegularFile(path), path);
  const width = typeof crop === 'number' ? picture.width - (picture.width % crop) : crop.width;
  const height = typeof crop === 'number' ? picture.height - (picture.height % crop) : crop.height;
  if (width > picture.width || height > picture.height || width < SMALLEST || height < SMALLEST)
    throw badOption(
      `${path}: its ${picture.width} x ${picture.height} pixels leave ${width} x ${height} to evaluate, expected at least ` +
        `${SMALLEST} x ${SMALLEST} inside it; choose another crop, or leave the picture out`,
    );
  return { name, ...croppedFloats(picture, width, height) };
}

/** The top left of a picture, without alpha, in [0, 1]. */
export function croppedFloats(picture: Picture, width: number, height: number): Omit<CleanPicture, 'name'> {
  const channels = colourChannels(picture.channels);
  const white = whiteLevel(picture.data);
  const data = new Float32Array(width * height * channels);
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++)
      for (let c = 0; c < channels; c++)
        data[(y * width + x) * channels + c] =
          (picture.data[(y * picture.width + x) * picture.channels + c] as number) / white;
  return { data, width, height, channels };
}
