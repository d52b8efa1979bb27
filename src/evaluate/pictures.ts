// The pictures of an evaluation. Clean ones are found in a folder, sorted by name, cropped, as floats. Noisy ones are made of
// them, with added noise or a simulated camera; one seed always gives the same noise.
import { join } from 'node:path';
import sharp from 'sharp';
import { badOption } from '../core/errors.js';
import { filesBelow, readRegularFile } from '../core/files.js';
import { addGaussianNoise, addPoissonGaussianNoise } from '../core/noise/index.js';
import { cameraAt, takePicture } from '../core/noise/simulate/camera.js';
import {
  clamped,
  colourChannels,
  type Picture,
  type Size,
  toInterleaved,
  toPlanar,
  whiteLevel,
} from '../core/picture.js';
import { decodePicture, isPhotographExtension, supportedExtensions } from '../image/index.js';
import type { AddedNoise, CameraNoise, JpegSettings, NoiseLevel } from './noise-level.js';

/** Samples in [0, 1], without alpha. */
export interface CleanPicture extends Picture<Float32Array> {
  /** Its path below the folder, with slashes. */
  readonly name: string;
  readonly channels: 1 | 3;
}

/** The size of SSIM's window. */
const SMALLEST = 11;

/** A number to cut sides to multiples of, or a size; both keep the top left. */
type Crop = number | Size;

/** A folder's pictures, at any depth, by name. @throws FlowDenoiseError BAD_OPTION if there are none; else as readClean */
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

/** A noisy picture, and the picture that restoring should give. */
export interface NoisyPair {
  /** The clean picture; for a camera, the scene through the same camera without noise or coding. */
  readonly reference: CleanPicture;
  readonly noisy: CleanPicture;
}

/** The noise of picture `index` has seed + index, whatever else is evaluated. */
export async function noisyPair(
  clean: CleanPicture,
  index: number,
  level: NoiseLevel,
  { seed, clip }: { readonly seed: number; readonly clip: boolean },
): Promise<NoisyPair> {
  if (level.model === 'camera') return cameraShot(clean, level, seed + index);
  return { reference: clean, noisy: { ...clean, data: withNoise(clean.data, level, seed + index, clip) } };
}

/** Samples in [0, 1], any layout, with noise; if asked for, clipped to [0, 1] as in a file of integers. */
export function withNoise(clean: Float32Array, level: AddedNoise, seed: number, clip: boolean): Float32Array {
  const sigma = level.sigma / 255;
  const noisy =
    level.model === 'gaussian'
      ? addGaussianNoise(clean, sigma, seed)
      : addPoissonGaussianNoise(clean, { gain: (level.gain ?? 0) / 255, sigma }, seed);
  return clip ? clamped(noisy) : noisy;
}

/** A grey scene is photographed in colour, as cameras do. The noisy picture is what its decoded file gives. */
export async function cameraShot(scene: CleanPicture, level: CameraNoise, seed: number): Promise<NoisyPair> {
  const { name, data, width, height } = scene;
  const colours =
    scene.channels === 3
      ? toPlanar(data, 3)
      : Float32Array.from({ length: 3 * data.length }, (_, i) => data[i % data.length] as number);
  const shot = takePicture(colours, { width, height }, cameraAt(level.iso), seed);
  const shape = { name, width, height, channels: 3 } as const;
  return {
    reference: { ...shape, data: toInterleaved(shot.clean, 3) },
    noisy: await fileOf({ ...shape, data: toInterleaved(shot.noisy, 3) }, level.jpeg),
  };
}

/** A picture after it was stored in a file: rounded to bytes, optionally as JPEG, in [0, 1] again. */
export async function fileOf(picture: CleanPicture, jpeg: JpegSettings | undefined): Promise<CleanPicture> {
  const { width, height } = picture;
  let bytes: Uint8Array | Uint8ClampedArray = Uint8ClampedArray.from(picture.data, (value) => 255 * value);
  if (jpeg) {
    const file = await sharp(bytes, { raw: { width, height, channels: 3 } })
      .jpeg(jpeg)
      .toBuffer();
    bytes = await sharp(file).raw().toBuffer();
  }
  return { ...picture, data: Float32Array.from(bytes, (value) => value / 255) };
}
