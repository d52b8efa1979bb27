// Blends denoised tiles. It blends corrections (estimate - noisy), so a correction of zero returns the input bit for bit,
// however the weights round. It keeps sums only for rows that tiles still work on; complete rows go into the result.
import { setImmediate } from 'node:timers/promises';
import { badOption } from '../core/errors.js';
import { blankLike, colourChannels, type Picture, type Samples, whiteLevel } from '../core/picture.js';
import type { Tile, TilePlan } from './plan.js';

/** How long writing rows may block the event loop, in milliseconds. */
const CHUNK_MS = 10;

/**
 * @param picture  the noisy picture; do not change it before `finish` is done
 * @param plan     made for the picture's size
 * @throws         FlowDenoiseError BAD_OPTION if they disagree
 */
export function createBlender<S extends Samples>(picture: Picture<S>, plan: TilePlan) {
  const { data, width, height, channels } = picture;
  const { tileWidth, tileHeight } = plan;
  if (plan.width !== width || plan.height !== height || data.length !== width * height * channels)
    throw badOption(
      `Expected a picture of the plan's ${plan.width} x ${plan.height} pixels but received ${data.length} samples of ` +
        `${width} x ${height} x ${channels}`,
    );
  const colours = colourChannels(channels);
  const columns = axisWindows(plan.xs, tileWidth, plan.paddedWidth, plan.overlap);
  const rows = axisWindows(plan.ys, tileHeight, plan.paddedHeight, plan.overlap);
  const out = blankLike(data, data.length);
  const [white, isFloat] = [whiteLevel(data), data instanceof Float32Array];
  const rowLength = width * colours;
  // Band k: the rows from the start of tile row k to the start of the next; complete when tile rows 0..k are done.
  const bandStarts = [...plan.ys, height].map((y) => Math.min(y, height));
  const startOf = (band: number) => bandStarts[band] as number;
  /** The sums of the bands that a tile has reached. */
  const bands = new Map<number, Float32Array>();
  const tilesLeft = plan.ys.map(() => plan.xs.length);
  let nextBand = 0;
  let writing: Promise<void> = Promise.resolve();
  let signalOfFinish: AbortSignal | undefined;

  function sumsOf(band: number): Float32Array {
    const sums = bands.get(band) ?? new Float32Array((startOf(band + 1) - startOf(band)) * rowLength);
    bands.set(band, sums);
    return sums;
  }

  /** Adds a row of corrections, [width, C] from `from`, to the result's row, [width, channels] from `to`. */
  function correctRow(to: number, sums: Float32Array, from: number): void {
    for (let x = 0; x < width; x++)
      for (let c = 0; c < colours; c++) {
        const correction = sums[from + x * colours + c] as number;
        // Skipped, since -0 + 0 is another bit pattern.
        if (correction === 0) continue;
        const i = to + x * channels + c;
        const value = (out[i] as number) + correction * white;
        out[i] = isFloat ? value : Math.min(white, Math.max(0, Math.floor(value + 0.5)));
      }
  }

  /** Writes a band's rows into the result, and yields to the event loop in between. */
  async function writeBand(band: number): Promise<void> {
    const sums = bands.get(band);
    const first = startOf(band);
    let chunkStart = Number.NEGATIVE_INFINITY;
    for (let y = first; y < startOf(band + 1); y++) {
      // Also before the first row: the caller has used its share of this turn.
      if (performance.now() - chunkStart > CHUNK_MS) {
        await setImmediate();
        signalOfFinish?.throwIfAborted();
        chunkStart = performance.now();
      }
      const from = y * width * channels;
      out.set(data.subarray(from, from + width * channels), from);
      if (sums) correctRow(from, sums, (y - first) * rowLength);
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
    /**
     * Adds one tile. Add each tile of the plan once, in any order. From the top down takes the least memory.
     *
     * @param correction  estimate - noisy, planar [C, tileHeight, tileWidth], in units of the white level
     */
    add(tile: Tile, correction: Float32Array): void {
      const [across, down] = [columns[tile.column], rows[tile.row]];
      if (!across || !down || correction.length !== colours * tileWidth * tileHeight)
        throw badOption(
          `Expected ${colours} x ${tileHeight} x ${tileWidth} samples for the correction of a tile of the plan ` +
            `but received ${correction.length} for tile (${tile.column}, ${tile.row})`,
        );
      const visibleWidth = Math.min(tileWidth, width - tile.x);
      const visibleHeight = Math.min(tileHeight, height - tile.y);
      let band = tile.row;
      for (let y = 0; y < visibleHeight; y++) {
        while (tile.y + y >= startOf(band + 1)) band += 1;
        const weight = down[y] as number;
        if (weight === 0) continue;
        const sums = sumsOf(band);
        const row = (tile.y + y - startOf(band)) * rowLength;
        for (let c = 0; c < colours; c++) {
          const from = (c * tileHeight + y) * tileWidth;
          let to = row + tile.x * colours + c;
          for (let x = 0; x < visibleWidth; x++, to += colours)
            sums[to] =
              (sums[to] as number) + weight * (across[x] as number) * (correction[from + x] as number);
        }
      }
      tilesLeft[tile.row] = (tilesLeft[tile.row] as number) - 1;
      let complete = nextBand;
      while (tilesLeft[complete] === 0) complete += 1;
      writeThrough(complete);
    },

    /**
     * The picture's samples plus the blended correction, in a new array of the same type; alpha is copied. Integer samples are
     * rounded and clipped to their range; floats are not clipped. Yields to the event loop; an abort rejects with its reason.
     */
    async finish(signal?: AbortSignal): Promise<S> {
      signalOfFinish = signal;
      writeThrough(plan.ys.length);
      await writing;
      signal?.throwIfAborted();
      return out;
    },
  };
}

/**
 * The weights of the tiles along one axis; they sum to 1 at every position. A pixel's weight is its column's times its row's.
 * Next to a neighbour, a tile's weight is 0 over a quarter of the overlap, which the flow's zero padding spoils, and then
 * rises to 1 as sin^2 (a Hann window).
 *
 * @param starts   the tiles' starts, ascending, the first at 0, each before the end of the tile before
 * @param length   length of the axis: the last start + tileLength
 * @param overlap  the fewest pixels that neighbours share (0 makes hard seams)
 * @returns        for each tile its weights, [tileLength], in [0, 1]
 */
export function axisWindows(
  starts: readonly number[],
  tileLength: number,
  length: number,
  overlap: number,
): readonly Float32Array[] {
  const margin = Math.floor(overlap / 4);
  const raw = starts.map((start, i) => {
    const before = starts[i - 1];
    const after = starts[i + 1];
    const rise = ramp(tileLength, before === undefined ? 0 : before + tileLength - start, margin);
    const fall = ramp(tileLength, after === undefined ? 0 : start + tileLength - after, margin).reverse();
    return rise.map((weight, p) => weight * (fall[p] as number));
  });
  const total = new Float64Array(length);
  for (const [i, start] of starts.entries())
    for (const [p, weight] of raw[i]?.entries() ?? [])
      total[start + p] = (total[start + p] as number) + weight;
  return starts.map((start, i) =>
    Float32Array.from(raw[i] as Float64Array, (weight, p) => weight / (total[start + p] as number)),
  );
}

/** 0 for the margin, sin^2 up to the neighbour's margin, then 1; without a neighbour (0 shared) 1. */
function ramp(tileLength: number, shared: number, margin: number): Float64Array {
  const spoilt = Math.min(margin, shared);
  const width = shared - 2 * spoilt;
  return Float64Array.from({ length: tileLength }, (_, p) => {
    if (p < spoilt) return 0;
    if (p >= spoilt + width) return 1;
    // Half a pixel in: the first weight is not 0, and a ramp and its mirror image sum to 1.
    return Math.sin(((p - spoilt + 0.5) / width) * (Math.PI / 2)) ** 2;
  });
}
