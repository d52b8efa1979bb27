// Where the tiles of a picture lie: numbers only, no samples. Reading a tile is extract.ts, how its pixels
// count is window.ts.
import { FlowDenoiseError } from '../core/errors.js';

export interface TileOptions {
  /** The picture's size in pixels, at least 1 x 1. */
  readonly width: number;
  readonly height: number;
  /** The longest side of a tile in pixels, at least `multiple`; rounded down to a multiple of it. */
  readonly tileSize: number;
  /** The fewest pixels that neighbours share; rounded up to `multiple` it must be less than the tile. */
  readonly overlap: number;
  /** The squeeze factor of the prior, 2^levels: sides and starts of tiles are multiples of it. */
  readonly multiple: number;
}

export interface Tile {
  readonly column: number;
  readonly row: number;
  /** The left and top pixel, in the padded picture. */
  readonly x: number;
  readonly y: number;
}

export interface TilePlan {
  readonly width: number;
  readonly height: number;
  /** The picture's size reflected up to a multiple of the squeeze factor (to the right and downwards). */
  readonly paddedWidth: number;
  readonly paddedHeight: number;
  /** All tiles have this one shape. */
  readonly tileWidth: number;
  readonly tileHeight: number;
  readonly overlap: number;
  /** The starts of the columns and of the rows, rising. */
  readonly xs: readonly number[];
  readonly ys: readonly number[];
  /** Row by row from the top, so that the picture's rows finish in order. */
  readonly tiles: readonly Tile[];
}

/**
 * Covers a picture with as few tiles of at most `tileSize` as `overlap` allows, then shrinks the tiles as far
 * as that number still covers it: 488 pixels at tileSize 256 and overlap 32 are 3 tiles of 184, not of 256.
 * A picture smaller than a tile is one tile of the padded size.
 *
 * @throws FlowDenoiseError BAD_OPTION
 */
export function planTiles(options: TileOptions): TilePlan {
  const { width, height, tileSize, overlap, multiple } = options;
  expectInteger('width', width, 1, 'an integer of at least 1');
  expectInteger('height', height, 1, 'an integer of at least 1');
  expectInteger('multiple', multiple, 1, 'an integer of at least 1');
  expectInteger('tileSize', tileSize, multiple, `an integer of at least ${multiple} (the squeeze factor)`);
  // Starts lie on multiples: an overlap that leaves no whole multiple to advance by would never get on.
  const most = (Math.floor(tileSize / multiple) - 1) * multiple;
  expectInteger('overlap', overlap, 0, `an integer from 0 to ${most}`, most);

  const horizontal = planAxis(width, tileSize, overlap, multiple);
  const vertical = planAxis(height, tileSize, overlap, multiple);
  return {
    width,
    height,
    paddedWidth: horizontal.padded,
    paddedHeight: vertical.padded,
    tileWidth: horizontal.tileLength,
    tileHeight: vertical.tileLength,
    overlap,
    xs: horizontal.starts,
    ys: vertical.starts,
    tiles: vertical.starts.flatMap((y, row) => horizontal.starts.map((x, column) => ({ column, row, x, y }))),
  };
}

interface AxisPlan {
  readonly padded: number;
  readonly tileLength: number;
  readonly starts: readonly number[];
}

/** One axis. Inside, all lengths are counted in multiples, which puts every start on one. */
function planAxis(length: number, tileSize: number, overlap: number, multiple: number): AxisPlan {
  const padded = Math.ceil(length / multiple);
  const longest = Math.floor(tileSize / multiple);
  const shared = Math.ceil(overlap / multiple);
  const count = padded <= longest ? 1 : 1 + Math.ceil((padded - longest) / (longest - shared));
  // The smallest t with t + (count - 1) (t - shared) >= padded.
  const tileLength = Math.ceil((padded + (count - 1) * shared) / count);
  // Even spreading: two gaps differ by one multiple at most, and none exceeds t - shared.
  const slack = padded - tileLength;
  const starts = Array.from(
    { length: count },
    (_, i) => multiple * Math.floor((i * slack) / Math.max(1, count - 1)),
  );
  return { padded: padded * multiple, tileLength: tileLength * multiple, starts };
}

/** At most `most` of the plan's tiles, about as far from each other across as down. */
export function spreadTiles({ xs, ys, tiles }: TilePlan, most: number): readonly Tile[] {
  const across = Math.min(xs.length, Math.max(1, Math.round(Math.sqrt((most * xs.length) / ys.length))));
  const columns = evenly(xs.length, Math.min(across, most));
  const rows = evenly(ys.length, Math.max(1, Math.floor(most / columns.length)));
  return tiles.filter(({ column, row }) => columns.includes(column) && rows.includes(row));
}

/** At most `most` of 0 ... count - 1, in the middles of as many equal parts. */
function evenly(count: number, most: number): number[] {
  const taken = Math.min(count, most);
  return Array.from({ length: taken }, (_, i) => Math.floor(((i + 0.5) * count) / taken));
}

function expectInteger(name: string, value: number, least: number, expected: string, most = Infinity): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return;
  throw new FlowDenoiseError(
    'BAD_OPTION',
    `Expected ${expected} for ${name} but received ${value} of type ${typeof value}`,
  );
}
