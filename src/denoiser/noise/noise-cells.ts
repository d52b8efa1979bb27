// Reads a picture with the noise network, cell by cell. The number of tiles is fixed, so large pictures cost no more.
import type { NoiseMeter } from '../../core/engine/noise-meter/noise-meter.js';
import { CELL } from '../../core/noise/estimate/noise-network.js';
import { cellReadings } from '../../core/noise/estimate/profile-from-readings.js';
import { colourChannels, type Picture, type Size } from '../../core/picture.js';
import { extractTile } from '../../tile/extract.js';
import { planTiles, spreadTiles } from '../../tile/plan.js';

const TILE = 256;
const MOST_TILES = 8;
/** Narrower pictures are read with their reflections: the network compares a cell with those around it. */
const LEAST_SIDE = 3 * CELL;
/** A cell with more than this share of samples at black or white is skipped: clipping has removed its noise. */
const MOST_CLIPPED = 0.3;

/** A part of a picture whose sides are multiples of CELL. */
export interface CellTile extends Size {
  /** Planar [C, height, width], in [0, 1]; C = 1 or 3. */
  readonly planes: Float32Array;
  /** [height / CELL, width / CELL] the mean of every cell; NaN if too much of it is clipped. */
  readonly brightness: Float32Array;
}

/** The tiles that are read of a picture: all of a small one, evenly spread ones of a large one. */
export function* cellTiles(picture: Picture): Generator<CellTile> {
  const width = Math.max(picture.width, LEAST_SIDE);
  const height = Math.max(picture.height, LEAST_SIDE);
  const plan = planTiles({ width, height, tileSize: TILE, overlap: 0, multiple: CELL });
  const size = { width: plan.tileWidth, height: plan.tileHeight };
  for (const tile of spreadTiles(plan, MOST_TILES)) {
    const planes = extractTile(picture, plan, tile);
    // Files hold samples in [0, 1] only, and the network was trained on such.
    for (let i = 0; i < planes.length; i++) planes[i] = Math.min(1, Math.max(0, planes[i] as number));
    yield { ...size, planes, brightness: cellBrightness(planes, size) };
  }
}

/**
 * @param picture  a grey one is read as three copies
 * @returns        of `cellReadings`; empty if all cells are clipped
 * @throws         FlowDenoiseError ENGINE_FAILED, CLOSED
 */
export async function readNoiseCells(picture: Picture, meter: NoiseMeter): Promise<Float32Array[]> {
  const isGrey = colourChannels(picture.channels) === 1;
  const readings = await Promise.all(
    Array.from(cellTiles(picture), async ({ planes, brightness, width, height }) => {
      const colour = isGrey ? tripled(planes) : planes;
      return cellReadings(await meter.measure(colour, { width, height }), brightness);
    }),
  );
  return readings.flat();
}

function tripled(plane: Float32Array): Float32Array {
  const copies = new Float32Array(3 * plane.length);
  for (let c = 0; c < 3; c++) copies.set(plane, c * plane.length);
  return copies;
}

function cellBrightness(planes: Float32Array, { width, height }: Size): Float32Array {
  const columns = width / CELL;
  const sums = new Float32Array((columns * height) / CELL);
  const clipped = new Float32Array(sums.length);
  const share = (width * height) / (planes.length * CELL * CELL);
  for (let i = 0; i < planes.length; i++) {
    const value = planes[i] as number;
    const y = Math.floor(i / width) % height;
    const cell = Math.floor(y / CELL) * columns + Math.floor((i % width) / CELL);
    sums[cell] = (sums[cell] as number) + share * value;
    if (value === 0 || value === 1) clipped[cell] = (clipped[cell] as number) + share;
  }
  return sums.map((sum, cell) => ((clipped[cell] as number) > MOST_CLIPPED ? Number.NaN : sum));
}
