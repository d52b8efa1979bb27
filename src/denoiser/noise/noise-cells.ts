// Reads a picture with the noise network, cell by cell. The number of tiles is fixed, so large pictures cost no more.
import type { NoiseMeter } from '../../core/engine/noise-meter/noise-meter.js';
import { CELL } from '../../core/noise/estimate/noise-network.js';
import { type CellReading, cellReadings } from '../../core/noise/estimate/profile-from-readings.js';
import { colourChannels, type Picture, type Size } from '../../core/picture.js';
import { extractTile } from '../../tile/extract.js';
import { planTiles, spreadTiles } from '../../tile/plan.js';

const TILE = 256;
const MOST_TILES = 8;
/** A cell with more than this share of samples at black or white is skipped: clipping has removed its noise. */
const MOST_CLIPPED = 0.3;

/**
 * @param picture  a grey one is read as three copies
 * @returns        empty if all cells are clipped
 * @throws         FlowDenoiseError ENGINE_FAILED, CLOSED
 */
export async function readNoiseCells(picture: Picture, meter: NoiseMeter): Promise<CellReading[]> {
  const { width, height } = picture;
  const plan = planTiles({ width, height, tileSize: TILE, overlap: 0, multiple: CELL });
  const size = { width: plan.tileWidth, height: plan.tileHeight };
  const readings = await Promise.all(
    spreadTiles(plan, MOST_TILES).map(async (tile) => {
      const planes = extractTile(picture, plan, tile);
      const isGrey = colourChannels(picture.channels) === 1;
      // Files hold samples in [0, 1] only, and the network was trained on such.
      for (let i = 0; i < planes.length; i++) planes[i] = Math.min(1, Math.max(0, planes[i] as number));
      const colour = isGrey ? tripled(planes) : planes;
      const brightness = cellBrightness(colour, size);
      return cellReadings(await meter.measure(colour, size), brightness);
    }),
  );
  return readings.flat();
}

function tripled(plane: Float32Array): Float32Array {
  const copies = new Float32Array(3 * plane.length);
  for (let c = 0; c < 3; c++) copies.set(plane, c * plane.length);
  return copies;
}

/** [rows, columns] the mean of every cell; NaN if too much of it is clipped. */
function cellBrightness(planes: Float32Array, { width, height }: Size): Float32Array {
  const columns = width / CELL;
  const sums = new Float32Array((columns * height) / CELL);
  const clipped = new Float32Array(sums.length);
  const share = 1 / (3 * CELL * CELL);
  for (let i = 0; i < planes.length; i++) {
    const value = planes[i] as number;
    const y = Math.floor(i / width) % height;
    const cell = Math.floor(y / CELL) * columns + Math.floor((i % width) / CELL);
    sums[cell] = (sums[cell] as number) + share * value;
    if (value === 0 || value === 1) clipped[cell] = (clipped[cell] as number) + share;
  }
  return sums.map((sum, cell) => ((clipped[cell] as number) > MOST_CLIPPED ? Number.NaN : sum));
}
