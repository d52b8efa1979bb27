// The containers of all formats: what a file has beside its pixels, and how these are coded.
import type { PictureFormat } from '../format.js';
import { type AvifContainer, readAvifContainer } from './avif-container.js';
import { type GifContainer, readGifContainer } from './gif-container.js';
import { type JpegContainer, readJpegContainer } from './jpeg-container.js';
import type { Animation } from './parts.js';
import { type PngContainer, readPngContainer } from './png-container.js';
import { readTiffContainer, type TiffContainer } from './tiff-container.js';
import { readWebpContainer, type WebpContainer } from './webp-container.js';

/**
 * All of a file but its pixels: metadata, and how the pixels are coded. `traits` are its properties, except those that sharp
 * reads in every format.
 */
export type Container =
  | PngContainer
  | JpegContainer
  | WebpContainer
  | TiffContainer
  | AvifContainer
  | GifContainer;

const readers = {
  png: readPngContainer,
  jpeg: readJpegContainer,
  webp: readWebpContainer,
  tiff: readTiffContainer,
  avif: readAvifContainer,
  gif: readGifContainer,
} as const satisfies Record<PictureFormat, (file: Buffer) => Container>;

/** Reads what it can of a damaged file. @throws TooManyParts */
export function readContainer(file: Buffer, format: PictureFormat): Container {
  return readers[format](file);
}

export function animationOf(container: Container): Animation | undefined {
  return 'animation' in container ? container.animation : undefined;
}

/** The number of an animation's frames, else 1. */
export function frameCount(container: Container): number {
  return animationOf(container)?.durations.length ?? 1;
}
