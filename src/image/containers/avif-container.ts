// How an AVIF file codes its pixels: the boxes that lead to its picture (ISO/IEC 14496-12 and 23008-12) and the first bits of
// its AV1 frame (AV1 specification, 5.5 to 5.9). sharp reads and writes the metadata.
import { addPart, type Chunk, ifInside, type Trait } from './parts.js';

export interface AvifContainer {
  readonly format: 'avif';
  readonly isLossless: boolean;
  /** 1-100 for a lossy file, by its quantiser; 90 if that cannot be read. */
  readonly quality: number;
  readonly chromaSubsampling: '4:4:4' | '4:2:2' | '4:2:0' | 'none';
  readonly bitDepth: 8 | 10 | 12;
  /** Colours that we cannot decode: primaries and transfer by number (ITU-T H.273), if no profile overrides them. */
  readonly unreadable: string | undefined;
  readonly traits: readonly Trait[];
}

const FALLBACK_QUALITY = 90;
/** Primaries and transfers that programs treat as sRGB: its own, unspecified, BT.601 and BT.709. */
const usualPrimaries = [1, 2];
const usualTransfers = [1, 2, 6, 13];

/** Reads what it can of a damaged file. @throws TooManyParts */
export function readAvifContainer(bytes: Buffer): AvifContainer {
  const meta = find(boxesOf(bytes), 'meta').subarray(4);
  const boxes = boxesOf(meta);
  const main = ifInside(() => mainItem(find(boxes, 'pitm')));
  const properties = propertiesOf(boxesOf(find(boxes, 'iprp')), main);
  const flags = find(properties, 'av1C')[2] ?? 0;
  const data = ifInside(() => itemData(bytes, find(boxes, 'iloc'), main));
  const coding = data && av1Coding(data);
  const isLossless = coding?.quantiser === 0 && coding.isRgb;
  const quality = coding === undefined ? FALLBACK_QUALITY : avifQuality(coding.quantiser);
  const chromaSubsampling = samplingOf(flags);
  return {
    format: 'avif',
    isLossless,
    quality,
    chromaSubsampling,
    bitDepth: (flags & 0x40) === 0 ? 8 : (flags & 0x20) === 0 ? 10 : 12,
    unreadable: foreignColours(properties),
    traits: [
      ['compression', isLossless ? 'lossless' : `lossy, quality about ${quality}`],
      ['chroma sampling', chromaSubsampling],
    ],
  };
}

function foreignColours(properties: readonly Chunk[]): string | undefined {
  const colours = properties.filter(({ type }) => type === 'colr').map(({ data }) => data);
  const points = colours.find((data) => data.toString('latin1', 0, 4) === 'nclx' && data.length >= 11);
  if (points === undefined || colours.length > 1) return undefined;
  const [primaries, transfer] = [points.readUInt16BE(4), points.readUInt16BE(6)];
  const isUsual = usualPrimaries.includes(primaries) && usualTransfers.includes(transfer);
  return isUsual ? undefined : `in the colours ${primaries}/${transfer} of H.273, as HDR has them`;
}

function samplingOf(flags: number): AvifContainer['chromaSubsampling'] {
  if ((flags & 0x10) !== 0) return 'none';
  if ((flags & 0x08) === 0) return '4:4:4';
  return (flags & 0x04) === 0 ? '4:2:2' : '4:2:0';
}

/** @throws RangeError */
function mainItem(data: Buffer): number {
  return data[0] === 0 ? data.readUInt16BE(4) : data.readUInt32BE(4);
}

