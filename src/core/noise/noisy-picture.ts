// A picture whose noise is estimated, read in 8x8 blocks: planar, in 8-bit units.
import { colourChannels, type Picture, whiteLevel } from '../picture.js';

export type NoisyPicture = Picture;

export const coloursOf = ({ channels }: Picture): 1 | 3 => colourChannels(channels);

/** Converts samples to 8-bit units, where white is exactly 255. */
export const scaleOf = ({ data }: Picture): number => 255 / whiteLevel(data);

/** Side of a block, and its samples in one channel. */
export const SIDE = 8;
export const AREA = SIDE * SIDE;

/** Copies the block at (x, y) to `out`, [colours, 8, 8], in 8-bit units. A plain function: V8 optimises those soonest. */
export function readBlock(
  { data, width, channels }: Picture,
  scale: number,
  x: number,
  y: number,
  out: Float64Array,
): void {
  let to = 0;
  for (let row = y; row < y + SIDE; row++) {
    let at = (row * width + x) * channels;
    for (const end = to + SIDE; to < end; to++) {
      out[to] = scale * (data[at] as number);
      if (channels >= 3) {
        out[to + AREA] = scale * (data[at + 1] as number);
        out[to + 2 * AREA] = scale * (data[at + 2] as number);
      }
      at += channels;
    }
  }
}
