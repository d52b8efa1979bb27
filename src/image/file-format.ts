// Which files on disk are pictures, by name and by first bytes, before anything parses them. A name is no proof.
import { extname } from 'node:path';
import { openRegularFile } from '../core/files.js';
import { readContainer } from './decode.js';
import { type PictureFormat, pictureFormat } from './format.js';

/** In so many bytes any format has room for more parts than are taken. */
const HEAD_BYTES = 262_144;

/** The format that a file begins as; undefined when it is none of ours, cannot be read, or has too many parts for a parser. */
export async function formatOfFile(path: string): Promise<PictureFormat | undefined> {
  const handle = await openRegularFile(path).catch(() => undefined);
  try {
    const head = await handle?.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    const bytes = head?.buffer.subarray(0, head.bytesRead);
    const format = bytes && pictureFormat(bytes);
    if (bytes && format) readContainer(bytes, format);
    return format;
  } catch {
    return undefined;
  } finally {
    await handle?.close();
  }
}

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
  'avif',
  'gif',
];

/** Whether the path ends in one of `supportedExtensions`, in whatever case. */
export function isSupportedExtension(path: string): boolean {
  return supportedExtensions.includes(extname(path).slice(1).toLowerCase());
}

/** Whether the path may be that of a clean photograph: a GIF's few colours are noise themselves. */
export function isPhotographExtension(path: string): boolean {
  return isSupportedExtension(path) && !byFormat.gif.includes(extname(path).slice(1).toLowerCase());
}

const byFormat: Readonly<Record<PictureFormat, readonly string[]>> = {
  png: ['png'],
  jpeg: ['jpg', 'jpeg', 'jpe', 'jfif'],
  webp: ['webp'],
  tiff: ['tif', 'tiff'],
  avif: ['avif'],
  gif: ['gif'],
};

/** The path under the usual extension of a format; one that already means it stays. */
export function withFormatExtension(path: string, format: PictureFormat): string {
  const extension = extname(path);
  const own = byFormat[format];
  if (own.includes(extension.slice(1).toLowerCase())) return path;
  return `${path.slice(0, path.length - extension.length)}.${own[0]}`;
}
