// Pictures for display: upright, sRGB, 8 bits; and the part to show in detail. For previews and reports only.
import { readFile } from 'node:fs/promises';
import sharp, { type Sharp } from 'sharp';
import { type Picture, type Region, type Size, whiteLevel } from '../../core/picture.js';
import { decodePicture } from '../../image/index.js';

export type DisplayImage = Awaited<ReturnType<typeof openDisplayImage>>;

export type Raw = Picture<Buffer>;

/** sharp applies the profile. Without one, samples count as sRGB, as in browsers. */
export async function openDisplayImage(file: string | Buffer) {
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

/** With no side longer than `side`. */
export function shrunk({ open }: DisplayImage, side: number): Promise<Raw> {
  return rawOf(open().resize({ width: side, height: side, fit: 'inside', withoutEnlargement: true }));
}

/** The samples in 8 bits. */
export async function rawOf(picture: Sharp): Promise<Raw> {
  const { data, info } = await picture.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true });
  return { data, width: info.width, height: info.height, channels: info.channels as Raw['channels'] };
}

export function ofRaw({ data, width, height, channels }: Raw): Sharp {
  return sharp(data, { raw: { width, height, channels } });
}

/** The region of the stored picture that is displayed as this one. @param orientation  EXIF's; other than 1 to 8 counts as 1 */
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

const BLOCK = 8;

/**
 * The region with the most structure left and the most noise removed, each relative to its mean, so that both count.
 *
 * @param size  the region's, in pixels of the full picture
 */
export function detailRegion(before: Raw, after: Raw, full: Size, size: Size): Region {
  const width = Math.min(size.width, full.width);
  const height = Math.min(size.height, full.height);
  const columns = Math.max(1, Math.floor(after.width / BLOCK));
  const rows = Math.max(1, Math.floor(after.height / BLOCK));
  const scores = blockScores(before, after, columns, rows);
  const scale = full.width / after.width;
  const across = Math.min(columns, Math.max(1, Math.round(width / scale / BLOCK)));
  const down = Math.min(rows, Math.max(1, Math.round(height / scale / BLOCK)));
  const step = Math.max(1, Math.floor(Math.min(across, down) / 8));
  let best = { score: Number.NEGATIVE_INFINITY, column: 0, row: 0 };
  for (let row = 0; row + down <= rows; row += step) {
    for (let column = 0; column + across <= columns; column += step) {
      let score = 0;
      for (let y = row; y < row + down; y++)
        for (let x = column; x < column + across; x++) score += scores[y * columns + x] ?? 0;
      if (score > best.score) best = { score, column, row };
    }
  }
  const place = (block: number, length: number, all: number): number =>
    Math.min(Math.round(block * BLOCK * scale), all - length);
  return {
    left: place(best.column, width, full.width),
    top: place(best.row, height, full.height),
    width,
    height,
  };
}

function blockScores(before: Raw, after: Raw, columns: number, rows: number): Float64Array {
  const structure = new Float64Array(columns * rows);
  const noise = new Float64Array(columns * rows);
  const { width, channels } = after;
  const line = width * channels;
  for (let y = 0; y < Math.min(rows * BLOCK, after.height) - 1; y++) {
    for (let x = 0; x < Math.min(columns * BLOCK, width) - 1; x++) {
      const i = y * line + x * channels;
      const here = after.data[i] ?? 0;
      const block = Math.floor(y / BLOCK) * columns + Math.floor(x / BLOCK);
      const slope =
        Math.abs(here - (after.data[i + channels] ?? 0)) + Math.abs(here - (after.data[i + line] ?? 0));
      structure[block] = (structure[block] ?? 0) + slope;
      noise[block] = (noise[block] ?? 0) + Math.abs(here - (before.data[i] ?? 0));
    }
  }
  const mean = (values: Float64Array): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanStructure, meanNoise] = [mean(structure) || 1, mean(noise) || 1];
  return structure.map((value, i) => value / meanStructure + (noise[i] ?? 0) / meanNoise);
}
