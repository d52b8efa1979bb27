// Chooses the region of a picture to show in detail, by small copies of the picture before and after.
import type { Region, Size } from '../../core/picture.js';
import type { Raw } from './display-image.js';

const BLOCK = 8;

/**
 * The region with the most structure left and the most noise removed, each relative to its mean, so that both count.
 *
 * @param size  the region's, in pixels of the full picture
 */
export function detailRegion(before: Raw, after: Raw, full: Size, size: Size): Region {
  const width = Math.min(size.width, full.width);
  const height = Math.min(size.height, full.height);
  const columns = Math.max(1, Math.floor(after.width / BLOCK));
  const rows = Math.max(1, Math.floor(after.height / BLOCK));
  const scores = blockScores(before, after, columns, rows);
  const scale = full.width / after.width;
  const across = Math.min(columns, Math.max(1, Math.round(width / scale / BLOCK)));
  const down = Math.min(rows, Math.max(1, Math.round(height / scale / BLOCK)));
  const step = Math.max(1, Math.floor(Math.min(across, down) / 8));
  let best = { score: Number.NEGATIVE_INFINITY, column: 0, row: 0 };
  for (let row = 0; row + down <= rows; row += step) {
    for (let column = 0; column + across <= columns; column += step) {
      let score = 0;
      for (let y = row; y < row + down; y++)
        for (let x = column; x < column + across; x++) score += scores[y * columns + x] ?? 0;
      if (score > best.score) best = { score, column, row };
    }
  }
  const place = (block: number, length: number, all: number): number =>
    Math.min(Math.round(block * BLOCK * scale), all - length);
  return {
    left: place(best.column, width, full.width),
    top: place(best.row, height, full.height),
    width,
    height,
  };
}

function blockScores(before: Raw, after: Raw, columns: number, rows: number): Float64Array {
  const structure = new Float64Array(columns * rows);
  const noise = new Float64Array(columns * rows);
  const { width, channels } = after;
  const line = width * channels;
  for (let y = 0; y < Math.min(rows * BLOCK, after.height) - 1; y++) {
    for (let x = 0; x < Math.min(columns * BLOCK, width) - 1; x++) {
      const i = y * line + x * channels;
      const here = after.data[i] ?? 0;
      const block = Math.floor(y / BLOCK) * columns + Math.floor(x / BLOCK);
      const slope =
        Math.abs(here - (after.data[i + channels] ?? 0)) + Math.abs(here - (after.data[i + line] ?? 0));
      structure[block] = (structure[block] ?? 0) + slope;
      noise[block] = (noise[block] ?? 0) + Math.abs(here - (before.data[i] ?? 0));
    }
  }
  const mean = (values: Float64Array): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length;
  const [meanStructure, meanNoise] = [mean(structure) || 1, mean(noise) || 1];
  return structure.map((value, i) => value / meanStructure + (noise[i] ?? 0) / meanNoise);
}
