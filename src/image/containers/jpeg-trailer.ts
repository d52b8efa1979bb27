// What follows the picture in a JPEG file (gain maps, previews, a short film), which is copied, and the index that points
// there (CIPA DC-007, Multi-Picture Format), which is updated.

/** 'MPF\0' begins at byte 4 of the segment. Offsets count from the header after it. */
const HEADER_AT = 8;
const ENTRIES_TAG = 0xb002;
const ENTRY_SIZE = 16;

/** An index entry: a picture's size in bytes and its offset. */
interface IndexEntry {
  readonly size: number;
  readonly offset: number;
}

/** Everything after the end of the first picture; a view. */
export function trailerOf(file: Buffer): Buffer {
  for (let at = 2; at + 2 <= file.length; ) {
    const marker = file[at + 1] ?? 0;
    const isMarker = file[at] === 0xff && marker !== 0 && marker !== 0xff && (marker < 0xd0 || marker > 0xd7);
    if (marker === 0xd9 && isMarker) return file.subarray(at + 2);
    // Skip fill bytes, restarts and scan data byte by byte, segments by their length.
    if (!isMarker) at = nextMarker(file, at + 1);
    else at = at + 4 > file.length ? file.length : at + 2 + file.readUInt16BE(at + 2);
  }
  return file.subarray(file.length);
}

function nextMarker(file: Buffer, from: number): number {
  // Where markers are dense, searching for each costs more than looking at every byte.
  const near = Math.min(from + 64, file.length);
  for (let at = from; at < near; at++) if (file[at] === 0xff) return at;
  const found = file.indexOf(0xff, near);
  return found < 0 ? file.length : found;
}

export function isPictureIndex({
  marker,
  bytes,
}: {
  readonly marker: number;
  readonly bytes: Buffer;
}): boolean {
  return marker === 0xe2 && bytes.toString('latin1', 4, 8) === 'MPF\0';
}

/**
 * Makes the index's entries count from the trailer's start, so that they are valid wherever it is.
 *
 * @param segment       the whole segment
 * @param start         where in the file it begins
 * @param trailerStart  where in the file the trailer begins
 * @returns             undefined for an index that cannot be read or points elsewhere
 */
export function freeIndex(segment: Buffer, start: number, trailerStart: number): Buffer | undefined {
  return withEntries(segment, ({ size, offset }, i) =>
    i === 0 ? { size: 0, offset: 0 } : { size, offset: start + HEADER_AT + offset - trailerStart },
  );
}

/** The inverse of `freeIndex`, for another place. */
export function boundIndex(segment: Buffer, start: number, trailerStart: number): Buffer | undefined {
  return withEntries(segment, ({ size, offset }, i) =>
    i === 0 ? { size: trailerStart, offset: 0 } : { size, offset: trailerStart + offset - start - HEADER_AT },
  );
}

function withEntries(
  segment: Buffer,
  change: (entry: IndexEntry, i: number) => IndexEntry,
): Buffer | undefined {
  const out = Buffer.from(segment);
  const isLittle = out.toString('latin1', HEADER_AT, HEADER_AT + 2) === 'II';
  const read = (at: number, size: number) => (isLittle ? out.readUIntLE(at, size) : out.readUIntBE(at, size));
  const write = (value: number, at: number) =>
    isLittle ? out.writeUInt32LE(value, at) : out.writeUInt32BE(value, at);
  try {
    const directory = HEADER_AT + read(HEADER_AT + 4, 4);
    const tags = Array.from(
      { length: Math.min(read(directory, 2), out.length / 12) },
      (_, i) => directory + 2 + 12 * i,
    );
    const tag = tags.find((at) => read(at, 2) === ENTRIES_TAG);
    if (tag === undefined) return undefined;
    const entries = HEADER_AT + read(tag + 8, 4);
    for (let i = 0; i < read(tag + 4, 4) / ENTRY_SIZE; i++) {
      const at = entries + ENTRY_SIZE * i;
      const { size, offset } = change({ size: read(at + 4, 4), offset: read(at + 8, 4) }, i);
      write(size, at + 4);
      write(offset, at + 8);
    }
    return out;
  } catch (error) {
    // The offset leads out of the segment, or would be below 0.
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
