// How the samples of a picture change from pixel to pixel, in cells of 16x16 on an even grid: how often neighbours are
// equal, how often they would be if the cell's pixels were shuffled, and how often a change is taken back at once.
import { setImmediate } from 'node:timers/promises';
import { colourChannels, evenly, type Picture, whiteLevel } from '../../picture.js';

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
  /** The largest difference in a pair, 8-bit units, and the smallest in one that differs; Infinity if none does. */
  readonly largest: number;
  readonly least: number;
  /** The smallest range of samples in a 4x4 part of the cell, 8-bit units; Infinity where there is none. */
  readonly calmest: number;
}

export interface PictureChanges {
  readonly cells: readonly CellChanges[];
  /** Pixels that were read, without those of alpha 0. */
  readonly pixels: number;
  /** Distinct colours among them, at most 257. */
  readonly colours: number;
}

/** A change of at most this many 8-bit units that is taken back is a ripple. */
export const RIPPLE = 16;

/** The cell that is read: samples in 8-bit units by channel, whether a pixel counts, and its colour as a number. */
interface Cell {
  readonly planes: readonly Float64Array[];
  readonly isShown: Uint8Array;
  readonly ids: Int32Array;
  width: number;
  height: number;
}

function chooseCells({ width, height }: Picture): { x: number; y: number }[] {
  const [across, down] = [Math.ceil(width / SIDE), Math.ceil(height / SIDE)];
  const share = Math.min(1, Math.sqrt(MAX_CELLS / (across * down)));
  const fewDown = Math.max(1, Math.floor(down * share));
  const fewAcross = Math.min(across, Math.floor(MAX_CELLS / fewDown));
  const columns = evenly(across, fewAcross);
  const rows = evenly(down, Math.floor(MAX_CELLS / fewAcross));
  return rows.flatMap((row) => columns.map((column) => ({ x: column * SIDE, y: row * SIDE })));
}

/** The pixels at (x, y) to the cell; how many of them count: not those of alpha 0, nor those with a sample that is not finite. */
function readCell(picture: Picture, x: number, y: number, cell: Cell): number {
  const { data, width, height, channels } = picture;
  const scale = 255 / whiteLevel(data);
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

/** The cell's colours, and how many pixels have each. */
function coloursIn({ ids, isShown, width, height }: Cell): Map<number, number> {
  const counts = new Map<number, number>();
  for (let row = 0; row < height; row++)
    for (let i = row * SIDE; i < row * SIDE + width; i++)
      if (isShown[i]) counts.set(ids[i] as number, (counts.get(ids[i] as number) ?? 0) + 1);
  return counts;
}

/** Of all pairs of a cell's pixels, the share of different colour. */
function differingShare(colours: ReadonlyMap<number, number>, pixels: number): number {
  let equal = 0;
  for (const count of colours.values()) equal += (count * (count - 1)) / 2;
  return 1 - equal / Math.max(1, (pixels * (pixels - 1)) / 2);
}

type Tally = { -readonly [K in keyof CellChanges]: CellChanges[K] };

/** Adds the pairs of neighbours in rows and in columns; to `ripples` by channel. */
function addPairs({ planes, isShown, width, height }: Cell, tally: Tally, ripples: Float64Array): void {
  const last = new Float64Array(planes.length);
  /** Along `lines` lines of `length` pixels `step` apart, which begin `next` apart. */
  const add = (lines: number, next: number, length: number, step: number): void => {
    for (let line = 0; line < lines; line++) {
      last.fill(0);
      for (let n = 1, i = line * next; n < length; n++, i += step) {
        if (!(isShown[i] && isShown[i + step])) {
          last.fill(0);
          continue;
        }
        let difference = 0;
        for (let p = 0; p < planes.length; p++) {
          const plane = planes[p] as Float64Array;
          const change = (plane[i + step] as number) - (plane[i] as number);
          if (change === 0) continue;
          const before = last[p] as number;
          if (before * change < 0 && Math.min(Math.abs(before), Math.abs(change)) <= RIPPLE)
            ripples[p] = (ripples[p] as number) + 1;
          last[p] = change;
          difference = Math.max(difference, Math.abs(change));
        }
        tally.pairs += 1;
        if (difference === 0) continue;
        tally.unequal += 1;
        tally.largest = Math.max(tally.largest, difference);
        tally.least = Math.min(tally.least, difference);
      }
    }
  };
  add(height, SIDE, width, 1);
  add(width, 1, height, SIDE);
}

/** The smallest range of samples, over the 4x4 parts whose pixels all count. */
function calmestPart({ planes, isShown, width, height }: Cell): number {
  let calmest = Number.POSITIVE_INFINITY;
  for (let y = 0; y + 4 <= height; y += 4)
    for (let x = 0; x + 4 <= width; x += 4) {
      const part = Array.from({ length: 16 }, (_, k) => (y + (k >> 2)) * SIDE + x + (k & 3));
      if (!part.every((i) => isShown[i])) continue;
      const ranges = planes.map((plane) => {
        const samples = part.map((i) => plane[i] as number);
        return Math.max(...samples) - Math.min(...samples);
      });
      calmest = Math.min(calmest, Math.max(...ranges));
    }
  return calmest;
}

/** The changes in at most 256 cells, the same ones for every picture of a size. Pixels of alpha 0 do not count. */
export async function measureChanges(picture: Picture): Promise<PictureChanges> {
  const channels = colourChannels(picture.channels);
  const cell: Cell = {
    planes: Array.from({ length: channels }, () => new Float64Array(AREA)),
    isShown: new Uint8Array(AREA),
    ids: new Int32Array(AREA),
    width: 0,
    height: 0,
  };
  const colours = new Set<number>();
  const cells: CellChanges[] = [];
  let pixels = 0;
  for (const [n, { x, y }] of chooseCells(picture).entries()) {
    if (n % CHUNK === CHUNK - 1) await setImmediate();
    const count = readCell(picture, x, y, cell);
    if (count === 0) continue;
    pixels += count;
    const own = coloursIn(cell);
    for (const colour of own.keys()) if (colours.size <= MAX_COLOURS) colours.add(colour);
    if (count < LEAST_PIXELS) continue;
    const none = { pairs: 0, unequal: 0, unequalByChance: 0, ripples: 0, largest: 0, calmest: 0 };
    const tally: Tally = { ...none, least: Number.POSITIVE_INFINITY };
    const ripples = new Float64Array(channels);
    addPairs(cell, tally, ripples);
    tally.unequalByChance = tally.pairs * differingShare(own, count);
    for (const each of ripples) tally.ripples += each / channels;
    if (tally.unequal > 0) tally.calmest = calmestPart(cell);
    cells.push(tally);
  }
  return { cells, pixels, colours: colours.size };
}
