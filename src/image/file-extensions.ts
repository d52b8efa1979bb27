// The file names that we take. What a file really is, its first bytes say (format.ts).
import { extname } from 'node:path';
import type { PictureFormat } from './format.js';

/** Extensions of the files that can be denoised, in lower case, without the dot. */
export const supportedExtensions: readonly string[] = [
  'png',
  'jpg',
  'jpeg',
  'jpe',
  'jfif',
  'webp',
  'tif',
  'tiff',
];

/** Whether the path ends in one of `supportedExtensions`, in whatever case. */
export function isSupportedExtension(path: string): boolean {
  return supportedExtensions.includes(extname(path).slice(1).toLowerCase());
}

const byFormat: Readonly<Record<PictureFormat, readonly string[]>> = {
  png: ['png'],
  jpeg: ['jpg', 'jpeg', 'jpe', 'jfif'],
  webp: ['webp'],
  tiff: ['tif', 'tiff'],
};

/** The path under the usual extension of a format; one that already means it stays. */
export function withFormatExtension(path: string, format: PictureFormat): string {
  const extension = extname(path);
  const own = byFormat[format];
  if (own.includes(extension.slice(1).toLowerCase())) return path;
  return `${path.slice(0, path.length - extension.length)}.${own[0]}`;
}
