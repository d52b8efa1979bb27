// Contact sheets: a file with many pictures of one size, edge to edge.
import { CHANNELS, type RgbPicture } from './cut-crop.js';
import type { PictureFile } from './picture-files.js';

/** A part of a picture, pixels. */
export interface Region {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Places on a sheet; what is left at its right and lower edge is no place. */
export function tilesOf({ width, height }: Pick<PictureFile, 'width' | 'height'>, tile: number): number {
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
