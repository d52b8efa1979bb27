// Puts denoised tiles back together. What is blended is the correction (estimate - noisy), so where nothing
// is corrected the input comes back bit for bit, whatever the weights round to.
import { setImmediate } from 'node:timers/promises';
import { FlowDenoiseError } from '../core/errors.js';
import { colourChannels, type Picture, type Samples, whiteLevel } from './picture.js';
import type { Tile, TilePlan } from './plan.js';
import { axisWindows } from './window.js';

/** How long `finish` keeps the event loop to itself, in milliseconds. */
const CHUNK_MS = 10;

export interface Blender<S extends Samples = Samples> {
  /**
   * Adds one tile. Each tile of the plan is added once, in any order.
   *
   * @param correction  estimate - noisy, planar [C, tileHeight, tileWidth], in units of the white level
   * @throws            FlowDenoiseError BAD_OPTION when its length is another
   */
  add(tile: Tile, correction: Float32Array): void;

  /**
   * The picture's samples plus the blended correction, in a new array of the same type, alpha copied. Integer
   * samples are rounded to nearest and clipped to their range; floats are not clipped. Lets the event loop
   * turn every 10 ms; an abort rejects with `signal.reason`.
   */
  finish(signal?: AbortSignal): Promise<S>;
}

/**
 * @param picture  the noisy picture; not modified, and not to be changed before `finish` is done
 * @param plan     made for the picture's size
 * @throws         FlowDenoiseError BAD_OPTION when plan, size and samples disagree
 */
export function createBlender<S extends Samples>(picture: Picture<S>, plan: TilePlan): Blender<S> {
  const { data, width, height, channels } = picture;
  const { tileWidth, tileHeight } = plan;
  const expected = plan.width * plan.height * channels;
  if (plan.width !== width || plan.height !== height || data.length !== expected) {
    throw new FlowDenoiseError(
      'BAD_OPTION',
      `Expected ${plan.width} x ${plan.height} x ${channels} samples for picture (the plan's size) ` +
        `but received ${width} x ${height} x ${channels} with ${data.length} samples`,
    );
  }
  const colours = colourChannels(channels);
  const plane = tileWidth * tileHeight;
  const columns = axisWindows(plan.xs, tileWidth, plan.paddedWidth, plan.overlap);
  const rows = axisWindows(plan.ys, tileHeight, plan.paddedHeight, plan.overlap);
  const sum = new Float32Array(width * height * colours);

  return {
    add(tile, correction) {
      const across = columns[tile.column];
      const down = rows[tile.row];
      if (across === undefined || down === undefined || correction.length !== colours * plane) {
        throw new FlowDenoiseError(
          'BAD_OPTION',
          `Expected ${colours} x ${tileHeight} x ${tileWidth} samples for the correction of a tile of the plan ` +
            `but received ${correction.length} for tile (${tile.column}, ${tile.row})`,
        );
      }
      const visibleWidth = Math.min(tileWidth, width - tile.x);
      const visibleHeight = Math.min(tileHeight, height - tile.y);
      for (let y = 0; y < visibleHeight; y++) {
        const weight = down[y] as number;
        if (weight === 0) continue;
        for (let c = 0; c < colours; c++) {
          const from = c * plane + y * tileWidth;
          let to = ((tile.y + y) * width + tile.x) * colours + c;
          for (let x = 0; x < visibleWidth; x++, to += colours) {
            sum[to] = (sum[to] as number) + weight * (across[x] as number) * (correction[from + x] as number);
          }
        }
      }
    },

    async finish(signal) {
      const out = blankLike(data);
      let chunkStart = Number.NEGATIVE_INFINITY;
      for (let y = 0; y < height; y++) {
        // Also before the first row: whoever called has had its share of this turn.
        if (performance.now() - chunkStart > CHUNK_MS) {
          await setImmediate();
          signal?.throwIfAborted();
          chunkStart = performance.now();
        }
        const from = y * width * channels;
        out.set(data.subarray(from, from + width * channels), from);
        correctRow(out, from, sum, y * width * colours, width, channels);
      }
      return out;
    },
  };
}

/** Adds a row of corrections, [width, C] at `from`, to a row of samples, [width, channels] at `to`. */
function correctRow(
  out: Samples,
  to: number,
  sum: Float32Array,
  from: number,
  width: number,
  channels: Picture['channels'],
): void {
  const colours = colourChannels(channels);
  const white = whiteLevel(out);
  const isFloat = out instanceof Float32Array;
  for (let x = 0; x < width; x++) {
    for (let c = 0; c < colours; c++) {
      const correction = sum[from + x * colours + c] as number;
      // Left alone, not added: -0 + 0 is another bit pattern.
      if (correction === 0) continue;
      const i = to + x * channels + c;
      const value = (out[i] as number) + correction * white;
      out[i] = isFloat ? value : Math.min(white, Math.max(0, Math.floor(value + 0.5)));
    }
  }
}

/** Zeros, as many and of the same type. A Buffer (what sharp returns) has no public constructor. */
function blankLike<S extends Samples>(data: S): S {
  const length = data.length;
  const blank = (): Samples => {
    if (Buffer.isBuffer(data)) return Buffer.alloc(length);
    if (data instanceof Uint8Array) return new Uint8Array(length);
    if (data instanceof Uint16Array) return new Uint16Array(length);
    return new Float32Array(length);
  };
  return blank() as S;
}
