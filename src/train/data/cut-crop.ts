// Cuts a crop out of a picture or a contact sheet (many pictures of one size, edge to edge), and turns or mirrors it.
import type { Region, Size } from '../../core/picture.js';

/** Interleaved 8-bit RGB. */
export interface RgbPicture {
  readonly data: Uint8Array;
  readonly width: number;
  readonly height: number;
}

export const CHANNELS = 3;

/** Bits of a symmetry of the square: first mirror across the diagonal, then left-right, then upside down. */
export const MIRROR = 1;
const UPSIDE_DOWN = 2;
const DIAGONAL = 4;
/** The number of symmetries: four quarter turns, mirrored or not. */
export const SYMMETRIES = 8;

/**
 * Copies a square of a picture.
 *
 * @param symmetry  from 0 (as it is) to 7; 1 is left-right
 * @returns         [size, size, 3]
 */
export function cutCrop(
  { data, width }: RgbPicture,
  left: number,
  top: number,
  size: number,
  symmetry: number,
): Uint8Array {
  const crop = new Uint8Array(size * size * CHANNELS);
  const right = (symmetry & DIAGONAL) === 0 ? 1 : width;
  const down = (symmetry & DIAGONAL) === 0 ? width : 1;
  const [alongX, startX] = (symmetry & MIRROR) === 0 ? [right, 0] : [-right, (size - 1) * right];
  const [alongY, startY] = (symmetry & UPSIDE_DOWN) === 0 ? [down, 0] : [-down, (size - 1) * down];
  const first = top * width + left + startX + startY;
  let to = 0;
  for (let y = 0; y < size; y++) {
    let from = (first + y * alongY) * CHANNELS;
    for (let x = 0; x < size; x++) {
      crop[to++] = data[from] as number;
      crop[to++] = data[from + 1] as number;
      crop[to++] = data[from + 2] as number;
      from += alongX * CHANNELS;
    }
  }
  return crop;
}

/** The number of tiles on a sheet; what is left at its right and lower edge is ignored. */
export function tilesOf({ width, height }: Size, tile: number): number {
  return Math.floor(width / tile) * Math.floor(height / tile);
}

/** A tile, counted by rows from the upper left. */
export function tileAt(width: number, tile: number, index: number): Region {
  const columns = Math.floor(width / tile);
  const left = (index % columns) * tile;
  return { left, top: Math.floor(index / columns) * tile, width: tile, height: tile };
}

/** A tile of one colour is empty. A flow's density has no bound on such a picture. */
export function isEmpty({ data, width }: RgbPicture, region: Region): boolean {
  const first = (region.top * width + region.left) * CHANNELS;
  for (let y = region.top; y < region.top + region.height; y++) {
    const row = (y * width + region.left) * CHANNELS;
    for (let i = 0; i < region.width * CHANNELS; i++)
      if (data[row + i] !== data[first + (i % CHANNELS)]) return false;
  }
  return true;
}
