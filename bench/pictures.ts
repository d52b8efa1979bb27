// The pictures that benchmarks measure on, in the order of their names, and samples as PSNR wants them.
import { readdir } from 'node:fs/promises';
import sharp from 'sharp';
import { addGaussianNoise } from '#src/core/noise/index.js';
import { sharedPath } from '../test/shared.js';

/** CBSD68's pictures have no shorter side than this. */
const SQUARE = 320;

export interface BenchPicture {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 3;
}

/**
 * The first pictures of a folder under ../shared; ends the program where that is not there.
 *
 * @param channels  1 makes them grey by sharp's `greyscale`
 */
export async function readPictures(
  count: string,
  from = 'data/cbsd68',
  channels: 1 | 3 = 3,
): Promise<BenchPicture[]> {
  const folder = sharedPath(`${from}/`);
  if (!folder) process.exit(0);
  const files = (await readdir(folder)).filter((name) => /\.(png|jpe?g)$/.test(name)).sort();
  return Promise.all(files.slice(0, Number(count)).map((file) => readPicture(folder + file, channels)));
}

export async function readPicture(path: string, channels: 1 | 3 = 3): Promise<BenchPicture> {
  const image = sharp(path).removeAlpha();
  const { data, info } = await (channels === 1 ? image.greyscale() : image)
    .raw()
    .toBuffer({ resolveWithObject: true });
  return { data: new Uint8Array(data), width: info.width, height: info.height, channels };
}

/** Bytes to [0, 1]. */
export const toFloats = (data: ArrayLike<number>) => Float32Array.from(data, (value) => value / 255);

/** Samples to what a file of bytes would hold. */
export const toBytes = (data: Float32Array) =>
  new Uint8Array(Uint8ClampedArray.from(data, (value) => value * 255).buffer);

/** Squares of the pictures side by side, repeated as often as need be; [0, 1]. */
export function mosaic(pictures: readonly BenchPicture[], width: number, height: number): Float32Array {
  const channels = pictures[0]?.channels ?? 3;
  const across = Math.ceil(width / SQUARE);
  return new Float32Array(width * height * channels).map((_, i) => {
    const [x, y] = [Math.floor(i / channels) % width, Math.floor(i / channels / width)];
    const cell = Math.floor(y / SQUARE) * across + Math.floor(x / SQUARE);
    const picture = pictures[cell % pictures.length] as BenchPicture;
    const pixel = (y % SQUARE) * picture.width + (x % SQUARE);
    return (picture.data[pixel * channels + (i % channels)] as number) / 255;
  });
}

/** The middle of a picture: planar [3, side, side], [0, 1]. */
export function middleSquare({ data, width, height }: BenchPicture, side: number): Float32Array {
  const [left, top] = [(width - side) >> 1, (height - side) >> 1];
  return new Float32Array(3 * side * side).map((_, at) => {
    const [channel, pixel] = [Math.floor(at / (side * side)), at % (side * side)];
    const [x, y] = [left + (pixel % side), top + Math.floor(pixel / side)];
    return (data[(y * width + x) * 3 + channel] as number) / 255;
  });
}

export interface NoisyCrop {
  /** Planar [3, side, side], [0, 1]. */
  readonly clean: Float32Array;
  readonly noisy: Float32Array;
  readonly side: number;
}

/** Every tenth picture of CBSD68 from the fifth on: none of the first, on which much else was looked at. */
const CROP_STEP = 10;
const FIRST_CROP = 4;

/** Squares from the middle of so many pictures, with Gaussian noise of their own. */
export async function noisyCrops(count: number, side: number, sigma: number): Promise<NoisyCrop[]> {
  const pictures = await readPictures('68');
  return Array.from({ length: count }, (_, i) => {
    const number = (FIRST_CROP + i * CROP_STEP) % pictures.length;
    const clean = middleSquare(pictures[number] as BenchPicture, side);
    return { clean, noisy: addGaussianNoise(clean, sigma / 255, 1000 + number), side };
  });
}
