// Reads a TIFF's directories (TIFF 6.0, section 2, and BigTIFF) and appends one to a file. Interprets no tags or pixels.
import { ifInside, MOST_PARTS, TooManyParts } from './parts.js';

/** Writers may store small values, such as both densities, in the same bytes. */
const MOST_SHARED_BYTES = 65_536;

/** One tag, its value in little-endian bytes. */
export interface TiffTag {
  readonly id: number;
  /** Field type of the specification. A tag with a `directory` is written as LONG. */
  readonly type: number;
  readonly count: number;
  readonly value: Buffer;
  /** The tags that it points to, if it is one of `directoryTags`. */
  readonly directory?: readonly TiffTag[];
  /** For a value that is valid only in its place: its offset in the file, and the file's byte order. */
  readonly place?: { readonly at: number; readonly isLittle: boolean };
}

/** EXIF, GPS and interoperability point to directories of their own. */
const directoryTags: readonly number[] = [34665, 34853, 40965];

export const MAKER_NOTES = 37_500;
/** Beginnings of maker notes with their own byte order and offsets, which may be anywhere. */
const movableNotes = ['Nikon\0\x02', 'OLYMPUS\0', 'OM SYSTEM\0', 'FUJIFILM', 'PENTAX \0', 'Apple iOS\0'];

const LONG = 4;

/** By field type: bytes of a value, bytes of the numbers in it (a rational has two), and what reads one. */
const types: Readonly<
  Record<number, readonly [size: number, word: number, read?: (value: Buffer, at: number) => number]>
> = {
  1: [1, 1, (value, at) => value.readUInt8(at)],
  2: [1, 1],
  3: [2, 2, (value, at) => value.readUInt16LE(at)],
  4: [4, 4, (value, at) => value.readUInt32LE(at)],
  5: [8, 4],
  6: [1, 1, (value, at) => value.readInt8(at)],
  7: [1, 1],
  8: [2, 2, (value, at) => value.readInt16LE(at)],
  9: [4, 4, (value, at) => value.readInt32LE(at)],
  10: [8, 4],
  11: [4, 4, (value, at) => value.readFloatLE(at)],
  12: [8, 8, (value, at) => value.readDoubleLE(at)],
  13: [4, 4],
  16: [8, 8, (value, at) => Number(value.readBigUInt64LE(at))],
  17: [8, 8],
  18: [8, 8],
};

/** The tags of the first directory; in a damaged file, those that can be read. Values are copies. @throws TooManyParts */
export function readTiffTags(file: Buffer): TiffTag[] {
  const [isLittle, isBig] = [isLittleEndian(file), isBigTiff(file)];
  const source = { file, isLittle, isBig, read: { tags: 0, bytes: 0 } };
  const { inline } = lengthsOf(isBig);
  return ifInside(() => readDirectory(source, readNumber(file, inline, inline, isLittle), 0)) ?? [];
}

/** The first number of a tag's value; undefined if the tag is absent, a text or rational. */
export function tagNumber(tags: readonly TiffTag[], id: number): number | undefined {
  return tagNumbers(tags, id)[0];
}

/** The numbers of a tag's value; empty if it is absent, a text or rational. */
export function tagNumbers(tags: readonly TiffTag[], id: number): number[] {
  const tag = tags.find((candidate) => candidate.id === id);
  const [size = 1, , read] = (tag && types[tag.type]) ?? [];
  if (!tag || !read) return [];
  return Array.from({ length: Math.floor(tag.value.length / size) }, (_, i) => read(tag.value, i * size));
}

export function isLittleEndian(file: Buffer): boolean {
  return file.toString('latin1', 0, 2) === 'II';
}

export function isBigTiff(file: Buffer): boolean {
  return file.length > 4 && (file[2] === 43 || file[3] === 43);
}

/** Replaces the first directory by one of this byte order, at the file's end. Values with a `place` are there already. */
export function withTiffDirectory(file: Buffer, tags: readonly TiffTag[], isLittle = true): Buffer {
  const isBig = isBigTiff(file);
  const { inline } = lengthsOf(isBig);
  const start = file.length + (file.length % 2);
  const directory = directoryBytes(tags, start, isBig, isLittle);
  const out = Buffer.concat([file, Buffer.alloc(start - file.length), directory]);
  out.write(isLittle ? 'II' : 'MM', 'latin1');
  writeNumber(out, isBig ? 43 : 42, 2, 2, isLittle);
  if (isBig) writeNumber(out, inline, 4, 2, isLittle);
  writeNumber(out, start, inline, inline, isLittle);
  return out;
}

/**
 * Lengths of a directory's numbers, in bytes: of the number of entries; of an entry; of a value that fits in its entry, and of
 * an offset. The file's header has the offset of the first directory after as many bytes.
 */
function lengthsOf(isBig: boolean): { count: number; entry: number; inline: number } {
  return isBig ? { count: 8, entry: 20, inline: 8 } : { count: 2, entry: 12, inline: 4 };
}

