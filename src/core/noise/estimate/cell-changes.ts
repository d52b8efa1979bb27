// How the samples of a picture change from pixel to pixel, in cells of 16x16 on an even grid: how often neighbours are
// equal, how often they would be if the cell's pixels were shuffled, and how often a change is taken back at once.
import { setImmediate } from 'node:timers/promises';
import { coloursOf, type NoisyPicture, scaleOf } from '../noisy-picture.js';

/** Two MCUs of a JPEG with subsampled chroma never share a cell: what it does around an edge stays in the edge's cell. */
const SIDE = 16;
const AREA = SIDE * SIDE;
/** Cells to read at most; larger pictures cost no more. */
const MAX_CELLS = 256;
/** Cells between two turns of the event loop: a few milliseconds. */
const CHUNK = 64;
/** Cells with fewer pixels that count say nothing. */
const LEAST_PIXELS = 16;
/** Colours are counted up to this many. */
const MAX_COLOURS = 256;

export interface CellChanges {
  /** Pairs of pixels beside or below each other. */
  readonly pairs: number;
  /** Pairs that differ in a channel. */
  readonly unequal: number;
  /** Pairs that would differ if the cell's pixels were shuffled. */
  readonly unequalByChance: number;
  /** Changes along rows and columns that take back at least a part of the change before, both at most `RIPPLE`; mean of the channels. */
  readonly ripples: number;
  /** The largest difference in a pair, 8-bit units. */
  readonly largest: number;
  /** The smallest range of samples in a 4x4 part of the cell, 8-bit units; Infinity where there is none. */
  readonly calmest: number;
}

export interface PictureChanges {
  readonly cells: readonly CellChanges[];
  /** Pixels that were read, without those of alpha 0. */
  readonly pixels: number;
  /** Distinct colours among them, at most 257. */
  readonly colours: number;
  /** The smallest difference in a pair that differs, 8-bit units; Infinity where none does. */
  readonly leastStep: number;
}

/** A change of at most this many 8-bit units that is taken back is a ripple. */
export const RIPPLE = 16;

interface Cell {
  readonly planes: readonly Float64Array[];
  readonly isShown: Uint8Array;
  readonly ids: Int32Array;
  width: number;
  height: number;
}

/** Places of cells along a side, all of them or evenly spread ones. */
function places(length: number, count: number): number[] {
  const all = Math.ceil(length / SIDE);
  if (count >= all) return Array.from({ length: all }, (_, i) => i * SIDE);
  return Array.from({ length: count }, (_, i) => SIDE * Math.floor(((i + 0.5) * all) / count));
}

function chooseCells(width: number, height: number): { xs: number[]; ys: number[] } {
  const [across, down] = [Math.ceil(width / SIDE), Math.ceil(height / SIDE)];
  const share = Math.min(1, Math.sqrt(MAX_CELLS / (across * down)));
  const fewDown = Math.max(1, Math.floor(down * share));
  const fewAcross = Math.min(across, Math.floor(MAX_CELLS / fewDown));
  return {
    xs: places(width, fewAcross),
    ys: places(height, Math.min(down, Math.floor(MAX_CELLS / fewAcross))),
  };
}

/** The pixels at (x, y) to the cell; how many of them count: not those of alpha 0, nor those with a sample that is not finite. */
function readCell(picture: NoisyPicture, scale: number, x: number, y: number, cell: Cell): number {
  const { data, width, height, channels } = picture;
  const alpha = channels % 2 === 0 ? channels - 1 : undefined;
  cell.width = Math.min(SIDE, width - x);
  cell.height = Math.min(SIDE, height - y);
  let count = 0;
  for (let row = 0; row < cell.height; row++) {
    let at = ((y + row) * width + x) * channels;
    let to = row * SIDE;
    for (const end = to + cell.width; to < end; to++, at += channels) {
      let sum = 0;
      let id = 0;
      for (let p = 0; p < cell.planes.length; p++) {
        const value = scale * (data[at + p] as number);
        (cell.planes[p] as Float64Array)[to] = value;
        sum += value;
        // 257 makes integers of 16-bit samples; the odd factor spreads them over 32 bits.
        id = Math.imul(id ^ Math.round(257 * value), 0x9e3779b1) ^ (id >>> 15);
      }
      const isShown = Number.isFinite(sum) && (alpha === undefined || (data[at + alpha] as number) > 0);
      cell.isShown[to] = isShown ? 1 : 0;
      cell.ids[to] = id;
      if (isShown) count += 1;
    }
  }
  return count;
}

/** Colours of one cell and how many pixels have each: a hash table, open, of twice the places that a cell can fill. */
interface ColourTable {
  readonly ids: Int32Array;
  readonly counts: Uint16Array;
}
const TABLE = 2 * AREA;

/** Of all pairs of a cell's pixels, the share of different colour. Leaves the cell's colours in the table. */
function differingShare({ ids, isShown, width, height }: Cell, count: number, table: ColourTable): number {
  const { counts } = table;
  counts.fill(0);
  let equal = 0;
  for (let row = 0; row < height; row++)
    for (let i = row * SIDE; i < row * SIDE + width; i++) {
      if (!isShown[i]) continue;
      const id = ids[i] as number;
      let at = (id ^ (id >>> 9) ^ (id >>> 18)) & (TABLE - 1);
      while (counts[at] !== 0 && table.ids[at] !== id) at = (at + 1) & (TABLE - 1);
      const before = counts[at] as number;
      equal += before;
      table.ids[at] = id;
      counts[at] = before + 1;
    }
  return 1 - equal / Math.max(1, (count * (count - 1)) / 2);
}

