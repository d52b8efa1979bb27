// How an AVIF file codes its pixels: the boxes that lead to its picture (ISO/IEC 14496-12 and 23008-12) and the first bits of
// its AV1 frame. sharp reads and writes the metadata.
import type { Trait } from '../traits.js';
import { av1Coding, avifQuality } from './avif-quality.js';
import { TooManyParts } from './part-limit.js';

export interface AvifContainer {
  readonly format: 'avif';
  readonly isLossless: boolean;
  /** 1-100 for a lossy file, by its quantiser; 90 if that cannot be read. */
  readonly quality: number;
  readonly chromaSubsampling: '4:4:4' | '4:2:2' | '4:2:0' | 'none';
  readonly bitDepth: 8 | 10 | 12;
  /** Colour primaries and transfer by number (ITU-T H.273), if they are not sRGB's and no profile overrides them. */
  readonly foreignColours: string | undefined;
}

const FALLBACK_QUALITY = 90;
/** A picture has tens of boxes; with tiles and thumbnails hundreds. */
const MOST_BOXES = 10_000;
/** Primaries and transfers that programs treat as sRGB: its own, unspecified, BT.601 and BT.709. */
const usualPrimaries = [1, 2];
const usualTransfers = [1, 2, 6, 13];

interface Box {
  readonly type: string;
  readonly data: Buffer;
}

/** Reads what it can of a damaged file. */
export function readAvifContainer(bytes: Buffer): AvifContainer {
  const meta =
    boxesOf(bytes)
      .find(({ type }) => type === 'meta')
      ?.data.subarray(4) ?? Buffer.alloc(0);
  const properties = propertiesOf(meta);
  const config = properties.find(({ type }) => type === 'av1C')?.data ?? Buffer.alloc(4);
  const colours = properties.filter(({ type }) => type === 'colr').map(({ data }) => data);
  const codePoints = colours.find((data) => data.toString('latin1', 0, 4) === 'nclx' && data.length >= 11);
  const hasProfile = colours.length > (codePoints ? 1 : 0);
  const coding = av1Coding(pictureData(bytes, meta));
  const flags = config[2] ?? 0;
  return {
    format: 'avif',
    isLossless: coding?.quantiser === 0 && coding.isRgb,
    quality: coding === undefined ? FALLBACK_QUALITY : avifQuality(coding.quantiser),
    chromaSubsampling: samplingOf(flags),
    bitDepth: (flags & 0x40) === 0 ? 8 : (flags & 0x20) === 0 ? 10 : 12,
    foreignColours: codePoints && !hasProfile ? foreign(codePoints) : undefined,
  };
}

/** The file's properties besides samples and metadata. */
export function avifTraits(file: Buffer): Trait[] {
  const { isLossless, quality, chromaSubsampling } = readAvifContainer(file);
  return [
    ['compression', isLossless ? 'lossless' : `lossy, quality about ${quality}`],
    ['chroma sampling', chromaSubsampling],
  ];
}

function foreign(codePoints: Buffer): string | undefined {
  const [primaries, transfer] = [codePoints.readUInt16BE(4), codePoints.readUInt16BE(6)];
  const isUsual = usualPrimaries.includes(primaries) && usualTransfers.includes(transfer);
  return isUsual ? undefined : `${primaries}/${transfer}`;
}

function samplingOf(flags: number): AvifContainer['chromaSubsampling'] {
  if ((flags & 0x10) !== 0) return 'none';
  if ((flags & 0x08) === 0) return '4:4:4';
  return (flags & 0x04) === 0 ? '4:2:2' : '4:2:0';
}

/** The properties of the main picture; all, if the file does not tell which these are. */
function propertiesOf(meta: Buffer): Box[] {
  const boxes = boxesOf(find(meta, 'iprp'));
  const all = boxesOf(boxes.find(({ type }) => type === 'ipco')?.data ?? Buffer.alloc(0));
  const links = boxes.find(({ type }) => type === 'ipma')?.data;
  const main = mainItem(meta);
  if (links === undefined || main === undefined || links.length < 8) return all;
  const [hasLongIds, isLong] = [(links[0] ?? 0) > 0, ((links[3] ?? 0) & 1) === 1];
  let at = 8;
  while (at + 3 < links.length) {
    const id = hasLongIds ? links.readUIntBE(at, 4) : links.readUIntBE(at, 2);
    at += hasLongIds ? 4 : 2;
    const count = links[at++] ?? 0;
    const size = isLong ? 2 : 1;
    if (id === main && at + count * size <= links.length)
      return Array.from({ length: count }, (_, i) => {
        const index = links.readUIntBE(at + i * size, size) & (isLong ? 0x7fff : 0x7f);
        return all[index - 1];
      }).filter((box) => box !== undefined);
    at += count * size;
  }
  return all;
}

function mainItem(meta: Buffer): number | undefined {
  const data = find(meta, 'pitm');
  if (data.length < 6) return undefined;
  return data[0] === 0 ? data.readUInt16BE(4) : data.length < 8 ? undefined : data.readUInt32BE(4);
}

/** The coded bytes of the main picture, if they are in one piece. */
function pictureData(file: Buffer, meta: Buffer): Buffer {
  const data = find(meta, 'iloc');
  const main = mainItem(meta);
  const version = data[0] ?? 0;
  let at = 4;
  const next = (size: number) => {
    const value = size === 0 ? 0 : data.readUIntBE(at + Math.max(0, size - 6), Math.min(size, 6));
    at += size;
    return value;
  };
  try {
    const [sizes, more] = [next(1), next(1)];
    const [offsetSize, lengthSize, baseSize] = [sizes >> 4, sizes & 15, more >> 4];
    const indexSize = version === 0 ? 0 : more & 15;
    for (let items = next(version < 2 ? 2 : 4); items > 0; items--) {
      const id = next(version < 2 ? 2 : 4);
      if (version > 0) next(2);
      next(2);
      const base = next(baseSize);
      const extents = next(2);
      if (id !== main || extents === 0) {
        at += extents * (indexSize + offsetSize + lengthSize);
        continue;
      }
      next(indexSize);
      const offset = base + next(offsetSize);
      return file.subarray(offset, offset + next(lengthSize));
    }
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
  }
  return Buffer.alloc(0);
}

/** The content of the first box of this type; empty if there is none. */
function find(boxes: Buffer, wanted: string): Buffer {
  return boxesOf(boxes).find(({ type }) => type === wanted)?.data ?? Buffer.alloc(0);
}

/** @throws TooManyParts */
function boxesOf(bytes: Buffer): Box[] {
  const boxes: Box[] = [];
  for (let at = 0; at + 8 <= bytes.length; ) {
    const length = bytes.readUInt32BE(at) || bytes.length - at;
    if (length < 8 || at + length > bytes.length) break;
    boxes.push({ type: bytes.toString('latin1', at + 4, at + 8), data: bytes.subarray(at + 8, at + length) });
    if (boxes.length > MOST_BOXES)
      throw new TooManyParts(`found more than ${MOST_BOXES} boxes, expected at most so many`);
    at += length;
  }
  return boxes;
}
