// The file names that we take. What a file really is, its first bytes say (format.ts).
import { extname } from 'node:path';

/** Extensions of the files that can be denoised, in lower case, without the dot. */
export const supportedExtensions: readonly string[] = ['png', 'jpg', 'jpeg', 'webp', 'tif', 'tiff'];

/** Whether the path ends in one of `supportedExtensions`, in whatever case. */
export function isSupportedExtension(path: string): boolean {
  return supportedExtensions.includes(extname(path).slice(1).toLowerCase());
}
