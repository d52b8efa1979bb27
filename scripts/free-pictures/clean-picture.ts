// A picture at the largest size at which neither its noise nor its JPEG blocks show, by measured rules.
import sharp from 'sharp';
import { mean } from '#src/core/metrics/index.js';
import { CLEAN_BELOW_255, estimateSigma } from '#src/core/noise/estimate/white/estimate-sigma.js';
import type { Picture } from '#src/core/picture.js';

export const SHRINKS = [1, 2, 3, 4] as const;
export type Shrink = (typeof SHRINKS)[number];

/** The most that a picture of BSDS500 (JPEG, quality 95) has is 0.9. */
const MOST_BLOCKINESS = 1;
/** A camera interpolates two colours of three, so the pixels of a picture as large as this hold no detail of their own. */
const CAMERA_PIXELS = 2e6;
const LEAST_SIDE = 160;
/** Steps above this are edges of things, not of JPEG blocks. */
const MOST_STEP = 20;

export interface CleanPicture {
  readonly picture: Picture<Uint8Array>;
  readonly shrink: Shrink;
  readonly source: { readonly width: number; readonly height: number };
}

/**
 * The sides of a picture divided by 1, 2, 3 or 4: by the least that leaves less noise than `CLEAN_BELOW_255` in its brightness,
 * where noise is told from texture as `estimateSigma` does it. By at least 2 if it has JPEG blocks or a camera's own pixels.
 * What is taken for noise at every size and grows as the picture shrinks is texture, since noise would fall.
 *
 * @returns  the picture upright, in sRGB without alpha; or the reason why it is left out
 */
export async function cleanPicture(file: string): Promise<CleanPicture | string> {
  const whole = await decode(file, 1);
  const { width, height } = whole;
  const needsShrinking = width * height > CAMERA_PIXELS || blockiness(whole) > MOST_BLOCKINESS;
  const levels: { picture: Picture<Uint8Array>; shrink: Shrink; level: number }[] = [];
  for (const shrink of SHRINKS.slice(needsShrinking ? 1 : 0)) {
    if (Math.min(width, height) / shrink < LEAST_SIDE) break;
    const picture = shrink === 1 ? whole : await decode(file, shrink);
    const level = (await estimateSigma(picture)).luma255;
    if (level < CLEAN_BELOW_255) return { picture, shrink, source: { width, height } };
    levels.push({ picture, shrink, level });
  }
  const [first, last] = [levels[0], levels.at(-1)];
  if (!first || !last) return `smaller than ${LEAST_SIDE} pixels without its JPEG blocks`;
  if (last.level > first.level)
    return { picture: first.picture, shrink: first.shrink, source: { width, height } };
  return `noise of ${last.level.toFixed(1)} at 1/${last.shrink} of its size`;
}

async function decode(file: string, shrink: Shrink): Promise<Picture<Uint8Array>> {
  const { autoOrient } = await sharp(file).metadata();
  const { data, info } = await sharp(file)
    .autoOrient()
    .removeAlpha()
    .resize(Math.round(autoOrient.width / shrink), Math.round(autoOrient.height / shrink), { fit: 'fill' })
    .toColourspace('srgb')
    .raw({ depth: 'uchar' })
    .toBuffer({ resolveWithObject: true });
  const channels = info.channels === 1 ? 1 : 3;
  return {
    data: new Uint8Array(data.buffer, data.byteOffset, data.byteLength),
    width: info.width,
    height: info.height,
    channels,
  };
}

/** By how much steps across the borders of 8 x 8 blocks exceed those elsewhere: 8-bit units, of green, along rows. */
export function blockiness({ data, width, height, channels }: Picture<Uint8Array>): number {
  const sums = new Float64Array(8);
  const counts = new Float64Array(8);
  for (let y = 0; y < height; y++)
    for (let x = 2; x < width - 1; x++) {
      const at = (y * width + x) * channels + (channels === 1 ? 0 : 1);
      const step = (n: number) =>
        Math.abs((data[at + n * channels] as number) - (data[at + (n - 1) * channels] as number));
      const excess = 2 * step(0) - step(-1) - step(1);
      sums[x % 8] = (sums[x % 8] as number) + Math.max(-MOST_STEP, Math.min(MOST_STEP, excess));
      counts[x % 8] = (counts[x % 8] as number) + 1;
    }
  const [border = 0, ...inside] = Array.from(sums, (sum, x) => sum / Math.max(1, counts[x] as number));
  return border - mean(inside);
}
