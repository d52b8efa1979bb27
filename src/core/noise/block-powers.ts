// The DCT powers of small blocks of a picture, band by band, in opponent colours. For correlation.ts.
import { setImmediate } from 'node:timers/promises';
import { AREA, SIDE, transform } from './block-dct.js';

/** Interleaved samples, [height, width, channels]; white is 255, 65535 or 1 after their type. */
export interface CorrelationPicture {
  readonly data: Uint8Array | Uint16Array | Float32Array;
  readonly width: number;
  readonly height: number;
  /** 1 grey, 2 grey + alpha, 3 RGB, 4 RGBA. */
  readonly channels: 1 | 2 | 3 | 4;
}

const MOST_BLOCKS = 4096;
/** Block means this near to black or white are left out: noise is clipped there. 8-bit units. */
const MARGIN = 12;
/** Blocks between two turns of the event loop: a few milliseconds. */
export const CHUNK = 256;

/** Rows of the orthonormal opponent transform: noise of equal strength in all channels keeps its strength. */
const OPPONENT = [
  [Math.sqrt(1 / 3), Math.sqrt(1 / 3), Math.sqrt(1 / 3)],
  [Math.SQRT1_2, 0, -Math.SQRT1_2],
  [Math.sqrt(1 / 6), -Math.sqrt(2 / 3), Math.sqrt(1 / 6)],
] as const;

/** Diagonal of a coefficient: its row plus its column. */
export const order = (k: number) => Math.floor(k / SIDE) + (k % SIDE);
export const indices = Array.from({ length: AREA }, (_, k) => k);
const LOW = indices.filter((k) => order(k) >= 1 && order(k) <= 2);
const MID = indices.filter((k) => order(k) >= 2 && order(k) <= 5);
const HIGH = indices.filter((k) => order(k) >= 9);

function power(block: Float64Array, set: readonly number[]): number {
  let sum = 0;
  for (let i = 0; i < set.length; i++) sum += (block[set[i] as number] as number) ** 2;
  return sum / set.length;
}

export interface Blocks {
  /** Left and top pixel of each. */
  readonly x: readonly number[];
  readonly y: readonly number[];
  /** Mean square of the middle frequencies, one list a channel, 8-bit units squared. */
  readonly mid: readonly number[][];
  readonly high: readonly number[][];
  /** Low frequencies of all channels: how flat the block is. */
  readonly low: readonly number[];
}

/** Reads the block at (x, y) into `out`, opponent channel `channel` (0: brightness, or grey), and transforms it. */
export type Reader = (x: number, y: number, channel: number, out: Float64Array) => void;

export function blockReader({ data, width, channels }: CorrelationPicture): Reader {
  const white = data instanceof Uint8Array ? 255 : data instanceof Uint16Array ? 65535 : 1;
  const scratch = new Float64Array(AREA);
  const isColour = channels >= 3;
  return (x, y, channel, out) => {
    const [r, g, b] = OPPONENT[channel] ?? OPPONENT[0];
    for (let dy = 0; dy < SIDE; dy++)
      for (let dx = 0; dx < SIDE; dx++) {
        const at = ((y + dy) * width + x + dx) * channels;
        const first = data[at] as number;
        const value = isColour
          ? r * first + g * (data[at + 1] as number) + b * (data[at + 2] as number)
          : first;
        out[dy * SIDE + dx] = (value * 255) / white;
      }
    transform(out, scratch);
  };
}

/** The powers of up to 4096 blocks on an even grid. */
export async function measureBlocks(picture: CorrelationPicture, read: Reader): Promise<Blocks> {
  const { width, height } = picture;
  const colours = picture.channels >= 3 ? 3 : 1;
  const step = Math.max(SIDE, Math.ceil(Math.sqrt((width * height) / MOST_BLOCKS)));
  const x: number[] = [];
  const y: number[] = [];
  const low: number[] = [];
  const mid = Array.from({ length: colours }, (): number[] => []);
  const high = Array.from({ length: colours }, (): number[] => []);
  const block = new Float64Array(AREA);
  let count = 0;
  for (let top = 0; top + SIDE <= height; top += step)
    for (let left = 0; left + SIDE <= width; left += step) {
      if (count++ % CHUNK === 0) await setImmediate();
      read(left, top, 0, block);
      const mean = (block[0] as number) / SIDE / Math.sqrt(colours);
      if (mean < MARGIN || mean > 255 - MARGIN) continue;
      let flatness = 0;
      for (let channel = 0; channel < colours; channel++) {
        if (channel > 0) read(left, top, channel, block);
        flatness += power(block, LOW);
        mid[channel]?.push(power(block, MID));
        high[channel]?.push(power(block, HIGH));
      }
      x.push(left);
      y.push(top);
      low.push(flatness);
    }
  return { x, y, mid, high, low };
}
