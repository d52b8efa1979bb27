// Where a picture's tiles lie. extract.ts reads a tile; blend.ts weighs its pixels.
import { badOption } from '../core/errors.js';
import { evenly, type Size } from '../core/picture.js';

export type TileSize = number | 'auto';

/** The most pixels of a tile with 'auto', which memory limits: docs/architecture.md. */
const MOST_PIXELS = 320 * 320;

export interface TileOptions extends Size {
  /** The longest side of a tile in pixels, at least `multiple`; 'auto' takes the sides that compute the fewest pixels. */
  readonly tileSize: TileSize;
  /** The fewest pixels that neighbours share. Rounded up to `multiple`, it must be less than the tile. */
  readonly overlap: number;
  /** The prior's squeeze factor, 2^levels. Tiles start at multiples of it, and their sides are multiples. */
  readonly multiple: number;
}

export interface Tile {
  readonly column: number;
  readonly row: number;
  /** The left and top pixel, in the padded picture. */
  readonly x: number;
  readonly y: number;
}

export interface TilePlan extends Size {
  /** The picture's size, extended to a multiple of the squeeze factor by reflection at the right and the bottom. */
  readonly paddedWidth: number;
  readonly paddedHeight: number;
  /** All tiles have this shape. */
  readonly tileWidth: number;
  readonly tileHeight: number;
  readonly overlap: number;
  /** The starts of the columns and of the rows, ascending. */
  readonly xs: readonly number[];
  readonly ys: readonly number[];
  /** Row by row from the top, so that the picture's rows finish in order. */
  readonly tiles: readonly Tile[];
}

/** The options with a larger `tileSize` if the overlap would leave a tile nothing to advance by. */
export function withRoom<T extends Omit<TileOptions, 'width' | 'height'>>(options: T): T {
  const { tileSize, overlap, multiple } = options;
  if (tileSize === 'auto') return options;
  return { ...options, tileSize: Math.max(tileSize, multiple * (1 + Math.ceil(overlap / multiple))) };
}

/**
 * Covers a picture with as few tiles of at most `tileSize` as `overlap` allows ('auto': with as few pixels), then shrinks
 * the tiles while that number still covers it: 488 pixels at tileSize 256 and overlap 32 are 3 tiles of 184, not of 256.
 * A picture smaller than a tile is one tile of the padded size.
 *
 * @throws FlowDenoiseError BAD_OPTION
 */
export function planTiles({ width, height, tileSize, overlap, multiple }: TileOptions): TilePlan {
  expectInteger('width', width, 1);
  expectInteger('height', height, 1);
  expectInteger('multiple', multiple, 1);
  const longest = tileSize === 'auto' ? Math.sqrt(MOST_PIXELS) : tileSize;
  expectInteger('tileSize', longest, multiple);
  // Tiles start at multiples, so the overlap must leave at least one multiple to advance by.
  expectInteger('overlap', overlap, 0, (Math.floor(longest / multiple) - 1) * multiple);

  const shared = Math.ceil(overlap / multiple);
  const [across, down] = [Math.ceil(width / multiple), Math.ceil(height / multiple)];
  const [columns, rows] =
    tileSize === 'auto'
      ? fewestPixels(across, down, shared, MOST_PIXELS / multiple ** 2)
      : ([across, down].map((padded) => tilesOf(padded, Math.floor(tileSize / multiple), shared)) as Counts);
  const xs = startsOf(across, columns, shared).map((start) => multiple * start);
  const ys = startsOf(down, rows, shared).map((start) => multiple * start);
  return {
    width,
    height,
    paddedWidth: multiple * across,
    paddedHeight: multiple * down,
    tileWidth: multiple * lengthOf(across, columns, shared),
    tileHeight: multiple * lengthOf(down, rows, shared),
    overlap,
    xs,
    ys,
    tiles: ys.flatMap((y, row) => xs.map((x, column) => ({ column, row, x, y }))),
  };
}

function expectInteger(name: string, value: number, least: number, most = Infinity): void {
  if (Number.isSafeInteger(value) && value >= least && value <= most) return;
  const expected = most === Infinity ? `of at least ${least}` : `from ${least} to ${most}`;
  throw badOption(
    `Expected an integer ${expected} for ${name} but received ${value} of type ${typeof value}`,
  );
}

/** Columns and rows. */
type Counts = [number, number];

// Below, lengths are counted in multiples, so that every start is a multiple.

/** The fewest tiles of a length of at most `longest` that cover an axis. */
function tilesOf(padded: number, longest: number, shared: number): number {
  return padded <= longest ? 1 : 1 + Math.ceil((padded - longest) / (longest - shared));
}

/** The smallest t with t + (count - 1) (t - shared) >= padded. */
function lengthOf(padded: number, count: number, shared: number): number {
  return Math.ceil((padded + (count - 1) * shared) / count);
}

/** The numbers of columns and rows that compute the fewest pixels, with tiles of at most `most`; fewer columns if equal. */
function fewestPixels(across: number, down: number, shared: number, most: number): Counts {
  let [best, fewest]: [Counts, number] = [[1, 1], Infinity];
  for (let columns = 1; ; columns++) {
    const width = lengthOf(across, columns, shared);
    const highest = Math.floor(most / width);
    if (highest > shared) {
      const rows = tilesOf(down, highest, shared);
      const pixels = columns * width * rows * lengthOf(down, rows, shared);
      if (pixels < fewest) [best, fewest] = [[columns, rows], pixels];
    }
    // Narrower than high: the rest is worse.
    if (width <= Math.max(shared + 1, Math.sqrt(most) / 2)) return best;
  }
}

/** Spread evenly: two gaps differ by at most one multiple, and none exceeds the tile's length - shared. */
function startsOf(padded: number, count: number, shared: number): number[] {
  const slack = padded - lengthOf(padded, count, shared);
  return Array.from({ length: count }, (_, i) => Math.floor((i * slack) / Math.max(1, count - 1)));
}

/** At most `most` of the plan's tiles, spread evenly over the picture. */
export function spreadTiles({ xs, ys, tiles }: TilePlan, most: number): readonly Tile[] {
  const across = Math.min(xs.length, Math.max(1, Math.round(Math.sqrt((most * xs.length) / ys.length))));
  const columns = evenly(xs.length, Math.min(across, most));
  const rows = evenly(ys.length, Math.max(1, Math.floor(most / columns.length)));
  return tiles.filter(({ column, row }) => columns.includes(column) && rows.includes(row));
}
