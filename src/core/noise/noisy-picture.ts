// A picture whose noise is to be told, and how its 8x8 blocks are read: planar, in 8-bit units.

/** A picture as src/tile's `Picture` has it; alpha, if any, is not looked at. */
export interface NoisyPicture {
  /** Interleaved, [height, width, channels]: 0-255, 0-65535 or, Float32, about [0, 1]. */
  readonly data: Uint8Array | Uint16Array | Float32Array;
  readonly width: number;
  readonly height: number;
  /** 1 grey, 2 grey + alpha, 3 RGB, 4 RGBA. */
  readonly channels: 1 | 2 | 3 | 4;
}

/** The colour channels. */
export const coloursOf = ({ channels }: NoisyPicture): 1 | 3 => (channels >= 3 ? 3 : 1);

/** What a sample is multiplied by to have 8-bit units; white is exactly 255 then. */
export const scaleOf = ({ data }: NoisyPicture): number =>
  data instanceof Uint8Array ? 1 : data instanceof Uint16Array ? 255 / 65535 : 255;

/** Side of a block, and its samples in one channel. */
export const SIDE = 8;
export const AREA = SIDE * SIDE;

/**
 * The block at (x, y) to `out`, [colours, 8, 8], in 8-bit units. A plain function, as the others that read all of a
 * picture's blocks: the engine compiles such ones soonest, and most programs estimate the noise of few pictures.
 */
export function readBlock(
  { data, width, channels }: NoisyPicture,
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
