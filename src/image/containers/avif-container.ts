// How an AVIF file codes its pixels: the boxes that lead to its picture (ISO/IEC 14496-12 and 23008-12) and the first bits of
// its AV1 frame. sharp reads and writes the metadata.
import { av1Coding, avifQuality } from './avif-quality.js';
import { ifInside, listed } from './parts.js';
import type { Trait } from './traits.js';

export interface AvifContainer {
  readonly format: 'avif';
  readonly isLossless: boolean;
  /** 1-100 for a lossy file, by its quantiser; 90 if that cannot be read. */
  readonly quality: number;
  readonly chromaSubsampling: '4:4:4' | '4:2:2' | '4:2:0' | 'none';
  readonly bitDepth: 8 | 10 | 12;
  /** Colours that we cannot decode: primaries and transfer by number (ITU-T H.273), if no profile overrides them. */
  readonly unreadable: string | undefined;
}

const FALLBACK_QUALITY = 90;
/** Primaries and transfers that programs treat as sRGB: its own, unspecified, BT.601 and BT.709. */
const usualPrimaries = [1, 2];
const usualTransfers = [1, 2, 6, 13];

interface Box {
  readonly type: string;
  readonly data: Buffer;
}

/** Reads what it can of a damaged file. @throws TooManyParts */
export function readAvifContainer(bytes: Buffer): AvifContainer {
  const meta = find(boxesOf(bytes), 'meta').subarray(4);
  const boxes = boxesOf(meta);
  const main = ifInside(() => mainItem(find(boxes, 'pitm')));
  const properties = propertiesOf(boxesOf(find(boxes, 'iprp')), main);
  const flags = find(properties, 'av1C')[2] ?? 0;
  const data = ifInside(() => itemData(bytes, find(boxes, 'iloc'), main));
  const coding = data && av1Coding(data);
  return {
    format: 'avif',
    isLossless: coding?.quantiser === 0 && coding.isRgb,
    quality: coding === undefined ? FALLBACK_QUALITY : avifQuality(coding.quantiser),
    chromaSubsampling: samplingOf(flags),
    bitDepth: (flags & 0x40) === 0 ? 8 : (flags & 0x20) === 0 ? 10 : 12,
    unreadable: foreignColours(properties),
  };
}

export function avifTraits({ isLossless, quality, chromaSubsampling }: AvifContainer): Trait[] {
  return [
    ['compression', isLossless ? 'lossless' : `lossy, quality about ${quality}`],
    ['chroma sampling', chromaSubsampling],
  ];
}

function foreignColours(properties: readonly Box[]): string | undefined {
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
function propertiesOf(boxes: readonly Box[], item: number | undefined): Box[] {
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
function find(boxes: readonly Box[], wanted: string): Buffer {
  return boxes.find(({ type }) => type === wanted)?.data ?? Buffer.alloc(0);
}

/** @throws TooManyParts */
function boxesOf(bytes: Buffer): Box[] {
  return listed(avifBoxes(bytes), 'boxes');
}

function* avifBoxes(bytes: Buffer): Generator<Box> {
  for (let at = 0; at + 8 <= bytes.length; ) {
    const length = bytes.readUInt32BE(at) || bytes.length - at;
    if (length < 8 || at + length > bytes.length) return;
    yield { type: bytes.toString('latin1', at + 4, at + 8), data: bytes.subarray(at + 8, at + length) };
    at += length;
  }
}
