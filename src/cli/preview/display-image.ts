// Pictures for display: upright, sRGB, 8 bits. For previews and reports only.
import { readFile } from 'node:fs/promises';
import sharp, { type Sharp } from 'sharp';
import { type Region, type Size, whiteLevel } from '../../core/picture.js';
import { decodePicture } from '../../image/index.js';

export interface DisplayImage {
  readonly open: () => Sharp;
  readonly hasAlpha: boolean;
  readonly width: number;
  readonly height: number;
}

export interface Raw {
  readonly data: Buffer;
  readonly width: number;
  readonly height: number;
  readonly channels: 1 | 2 | 3 | 4;
}

/** sharp applies the profile. Without one, samples count as sRGB, as in browsers. */
export async function openDisplayImage(file: string | Buffer): Promise<DisplayImage> {
  const limits = { limitInputPixels: false } as const;
  const metadata = await sharp(file, limits).metadata();
  const source = metadata.depth === 'float' ? await asIntegers(file, metadata.orientation) : file;
  const { width, height } = metadata.autoOrient;
  const open = (): Sharp => sharp(source, limits).autoOrient().toColourspace('srgb');
  return { open, hasAlpha: metadata.hasAlpha, width, height };
}

/** libvips would read a TIFF's floats as linear light. Here, as in the denoiser, they are 8-bit values divided by 255. */
async function asIntegers(file: string | Buffer, orientation = 1): Promise<Buffer> {
  const { picture } = await decodePicture(typeof file === 'string' ? await readFile(file) : file, '', {
    maxPixels: Number.POSITIVE_INFINITY,
  });
  const { width, height, channels } = picture;
  const scale = 255 / whiteLevel(picture.data);
  const data = Uint8ClampedArray.from(picture.data, (value) => value * scale);
  return sharp(data, { raw: { width, height, channels }, limitInputPixels: false })
    .withMetadata({ orientation })
    .tiff({ compression: 'none' })
    .toBuffer();
}

/** In 8 bits, with no side longer than `side`. */
export async function shrunk({ open }: DisplayImage, side: number): Promise<Raw> {
  const { data, info } = await open()
    .resize({ width: side, height: side, fit: 'inside', withoutEnlargement: true })
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height, channels: info.channels as Raw['channels'] };
}

/**
 * The region of the stored picture that appears as `region` of the upright one.
 *
 * @param orientation  EXIF's, 1 to 8; anything else counts as 1
 * @param stored       the size of the stored picture
 */
export function storedRegion(
  { left, top, width, height }: Region,
  orientation: number,
  stored: Size,
): Region {
  // From 5 on, the file's columns are shown as rows.
  const isTurned = orientation >= 5 && orientation <= 8;
  const along = isTurned
    ? { left: top, top: left, width: height, height: width }
    : { left, top, width, height };
  const isFromRight = [2, 3, 7, 8].includes(orientation);
  const isFromBottom = [3, 4, 6, 7].includes(orientation);
  return {
    ...along,
    left: isFromRight ? stored.width - along.left - along.width : along.left,
    top: isFromBottom ? stored.height - along.top - along.height : along.top,
  };
}
