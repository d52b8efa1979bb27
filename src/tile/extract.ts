// Reads one tile of a picture for the flow: planar, Float32, in [0, 1]. Beyond the edge it reads the reflection about the
// edge pixel's centre (c b | a b c | b a). That repeats no pixel beside itself, so the noise of neighbours stays independent.
import { FlowDenoiseError } from '../core/errors.js';
import { colourChannels, type Picture, reflected, whiteLevel } from '../core/picture.js';
import type { Tile, TilePlan } from './plan.js';

/**
 * @param picture  interleaved samples, [height, width, channels], of the plan's size
 * @param out      where to write, at least C * tileHeight * tileWidth long; default: a new array
 * @returns        `out`: planar [C, tileHeight, tileWidth], samples / white level; C = 1 or 3, without alpha
 * @throws         FlowDenoiseError BAD_OPTION if `out` is too short
 */
export function extractTile(
  picture: Picture,
  plan: TilePlan,
  tile: Tile,
  out: Float32Array = new Float32Array(colourChannels(picture.channels) * plan.tileHeight * plan.tileWidth),
): Float32Array {
  const { data, width, height, channels } = picture;
  const { tileWidth, tileHeight } = plan;
  const colours = colourChannels(channels);
  const plane = tileWidth * tileHeight;
  if (out.length < colours * plane) {
    throw new FlowDenoiseError(
      'BAD_OPTION',
      `Expected room for ${colours} x ${tileHeight} x ${tileWidth} samples for out but received ${out.length}`,
    );
  }
  const white = whiteLevel(data);
  const offsets = reflectedIndices(tile.x, tileWidth, width).map((x) => x * channels);
  const rows = reflectedIndices(tile.y, tileHeight, height);
  for (let y = 0; y < tileHeight; y++) {
    const source = (rows[y] as number) * width * channels;
    for (let c = 0; c < colours; c++) {
      const from = source + c;
      const to = c * plane + y * tileWidth;
      for (let x = 0; x < tileWidth; x++) {
        out[to + x] = (data[from + (offsets[x] as number)] as number) / white;
      }
    }
  }
  return out;
}

/** The positions start .. start + count - 1, reflected into 0 .. size - 1. */
function reflectedIndices(start: number, count: number, size: number): Int32Array {
  return Int32Array.from({ length: count }, (_, i) => reflected(start + i, size));
}
