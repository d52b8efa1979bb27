// Whether a picture proves by itself that it is drawn: text, screenshots, codes, line art, plots, icons, gradients, scans of 1
// bit. Drawing repeats colours exactly and changes in steps; noise leaves no two neighbours equal for long and takes back what
// it has just changed. Not a test for clean photographs.
import { sum } from '../../metrics/index.js';
import type { Picture } from '../../picture.js';
import { type CellChanges, measureChanges, type PictureChanges, RIPPLE } from './cell-changes.js';

/**
 * Chosen on drawn graphics (seeds 1 to 10, bench/noise/synthetic.ts) and on six photographs of BSDS500's training part with
 * noise of many kinds (about 1800 pictures); tried on other seeds, on CBSD68 and on cameras' pictures.
 */
const LIMITS = {
  /** Fewer pixels prove nothing. */
  pixels: 36,
  /**
   * Changed neighbours over those by chance, up to which colours repeat as drawn ones do. Drawn: at most 0.75, where they
   * have more than two colours. Noisy: at least 0.79; 0.65 through JPEG of quality 50, and 0.58 beside graphics.
   */
  repeats: 0.77,
  /** Ripples over changed neighbours. Drawn: mostly at most 0.21. Noisy, if `repeats` holds: 0.25, and 0.19 beside graphics. */
  ripples: 0.22,
  /** Next to no ripples, as in steep gradients, allow fewer repetitions. Drawn: 0.01 there. Noisy: at least 0.13. */
  smoothRipples: 0.03,
  smoothRepeats: 0.95,
  /** The share of cells with `rippled` ripples a pair and no even part. Drawn: at most 0.08. A noisy photograph in a tenth: 0.085. */
  noisyCells: 0.07,
  rippled: 0.1,
  /** With few cells one that is drawn finely is a large share; noise fails `repeats` there. */
  fewCells: 9,
  /** Where all steps are larger than a ripple (few colours): drawn at most 0.48, photographs in 16 greys at least 0.64. */
  wideRepeats: 0.6,
  /** More changes than by chance: a regular pattern. Noise has at most 1.02. */
  pattern: 1.15,
} as const;

/**
 * For edges with a little ringing, as after resizing or a JPEG of high quality: exactly even cells beside cells with an edge
 * (8-bit units), next to nothing between. Chosen on the same pictures. A noisy photograph in a tenth of a screenshot comes
 * closest, with 0.07 of the cells noisy, then over-exposed photographs, with 0.1.
 */
const RINGING = {
  edge: 48,
  even: 0.15,
  repeats: 0.93,
  /** Of all cells, and of those that are not even: a page may be nearly empty. */
  noisyCells: 0.04,
  noisyOfUneven: 0.1,
  /** Of the cells without an edge. */
  rippledCells: 0.05,
  /** 8-bit units: JPEG leaves a part of 4x4 pixels this calm beside a drawn edge. */
  calm: 8,
} as const;

/** Ripples per pair of pixels from which a cell may be noisy. White noise has 0.15 to 0.6, JPEG of quality 50 leaves 0.1 to 0.3. */
const RIPPLED = 0.06;

const isRippled = ({ ripples, pairs }: CellChanges, from = RIPPLED) => ripples > from * pairs;

const share = (cells: readonly CellChanges[], is: (cell: CellChanges) => boolean) =>
  cells.filter(is).length / Math.max(1, cells.length);

/** Flat areas and edges with no more around them than resizing and JPEG leave. */
function hasCleanEdges(cells: readonly CellChanges[], repeats: number): boolean {
  const even = share(cells, (cell) => cell.unequal === 0);
  if (even < RINGING.even || repeats > RINGING.repeats) return false;
  const noisy = share(cells, (cell) => isRippled(cell) && cell.calmest > RINGING.calm);
  const withoutEdge = cells.filter((cell) => cell.largest < RINGING.edge);
  return (
    noisy <= Math.min(RINGING.noisyCells, RINGING.noisyOfUneven * (1 - even)) &&
    share(withoutEdge, (cell) => isRippled(cell)) <= RINGING.rippledCells
  );
}

/**
 * Whether the picture's samples prove that it was drawn or rendered and nothing noisy happened to it since.
 *
 * @param picture  any size, 8 or 16 bits or floats; pixels of alpha 0 do not count. At most 256 cells of 16x16 are read
 * @returns        why it looks drawn, for reports; undefined proves nothing
 */
export async function findSynthetic(picture: Picture): Promise<string | undefined> {
  const proof = proofIn(await measureChanges(picture));
  return proof && `looks drawn: ${proof}`;
}

function proofIn({ cells, pixels, colours }: PictureChanges): string | undefined {
  const leastStep = Math.min(...cells.map(({ least }) => least));
  if (pixels === 0) return 'no pixel can be seen';
  if (colours === 1) return 'has one colour only';
  if (colours === 2 && leastStep > RIPPLE) return 'has two colours only';
  if (pixels < LIMITS.pixels) return undefined;
  const total = (count: keyof CellChanges) => sum(cells.map((cell) => cell[count]));
  const [pairs, unequal] = [total('pairs'), total('unequal')];
  /** 1 where pixels lie as if shuffled. */
  const repeats = unequal / Math.max(1e-9, total('unequalByChance'));
  const ripples = total('ripples') / Math.max(1, unequal);
  if (leastStep > RIPPLE) {
    if (repeats > LIMITS.wideRepeats && repeats < LIMITS.pattern) return undefined;
    return `has ${colours > 256 ? 'few' : colours} colours, which change in steps`;
  }
  if (repeats <= LIMITS.smoothRepeats && ripples <= LIMITS.smoothRipples)
    return 'colours change slowly or at once, without ripples';
  const noisy = share(cells, (cell) => isRippled(cell, LIMITS.rippled) && cell.calmest > 0);
  const equal = `${Math.round(100 * (1 - unequal / Math.max(1, pairs)))}% of neighbours are equal`;
  const isFewNoisy = cells.length < LIMITS.fewCells || noisy <= LIMITS.noisyCells;
  if (repeats <= LIMITS.repeats && ripples <= LIMITS.ripples && isFewNoisy)
    return `colours repeat exactly and change without ripples (${equal})`;
  if (hasCleanEdges(cells, repeats)) return `areas are exactly even up to the edges (${equal})`;
  return undefined;
}
