// The quality that an AVIF was written at, from the quantiser in its AV1 frame header (AV1 specification, 5.5 to 5.9): the
// inverse of sharp's mapping from quality to quantiser.

const [SEQUENCE_HEADER, FRAME_HEADER, FRAME] = [1, 3, 6];

/** Measured: the quantisers that sharp's encoder chooses for these qualities; they depend on the quality only. */
const quantisers = [0, 8, 12, 24, 48, 68, 88, 108, 132, 148, 168, 184, 200, 212, 228, 240, 255];
const qualities = [100, 98, 96, 92, 85, 78, 71, 64, 57, 50, 43, 36, 29, 22, 15, 8, 1];

/** @param quantiser  base_q_idx, 0 (finest) to 255 */
export function avifQuality(quantiser: number): number {
  const next = quantisers.findIndex((measured) => measured >= quantiser);
  if (next <= 0) return 100;
  const [from = 0, to = 255] = quantisers.slice(next - 1);
  const [high = 100, low = 1] = qualities.slice(next - 1);
  return Math.round(high + ((quantiser - from) / (to - from)) * (low - high));
}

/**
 * How a still picture is coded; undefined if the data cannot be read, or use features that picture writers do not use.
 *
 * @param data  an item of type av01: open bitstream units
 * @returns     quantiser: base_q_idx, 0 (finest) to 255; isRgb: whether it codes red, green and blue, not brightness and
 *              differences
 */
export function av1Coding(data: Buffer): { quantiser: number; isRgb: boolean } | undefined {
  let sequence: Sequence | undefined;
  for (let at = 0; at + 2 <= data.length; ) {
    const head = data[at] as number;
    const type = (head >> 3) & 15;
    let start = at + ((head & 4) === 0 ? 1 : 2);
    let length = 0;
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = data[start++] ?? 0;
      length += (byte & 127) << shift;
      if (byte < 128) break;
    }
    const unit = data.subarray(start, start + length);
    if (type === SEQUENCE_HEADER) sequence = readSequence(bitsOf(unit));
    if (sequence && (type === FRAME || type === FRAME_HEADER)) {
      const quantiser = readQuantiser(bitsOf(unit), sequence);
      return quantiser === undefined ? undefined : { quantiser, isRgb: sequence.isRgb };
    }
    at = start + length;
  }
  return undefined;
}

interface Sequence {
  readonly width: number;
  readonly height: number;
  readonly hasLargeBlocks: boolean;
  readonly hasSuperResolution: boolean;
  readonly isRgb: boolean;
}

type Bits = (count: number) => number;

function bitsOf(bytes: Buffer): Bits {
  let at = 0;
  return (count) => {
    let value = 0;
    for (let i = 0; i < count; i++, at++) value = value * 2 + (((bytes[at >> 3] ?? 0) >> (7 - (at & 7))) & 1);
    return value;
  };
}

/** For a still picture with the short header that all writers use. */
function readSequence(bits: Bits): Sequence | undefined {
  const profile = bits(3);
  bits(1); // still_picture
  const isReduced = bits(1) === 1;
  if (!isReduced) return undefined;
  bits(5); // level
  const [widthBits, heightBits] = [bits(4) + 1, bits(4) + 1];
  const [width, height] = [bits(widthBits) + 1, bits(heightBits) + 1];
  const hasLargeBlocks = bits(1) === 1;
  bits(2); // filters
  const hasSuperResolution = bits(1) === 1;
  bits(2); // more filters
  const isDeep = bits(1) === 1;
  if (profile === 2 && isDeep) bits(1); // twelve_bit
  const isGrey = profile !== 1 && bits(1) === 1;
  const isDescribed = bits(1) === 1;
  if (isDescribed) bits(8 + 8); // primaries, transfer
  const isRgb = isDescribed && !isGrey && bits(8) === 0;
  return { width, height, hasLargeBlocks, hasSuperResolution, isRgb };
}

/** Undefined for a scaled picture, and for tiles of different sizes. */
function readQuantiser(bits: Bits, sequence: Sequence): number | undefined {
  bits(1); // disable_cdf_update
  const isScreen = bits(1) === 1;
  if (isScreen) bits(1); // force_integer_mv
  const isScaled = sequence.hasSuperResolution && bits(1) === 1;
  if (isScaled) return undefined;
  if (bits(1) === 1) bits(32); // render size
  if (isScreen) bits(1); // allow_intrabc
  const isUniform = bits(1) === 1;
  if (!isUniform) return undefined;
  skipTiles(bits, sequence);
  return bits(8);
}

/** The rest of tile_info, 5.9.15. */
function skipTiles(bits: Bits, { width, height, hasLargeBlocks }: Sequence): void {
  const [block, shift] = hasLargeBlocks ? [128, 7] : [64, 6];
  const [columns, rows] = [Math.ceil(width / block), Math.ceil(height / block)];
  const [widest, largest] = [4096 >> shift, (4096 * 2304) >> (2 * shift)];
  let columnsLog2 = log2(widest, columns);
  const leastTiles = Math.max(columnsLog2, log2(largest, rows * columns));
  const mostColumns = log2(1, Math.min(columns, 64));
  const mostRows = log2(1, Math.min(rows, 64));
  while (columnsLog2 < mostColumns && bits(1) === 1) columnsLog2++;
  let rowsLog2 = Math.max(leastTiles - columnsLog2, 0);
  while (rowsLog2 < mostRows && bits(1) === 1) rowsLog2++;
  if (columnsLog2 + rowsLog2 > 0) bits(columnsLog2 + rowsLog2 + 2); // context_update_tile_id, bytes of a size
}

/** The least k for which size * 2^k reaches the target. */
function log2(size: number, target: number): number {
  let k = 0;
  while (size << k < target) k++;
  return k;
}
