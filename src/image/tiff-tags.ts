// Image file directories of a TIFF (TIFF 6.0, section 2; BigTIFF is read too): reading tags with their values,
// and appending a directory to a file. Not an interpretation of any tag, nor of pixels.

/** One tag, its value in little-endian bytes. */
export interface TiffTag {
  readonly id: number;
  /** Field type 1-13 of the specification; a `directory` is written as LONG. */
  readonly type: number;
  readonly count: number;
  readonly value: Buffer;
  /** The tags behind the pointer, when the tag is one of `directoryTags`. */
  readonly directory?: readonly TiffTag[];
}

/** EXIF, GPS and interoperability: pointers to directories of their own. */
export const directoryTags: readonly number[] = [34665, 34853, 40965];

const LONG = 4;
/** Bytes of a value and of the numbers in it (a rational is two), by field type. */
const sizes: Readonly<Record<number, readonly [size: number, word: number]>> = {
  1: [1, 1],
  2: [1, 1],
  3: [2, 2],
  4: [4, 4],
  5: [8, 4],
  6: [1, 1],
  7: [1, 1],
  8: [2, 2],
  9: [4, 4],
  10: [8, 4],
  11: [4, 4],
  12: [8, 8],
  13: [4, 4],
  16: [8, 8],
  17: [8, 8],
  18: [8, 8],
};

/** The tags of the first directory; of a damaged file, those that can be read. Values are copies. */
export function readTiffTags(file: Buffer): TiffTag[] {
  try {
    const isLittle = file.toString('latin1', 0, 2) === 'II';
    const isBig = number(file, 2, 2, isLittle) === 43;
    const offset = isBig ? number(file, 8, 8, isLittle) : number(file, 4, 4, isLittle);
    return readDirectory({ file, isLittle, isBig }, offset, 0);
  } catch (error) {
    if (error instanceof RangeError) return [];
    throw error;
  }
}

/** The value of a tag as one number (its first), or undefined when absent or not an integer. */
export function tagNumber(tags: readonly TiffTag[], id: number): number | undefined {
  const tag = tags.find((candidate) => candidate.id === id);
  const size = tag === undefined ? 0 : (sizes[tag.type]?.[0] ?? 0);
  return tag === undefined || tag.count < 1 || size > 4 ? undefined : tag.value.readUIntLE(0, size);
}

/** The classic little-endian file with a new first directory at its end; the old one is left unreferenced. */
export function withTiffDirectory(file: Buffer, tags: readonly TiffTag[]): Buffer {
  const start = file.length + (file.length % 2);
  const out = Buffer.concat([file, Buffer.alloc(start - file.length), directoryBytes(tags, start)]);
  out.writeUInt32LE(start, 4);
  return out;
}

interface Source {
  readonly file: Buffer;
  readonly isLittle: boolean;
  readonly isBig: boolean;
}

function readDirectory(source: Source, offset: number, depth: number): TiffTag[] {
  const { file, isLittle, isBig } = source;
  const [countSize, entrySize, inline] = isBig ? [8, 20, 8] : [2, 12, 4];
  const count = number(file, offset, countSize, isLittle);
  const tags: TiffTag[] = [];
  for (let i = 0; i < Math.min(count, 65535); i++) {
    const at = offset + countSize + i * entrySize;
    const id = number(file, at, 2, isLittle);
    const type = number(file, at + 2, 2, isLittle);
    const values = number(file, at + 4, inline, isLittle);
    const [size, word] = sizes[type] ?? [0, 1];
    const length = size * values;
    const valueAt = length <= inline ? at + 4 + inline : number(file, at + 4 + inline, inline, isLittle);
    if (size === 0 || valueAt + length > file.length) continue;
    const value = swapped(Buffer.from(file.subarray(valueAt, valueAt + length)), isLittle ? 1 : word);
    if (directoryTags.includes(id) && depth < 2 && length > 0) {
      const pointer = value.readUIntLE(0, Math.min(size, 6));
      const directory = pointer < file.length ? readDirectory(source, pointer, depth + 1) : [];
      if (directory.length > 0) tags.push({ id, type: LONG, count: 1, value: Buffer.alloc(4), directory });
    } else tags.push({ id, type, count: values, value });
  }
  return tags;
}

function directoryBytes(tags: readonly TiffTag[], start: number): Buffer {
  const sorted = [...tags].sort((a, b) => a.id - b.id);
  const table = Buffer.alloc(2 + 12 * sorted.length + 4);
  const parts: Buffer[] = [table];
  let end = start + table.length;
  table.writeUInt16LE(sorted.length, 0);
  sorted.forEach((tag, i) => {
    const at = 2 + 12 * i;
    table.writeUInt16LE(tag.id, at);
    table.writeUInt16LE(tag.type, at + 2);
    table.writeUInt32LE(tag.count, at + 4);
    const bytes = tag.directory === undefined ? tag.value : directoryBytes(tag.directory, end);
    if (tag.directory === undefined && bytes.length <= 4) bytes.copy(table, at + 8);
    else {
      table.writeUInt32LE(end, at + 8);
      parts.push(bytes, Buffer.alloc(bytes.length % 2));
      end += bytes.length + (bytes.length % 2);
    }
  });
  return Buffer.concat(parts);
}

function number(file: Buffer, at: number, size: number, isLittle: boolean): number {
  if (size === 8) return Number(isLittle ? file.readBigUInt64LE(at) : file.readBigUInt64BE(at));
  return isLittle ? file.readUIntLE(at, size) : file.readUIntBE(at, size);
}

/** In place. */
function swapped(bytes: Buffer, word: number): Buffer {
  if (word === 2) return bytes.swap16();
  if (word === 4) return bytes.swap32();
  return word === 8 ? bytes.swap64() : bytes;
}
