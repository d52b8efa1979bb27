// The pictures in a report: the middle of some, as small files that figures include.
import sharp from 'sharp';
import type { Picture } from '../../core/picture.js';
import type { GridImage } from '../../figure/picture-grid.js';
import { BLOCK, type BlockMap } from './residual.js';

/** Larger pictures show their middle. */
const LARGEST = 160;
const WEBP_QUALITY = 92;
/** The deviation from the noise's strength that gets full colour in a map of blocks, as a share. */
const FULL_COLOUR = 0.5;
const BLUE = [11, 98, 196];
const ORANGE = [209, 96, 10];

/** One picture under one noise. */
export interface PictureThumbnails {
  readonly picture: string;
  /** Index into the levels. */
  readonly level: number;
  readonly clean?: GridImage;
  readonly noisy?: GridImage;
  /** By the contender's index. */
  readonly restored: Map<number, GridImage>;
  /** Maps of where more or less than the noise was removed, by the contender's index. */
  readonly uneven: Map<number, GridImage>;
}

/** Keeps only the maps, for results that are published without their pictures. */
export function withoutPictures(shown: readonly PictureThumbnails[]): PictureThumbnails[] {
  return shown.map(({ picture, level, uneven }) => ({ picture, level, restored: new Map(), uneven }));
}

/** The middle of a picture, clipped to black and white. */
export async function thumbnail(picture: Picture<Float32Array>): Promise<GridImage> {
  const { data, width, height, channels } = picture;
  const bytes = Uint8ClampedArray.from(data, (value) => 255 * value);
  const shown = { width: Math.min(width, LARGEST), height: Math.min(height, LARGEST) };
  const [left, top] = [Math.floor((width - shown.width) / 2), Math.floor((height - shown.height) / 2)];
  const webp = await sharp(bytes, { raw: { width, height, channels } })
    .extract({ left, top, ...shown })
    .webp({ quality: WEBP_QUALITY, smartSubsample: true })
    .toBuffer();
  return { ...shown, href: `data:image/webp;base64,${webp.toString('base64')}` };
}

/** A map of blocks: blue where less than the noise was removed, orange where more, white where as much. */
export async function blockThumbnail({ columns, rows, values }: BlockMap): Promise<GridImage | undefined> {
  if (values.length === 0) return undefined;
  const bytes = Uint8ClampedArray.from({ length: 3 * values.length }, (_, i) => {
    const amount = Math.max(-1, Math.min(1, ((values[Math.floor(i / 3)] as number) - 1) / FULL_COLOUR));
    const full = amount < 0 ? BLUE : ORANGE;
    return 255 + Math.abs(amount) * ((full[i % 3] as number) - 255);
  });
  const png = await sharp(bytes, { raw: { width: columns, height: rows, channels: 3 } })
    .resize(columns * BLOCK, rows * BLOCK, { kernel: 'nearest' })
    .png({ palette: true })
    .toBuffer();
  const href = `data:image/png;base64,${png.toString('base64')}`;
  return { width: columns * BLOCK, height: rows * BLOCK, href };
}
