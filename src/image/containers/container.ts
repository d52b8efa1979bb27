// The containers of all formats: what a file has beside its pixels, and how these are coded.
import type { PictureFormat } from '../format.js';
import { type AvifContainer, avifTraits, readAvifContainer } from './avif-container.js';
import { type GifContainer, gifTraits, readGifContainer } from './gif-container.js';
import { type JpegContainer, jpegTraits, readJpegContainer } from './jpeg-container.js';
import type { Animation, Trait } from './parts.js';
import { type PngContainer, pngTraits, readPngContainer } from './png-container.js';
import { readTiffContainer, type TiffContainer, tiffTraits } from './tiff-container.js';
import { readWebpContainer, type WebpContainer, webpTraits } from './webp-container.js';

/** All of a file but its pixels: metadata, and how the pixels are coded. */
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

/** The properties besides the samples; of an AVIF, without its metadata. */
export function containerTraits(container: Container): Trait[] {
  switch (container.format) {
    case 'png':
      return pngTraits(container);
    case 'jpeg':
      return jpegTraits(container);
    case 'webp':
      return webpTraits(container);
    case 'tiff':
      return tiffTraits(container);
    case 'avif':
      return avifTraits(container);
    case 'gif':
      return gifTraits(container);
    default:
      return container satisfies never;
  }
}

export function animationOf(container: Container): Animation | undefined {
  return 'animation' in container ? container.animation : undefined;
}

/** The number of an animation's frames, else 1. */
export function frameCount(container: Container): number {
  return animationOf(container)?.durations.length ?? 1;
}
