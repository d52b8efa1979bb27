// Pictures as they are looked at: upright, in sRGB, 8 bits. For previews and reports; results are never made this way.
import { readFile } from 'node:fs/promises';
import sharp, { type Sharp } from 'sharp';
import { decodePicture } from '../../image/index.js';
import { whiteLevel } from '../../tile/picture.js';

/** A picture as it is looked at. */
export interface Upright {
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

/** sharp applies the profile; without one, samples are taken for sRGB, as browsers do. */
export async function openUpright(file: string | Buffer): Promise<Upright> {
  const limits = { limitInputPixels: false } as const;
  const metadata = await sharp(file, limits).metadata();
  const source = metadata.depth === 'float' ? await asIntegers(file, metadata.orientation) : file;
  const { width, height } = metadata.autoOrient;
  const open = (): Sharp => sharp(source, limits).autoOrient().toColourspace('srgb');
  return { open, hasAlpha: metadata.hasAlpha, width, height };
}

/** libvips would take the floats of a TIFF for linear light; here, as in the denoiser, 1 is white and the scale is as in 8 bits. */
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

/** In 8 bits, with no side above `side`. */
export async function shrunk({ open }: Upright, side: number): Promise<Raw> {
  const { data, info } = await open()
    .resize({ width: side, height: side, fit: 'inside', withoutEnlargement: true })
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height, channels: info.channels as Raw['channels'] };
}