interface Source {
  readonly file: Buffer;
  readonly isLittle: boolean;
  readonly isBig: boolean;
  /** How much was read of all directories. */
  readonly read: { tags: number; bytes: number };
}

function readDirectory(source: Source, offset: number, depth: number): TiffTag[] {
  const { file, isLittle, isBig } = source;
  const { count: countSize, entry: entrySize, inline } = lengthsOf(isBig);
  const count = readNumber(file, offset, countSize, isLittle);
  const tags: TiffTag[] = [];
  for (let i = 0; i < Math.min(count, 65535); i++) {
    const at = offset + countSize + i * entrySize;
    const id = readNumber(file, at, 2, isLittle);
    const type = readNumber(file, at + 2, 2, isLittle);
    const values = readNumber(file, at + 4, inline, isLittle);
    const [size, word] = types[type] ?? [0, 1];
    const length = size * values;
    const inlineAt = at + 4 + inline;
    const valueAt = length <= inline ? inlineAt : readNumber(file, inlineAt, inline, isLittle);
    if (size === 0 || valueAt + length > file.length) continue;
    countTag(source, length);
    const value = swapped(Buffer.from(file.subarray(valueAt, valueAt + length)), isLittle ? 1 : word);
    if (directoryTags.includes(id) && depth < 2 && length > 0) {
      const pointer = value.readUIntLE(0, Math.min(size, 6));
      const directory = pointer < file.length ? readDirectory(source, pointer, depth + 1) : [];
      if (directory.length > 0) tags.push({ id, type: LONG, count: 1, value: Buffer.alloc(4), directory });
      continue;
    }
    const isMovable = movableNotes.some((start) => value.toString('latin1', 0, start.length) === start);
    const isBound = id === MAKER_NOTES && length > inline && !isMovable;
    tags.push({ id, type, count: values, value, ...(isBound && { place: { at: valueAt, isLittle } }) });
  }
  return tags;
}

/** In an intact file values lie beside one another. Overlapping ones would be copied again and again. */
function countTag({ file, read }: Source, length: number): void {
  read.tags += 1;
  read.bytes += length;
  if (read.tags > MOST_PARTS)
    throw new TooManyParts(`found more than ${MOST_PARTS} tags, expected at most so many`);
  if (read.bytes > file.length + MOST_SHARED_BYTES)
    throw new TooManyParts(`found tags with more than the file's ${file.length} bytes, expected less`);
}

function directoryBytes(tags: readonly TiffTag[], start: number, isBig: boolean, isLittle: boolean): Buffer {
  const { count, entry, inline } = lengthsOf(isBig);
  const sorted = [...tags].sort((a, b) => a.id - b.id);
  const table = Buffer.alloc(count + entry * sorted.length + inline);
  const parts: Buffer[] = [table];
  let end = start + table.length;
  writeNumber(table, sorted.length, 0, count, isLittle);
  for (const [i, tag] of sorted.entries()) {
    const at = count + entry * i;
    const valueAt = at + 4 + inline;
    writeNumber(table, tag.id, at, 2, isLittle);
    writeNumber(table, tag.type, at + 2, 2, isLittle);
    writeNumber(table, tag.count, at + 4, inline, isLittle);
    if (tag.place !== undefined) {
      writeNumber(table, tag.place.at, valueAt, inline, isLittle);
      continue;
    }
    const bytes = tag.directory
      ? directoryBytes(tag.directory, end, isBig, isLittle)
      : swapped(Buffer.from(tag.value), isLittle ? 1 : (types[tag.type]?.[1] ?? 1));
    if (tag.directory === undefined && bytes.length <= inline) bytes.copy(table, valueAt);
    else {
      // The pointer to a directory is itself a value, of 4 bytes.
      writeNumber(table, end, valueAt, tag.directory ? 4 : inline, isLittle);
      parts.push(bytes, Buffer.alloc(bytes.length % 2));
      end += bytes.length + (bytes.length % 2);
    }
  }
  return Buffer.concat(parts);
}

/** @param size  2, 4 or 8 bytes */
export function writeNumber(out: Buffer, value: number, at: number, size: number, isLittle: boolean): void {
  if (size === 8 && isLittle) out.writeBigUInt64LE(BigInt(value), at);
  else if (size === 8) out.writeBigUInt64BE(BigInt(value), at);
  else if (isLittle) out.writeUIntLE(value, at, size);
  else out.writeUIntBE(value, at, size);
}

/** @throws RangeError if it lies outside the file */
export function readNumber(file: Buffer, at: number, size: number, isLittle: boolean): number {
  if (size === 8) return Number(isLittle ? file.readBigUInt64LE(at) : file.readBigUInt64BE(at));
  return isLittle ? file.readUIntLE(at, size) : file.readUIntBE(at, size);
}

/** In place. */
function swapped(bytes: Buffer, word: number): Buffer {
  if (word === 2) return bytes.swap16();
  if (word === 4) return bytes.swap32();
  return word === 8 ? bytes.swap64() : bytes;
}
