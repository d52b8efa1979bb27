// Parts of a picture: a tile for the flow, a region as it is. Beyond the edge a tile has the reflection about the edge pixel's
// centre (c b | a b c | b a). That repeats no pixel beside itself, so the noise of neighbours stays independent.
import { badOption } from '../core/errors.js';
import {
  blankLike,
  colourChannels,
  type Picture,
  type Region,
  reflected,
  type Samples,
  type Size,
  whiteLevel,
} from '../core/picture.js';
import type { Tile, TilePlan } from './plan.js';

/** @returns planar [C, tileHeight, tileWidth], samples / white level; C = 1 or 3, without alpha */
export function extractTile(picture: Picture, { tileWidth, tileHeight }: TilePlan, tile: Tile): Float32Array {
  const { data, width, height, channels } = picture;
  const colours = colourChannels(channels);
  const out = new Float32Array(colours * tileWidth * tileHeight);
  const white = whiteLevel(data);
  const columns = Int32Array.from({ length: tileWidth }, (_, x) => channels * reflected(tile.x + x, width));
  for (let y = 0; y < tileHeight; y++) {
    const row = reflected(tile.y + y, height) * width * channels;
    for (let c = 0; c < colours; c++) {
      const to = (c * tileHeight + y) * tileWidth;
      for (let x = 0; x < tileWidth; x++)
        out[to + x] = (data[row + c + (columns[x] as number)] as number) / white;
    }
  }
  return out;
}

/** @throws FlowDenoiseError BAD_OPTION if the region reaches beyond the picture */
export function checkRegion({ left, top, width, height }: Region, picture: Size): void {
  if (left + width <= picture.width && top + height <= picture.height) return;
  throw badOption(
    `Expected a region inside ${picture.width} x ${picture.height} pixels but received ${width} x ${height} at ${left}, ${top}`,
  );
}

/** The region with at least `margin` pixels around it, up to the picture's edges. Left and top become multiples of `multiple`. */
export function withSurroundings(region: Region, picture: Size, margin: number, multiple: number): Region {
  const start = (at: number) => multiple * Math.floor(Math.max(0, at - margin) / multiple);
  const [left, top] = [start(region.left), start(region.top)];
  const right = Math.min(picture.width, region.left + region.width + margin);
  const bottom = Math.min(picture.height, region.top + region.height + margin);
  return { left, top, width: right - left, height: bottom - top };
}

export function cutOut<S extends Samples>({ data, width, channels }: Picture<S>, region: Region): Picture<S> {
  const row = region.width * channels;
  const cut = blankLike(data, region.height * row);
  for (let y = 0; y < region.height; y++) {
    const start = ((region.top + y) * width + region.left) * channels;
    cut.set(data.subarray(start, start + row), y * row);
  }
  return { data: cut, width: region.width, height: region.height, channels };
}