/** The properties of an item; all, if the file does not tell which these are. */
function propertiesOf(boxes: readonly Chunk[], item: number | undefined): Chunk[] {
  const all = boxesOf(find(boxes, 'ipco'));
  const links = find(boxes, 'ipma');
  const own = ifInside(() => {
    const isLong = ((links[3] ?? 0) & 1) === 1;
    const next = numbersOf(links);
    for (let items = next(4); items > 0; items--) {
      const id = next((links[0] ?? 0) > 0 ? 4 : 2);
      const indices = Array.from({ length: next(1) }, () => (isLong ? next(2) & 0x7fff : next(1) & 0x7f));
      if (id === item) return indices.flatMap((index) => all[index - 1] ?? []);
    }
    return undefined;
  });
  return own ?? all;
}

/** An item's coded bytes, if they are in one piece. @throws RangeError */
function itemData(file: Buffer, locations: Buffer, item: number | undefined): Buffer | undefined {
  const version = locations[0] ?? 0;
  const next = numbersOf(locations);
  const [sizes, more] = [next(1), next(1)];
  const [offsetSize, lengthSize, baseSize] = [sizes >> 4, sizes & 15, more >> 4];
  const indexSize = version === 0 ? 0 : more & 15;
  for (let items = next(version < 2 ? 2 : 4); items > 0; items--) {
    const id = next(version < 2 ? 2 : 4);
    if (version > 0) next(2);
    next(2);
    const base = next(baseSize);
    const extents = next(2);
    if (id !== item || extents === 0) {
      next(extents * (indexSize + offsetSize + lengthSize));
      continue;
    }
    next(indexSize);
    const offset = base + next(offsetSize);
    return file.subarray(offset, offset + next(lengthSize));
  }
  return undefined;
}

/** Reads the numbers of a box one by one, after its version and flags. Of a long number, returns the last 6 bytes. */
function numbersOf(data: Buffer): (size: number) => number {
  let at = 4;
  return (size) => {
    const value = size === 0 ? 0 : data.readUIntBE(at + Math.max(0, size - 6), Math.min(size, 6));
    at += size;
    return value;
  };
}

/** The content of the first box of this type; empty if there is none. */
function find(boxes: readonly Chunk[], wanted: string): Buffer {
  return boxes.find(({ type }) => type === wanted)?.data ?? Buffer.alloc(0);
}

/** @throws TooManyParts */
function boxesOf(bytes: Buffer): Chunk[] {
  const boxes: Chunk[] = [];
  for (let at = 0; at + 8 <= bytes.length; ) {
    const length = bytes.readUInt32BE(at) || bytes.length - at;
    if (length < 8 || at + length > bytes.length) break;
    const box = { type: bytes.toString('latin1', at + 4, at + 8), data: bytes.subarray(at + 8, at + length) };
    addPart(boxes, box, 'boxes');
    at += length;
  }
  return boxes;
}

const [SEQUENCE_HEADER, FRAME_HEADER, FRAME] = [1, 3, 6];

/** Measured: the quantisers that sharp's encoder chooses for these qualities; they depend on the quality only. */
const quantisers = [0, 8, 12, 24, 48, 68, 88, 108, 132, 148, 168, 184, 200, 212, 228, 240, 255];
const qualities = [100, 98, 96, 92, 85, 78, 71, 64, 57, 50, 43, 36, 29, 22, 15, 8, 1];

/** @param quantiser  base_q_idx, 0 (finest) to 255 */
function avifQuality(quantiser: number): number {
  const next = quantisers.findIndex((measured) => measured >= quantiser);
  if (next <= 0) return 100;
  const [from = 0, to = 255] = quantisers.slice(next - 1);
  const [high = 100, low = 1] = qualities.slice(next - 1);
  return Math.round(high + ((quantiser - from) / (to - from)) * (low - high));
}

/**
 * How a still picture is coded: base_q_idx, 0 (finest) to 255, and whether as red, green and blue. Undefined if the data cannot
 * be read, or use features that picture writers do not use.
 *
 * @param data  an item of type av01: open bitstream units
 */
function av1Coding(data: Buffer): { quantiser: number; isRgb: boolean } | undefined {
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

type Sequence = NonNullable<ReturnType<typeof readSequence>>;
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
function readSequence(bits: Bits) {
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
