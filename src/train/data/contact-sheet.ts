// Contact sheets: a file with many pictures of one size, edge to edge.
import type { Region, Size } from '../../core/picture.js';
import { CHANNELS, type RgbPicture } from './cut-crop.js';

/** Places on a sheet; what is left at its right and lower edge is no place. */
export function tilesOf({ width, height }: Size, tile: number): number {
  return Math.floor(width / tile) * Math.floor(height / tile);
}

/** A place, counted by rows from the upper left. */
export function tileAt(width: number, tile: number, index: number): Region {
  const columns = Math.floor(width / tile);
  const left = (index % columns) * tile;
  return { left, top: Math.floor(index / columns) * tile, width: tile, height: tile };
}

/** Whether nothing was put in a place: it is one colour throughout. A flow's density has no bound on such a picture. */
export function isEmpty({ data, width }: RgbPicture, region: Region): boolean {
  const first = (region.top * width + region.left) * CHANNELS;
  for (let y = region.top; y < region.top + region.height; y++) {
    const row = (y * width + region.left) * CHANNELS;
    for (let i = 0; i < region.width * CHANNELS; i++)
      if (data[row + i] !== data[first + (i % CHANNELS)]) return false;
  }
  return true;
}