type Tally = { -readonly [K in keyof CellChanges]: CellChanges[K] } & { leastStep: number };

/** Pairs `step` apart, along `lines` lines of `length` pixels that begin `next` apart. */
function addPairs(cell: Cell, lines: number, next: number, length: number, step: number, tally: Tally): void {
  const { planes, isShown } = cell;
  for (let line = 0; line < lines; line++)
    for (let n = 1, i = line * next; n < length; n++, i += step) {
      if (!(isShown[i] && isShown[i + step])) continue;
      let difference = 0;
      for (let p = 0; p < planes.length; p++) {
        const plane = planes[p] as Float64Array;
        const change = Math.abs((plane[i + step] as number) - (plane[i] as number));
        if (change > difference) difference = change;
      }
      tally.pairs += 1;
      if (difference === 0) continue;
      tally.unequal += 1;
      if (difference > tally.largest) tally.largest = difference;
      if (difference < tally.leastStep) tally.leastStep = difference;
    }
}

/** Ripples in one channel, along lines as in `addPairs`. */
function countRipples(
  plane: Float64Array,
  isShown: Uint8Array,
  lines: number,
  next: number,
  length: number,
  step: number,
): number {
  let ripples = 0;
  for (let line = 0; line < lines; line++) {
    let last = 0;
    for (let n = 1, i = line * next; n < length; n++, i += step) {
      if (!(isShown[i] && isShown[i + step])) {
        last = 0;
        continue;
      }
      const change = (plane[i + step] as number) - (plane[i] as number);
      if (change === 0) continue;
      if (last * change < 0 && Math.min(Math.abs(last), Math.abs(change)) <= RIPPLE) ripples += 1;
      last = change;
    }
  }
  return ripples;
}

/** The largest range of a channel in the 4x4 part that begins at `start`; Infinity where a pixel does not count. */
function rangeOfPart({ planes, isShown }: Cell, start: number): number {
  let range = 0;
  for (let p = 0; p < planes.length; p++) {
    const plane = planes[p] as Float64Array;
    let low = plane[start] as number;
    let high = low;
    for (let k = 0; k < 16; k++) {
      const i = start + (k >> 2) * SIDE + (k & 3);
      if (!isShown[i]) return Number.POSITIVE_INFINITY;
      const value = plane[i] as number;
      if (value < low) low = value;
      else if (value > high) high = value;
    }
    range = Math.max(range, high - low);
  }
  return range;
}

function calmestPart(cell: Cell): number {
  let calmest = Number.POSITIVE_INFINITY;
  for (let y = 0; y + 4 <= cell.height; y += 4)
    for (let x = 0; x + 4 <= cell.width; x += 4) calmest = Math.min(calmest, rangeOfPart(cell, y * SIDE + x));
  return calmest;
}

/**
 * The changes in at most 256 cells, the same ones for every picture of a size.
 *
 * @param picture  any size; pixels of alpha 0 do not count
 * @returns        gives way to the event loop every few milliseconds
 */
export async function measureChanges(picture: NoisyPicture): Promise<PictureChanges> {
  const { xs, ys } = chooseCells(picture.width, picture.height);
  const scale = scaleOf(picture);
  const cell: Cell = {
    planes: Array.from({ length: coloursOf(picture) }, () => new Float64Array(AREA)),
    isShown: new Uint8Array(AREA),
    ids: new Int32Array(AREA),
    width: 0,
    height: 0,
  };
  const table: ColourTable = { ids: new Int32Array(TABLE), counts: new Uint16Array(TABLE) };
  const colours = new Set<number>();
  const cells: CellChanges[] = [];
  let [pixels, leastStep, seen] = [0, Number.POSITIVE_INFINITY, 0];
  for (const y of ys)
    for (const x of xs) {
      if (++seen % CHUNK === 0) await setImmediate();
      const count = readCell(picture, scale, x, y, cell);
      if (count === 0) continue;
      pixels += count;
      const share = differingShare(cell, count, table);
      for (let i = 0; i < TABLE && colours.size <= MAX_COLOURS; i++)
        if (table.counts[i]) colours.add(table.ids[i] as number);
      if (count < LEAST_PIXELS) continue;
      const tally: Tally = {
        pairs: 0,
        unequal: 0,
        unequalByChance: 0,
        ripples: 0,
        largest: 0,
        calmest: 0,
        leastStep,
      };
      addPairs(cell, cell.height, SIDE, cell.width, 1, tally);
      addPairs(cell, cell.width, 1, cell.height, SIDE, tally);
      leastStep = tally.leastStep;
      tally.unequalByChance = tally.pairs * share;
      if (tally.unequal > 0) {
        for (const plane of cell.planes)
          tally.ripples +=
            (countRipples(plane, cell.isShown, cell.height, SIDE, cell.width, 1) +
              countRipples(plane, cell.isShown, cell.width, 1, cell.height, SIDE)) /
            cell.planes.length;
        tally.calmest = calmestPart(cell);
      }
      cells.push(tally);
    }
  return { cells, pixels, colours: colours.size, leastStep };
}
