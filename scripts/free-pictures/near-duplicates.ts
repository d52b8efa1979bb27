// Whether two pictures show the same: sizes, crops of a few pixels and recompressed copies of one photograph.
import sharp from 'sharp';
import { mean } from '#src/core/metrics/index.js';
import type { Picture } from '#src/core/picture.js';

/** Different landscapes with a bright sky reach 0.96; copies of one picture stay above 0.99. */
const SAME_ABOVE = 0.98;
const SIDE = 16;

/** Grey, 16 x 16, without its mean, of length 1: the product of two is their correlation. */
export type Thumbnail = Float64Array;

export async function thumbnailOf({
  data,
  width,
  height,
  channels,
}: Picture<Uint8Array>): Promise<Thumbnail> {
  const small = await sharp(data, { raw: { width, height, channels } })
    .greyscale()
    .resize(SIDE, SIDE, { fit: 'fill' })
    .raw()
    .toBuffer();
  const grey = mean([...small]);
  const centred = Float64Array.from(small, (value) => value - grey);
  const length = Math.hypot(...centred) || 1;
  return centred.map((value) => value / length);
}

export function isSame(a: Thumbnail, b: Thumbnail): boolean {
  return a.reduce((sum, value, n) => sum + value * (b[n] as number), 0) > SAME_ABOVE;
}
