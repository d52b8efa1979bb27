// Blends denoised tiles. It blends corrections (estimate - noisy), so a correction of zero returns the input bit for bit,
// however the weights round. It keeps sums only for rows that tiles still work on; complete rows go into the result.
import { setImmediate } from 'node:timers/promises';
import { FlowDenoiseError } from '../core/errors.js';
import { colourChannels, type Picture, type Samples, whiteLevel } from '../core/picture.js';
import type { Tile, TilePlan } from './plan.js';
import { axisWindows } from './window.js';

/** How long writing rows may block the event loop, in milliseconds. */
const CHUNK_MS = 10;

export interface Blender<S extends Samples = Samples> {
  /**
   * Adds one tile. Add each tile of the plan once, in any order. From the top down takes the least memory.
   *
   * @param correction  estimate - noisy, planar [C, tileHeight, tileWidth], in units of the white level
   * @throws            FlowDenoiseError BAD_OPTION if its length is wrong
   */
  add(tile: Tile, correction: Float32Array): void;

  /**
   * The picture's samples plus the blended correction, in a new array of the same type; alpha is copied. Integer samples are
   * rounded and clipped to their range; floats are not clipped. Yields to the event loop every 10 ms; an abort rejects with
   * `signal.reason`.
   */
  finish(signal?: AbortSignal): Promise<S>;
}

/**
 * @param picture  the noisy picture; do not change it before `finish` is done
 * @param plan     made for the picture's size
 * @throws         FlowDenoiseError BAD_OPTION if plan, size and samples disagree
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
  const out = blankLike(data);
  const rowLength = width * colours;
  // Band k: the rows from the start of tile row k to the start of the next; complete when tile rows 0..k are done.
  const bandEnds = plan.ys.map((_, k) => Math.min(height, plan.ys[k + 1] ?? height));
  const bands = new Map<number, Float32Array>();
  const tilesLeft = plan.ys.map(() => plan.xs.length);
  let nextBand = 0;
  let writing: Promise<void> = Promise.resolve();
  let signalOfFinish: AbortSignal | undefined;

  function bandStart(band: number): number {
    return Math.min(height, plan.ys[band] ?? height);
  }

  /** The sums of a band, created with its first tile. */
  function sumsOf(band: number): Float32Array {
    const known = bands.get(band);
    if (known) return known;
    const sums = new Float32Array(((bandEnds[band] ?? 0) - bandStart(band)) * rowLength);
    bands.set(band, sums);
    return sums;
  }

  /** Writes a band's rows into the result, and yields to the event loop in between. */
  async function writeBand(band: number): Promise<void> {
    const sums = bands.get(band);
    const first = bandStart(band);
    let chunkStart = Number.NEGATIVE_INFINITY;
    for (let y = first; y < (bandEnds[band] ?? 0); y++) {
      // Also before the first row: the caller has used its share of this turn.
      if (performance.now() - chunkStart > CHUNK_MS) {
        await setImmediate();
        signalOfFinish?.throwIfAborted();
        chunkStart = performance.now();
      }
      const from = y * width * channels;
      out.set(data.subarray(from, from + width * channels), from);
      if (sums) correctRow(out, from, sums, (y - first) * rowLength, width, channels);
    }
    bands.delete(band);
  }

  function writeThrough(end: number): void {
    for (; nextBand < end; nextBand++) {
      const band = nextBand;
      writing = writing.then(() => writeBand(band));
      // `finish()` rethrows.
      writing.catch(() => {});
    }
  }

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
      let band = tile.row;
      for (let y = 0; y < visibleHeight; y++) {
        while (tile.y + y >= (bandEnds[band] ?? height)) band += 1;
        const weight = down[y] as number;
        if (weight === 0) continue;
        const sums = sumsOf(band);
        const row = (tile.y + y - bandStart(band)) * rowLength;
        for (let c = 0; c < colours; c++) {
          const from = c * plane + y * tileWidth;
          let to = row + tile.x * colours + c;
          for (let x = 0; x < visibleWidth; x++, to += colours) {
            sums[to] =
              (sums[to] as number) + weight * (across[x] as number) * (correction[from + x] as number);
          }
        }
      }
      tilesLeft[tile.row] = (tilesLeft[tile.row] ?? 0) - 1;
      let complete = nextBand;
      while (tilesLeft[complete] === 0) complete += 1;
      writeThrough(complete);
    },

    async finish(signal) {
      signalOfFinish = signal;
      writeThrough(plan.ys.length);
      await writing;
      signal?.throwIfAborted();
      return out;
    },
  };
}

/** Adds a row of corrections, [width, C] from `from`, to a row of samples, [width, channels] from `to`. */
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
      // Skipped, since -0 + 0 is another bit pattern.
      if (correction === 0) continue;
      const i = to + x * channels + c;
      const value = (out[i] as number) + correction * white;
      out[i] = isFloat ? value : Math.min(white, Math.max(0, Math.floor(value + 0.5)));
    }
  }
}

/** Zeros of the same type and length. A Buffer, which sharp returns, has no public constructor. */
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
