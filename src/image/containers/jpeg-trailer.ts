// What follows the picture in a JPEG file (gain maps, previews, a short film), which is copied, and the index that points
// there (CIPA DC-007, Multi-Picture Format), which is updated.
import { ifInside } from './parts.js';
import { isLittleEndian, readNumber, writeNumber } from './tiff-tags.js';

/** 'MPF\0' begins at byte 4 of the segment. Offsets count from the header after it. */
const HEADER_AT = 8;
const ENTRIES_TAG = 0xb002;
/** Of an entry; it holds a picture's size in bytes at 4 and its offset at 8. */
const ENTRY_SIZE = 16;

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

export function isPictureIndex(segment: Buffer): boolean {
  return segment[1] === 0xe2 && segment.toString('latin1', 4, 8) === 'MPF\0';
}

/**
 * The index with entries that count from the trailer's start, so that they are valid wherever it is. Undefined if it cannot be
 * read or points elsewhere. `start` and `trailerStart` are places in the file.
 */
export function freeIndex(segment: Buffer, start: number, trailerStart: number): Buffer | undefined {
  return withEntriesMoved(segment, start + HEADER_AT - trailerStart, 0);
}

/** The inverse of `freeIndex`, for another place. */
export function boundIndex(segment: Buffer, start: number, trailerStart: number): Buffer | undefined {
  return withEntriesMoved(segment, trailerStart - start - HEADER_AT, trailerStart);
}

/** @param firstSize  bytes of the first picture, whose offset is always 0 */
function withEntriesMoved(segment: Buffer, by: number, firstSize: number): Buffer | undefined {
  const out = Buffer.from(segment);
  const isLittle = isLittleEndian(out.subarray(HEADER_AT));
  const read = (at: number, size: number) => readNumber(out, at, size, isLittle);
  // Throws a RangeError if an entry would lie before what offsets count from.
  const write = (value: number, at: number) => writeNumber(out, value, at, 4, isLittle);
  return ifInside(() => {
    const directory = HEADER_AT + read(HEADER_AT + 4, 4);
    const count = Math.min(read(directory, 2), out.length / 12);
    const tags = Array.from({ length: count }, (_, i) => directory + 2 + 12 * i);
    const tag = tags.find((at) => read(at, 2) === ENTRIES_TAG);
    if (tag === undefined) return undefined;
    const entries = HEADER_AT + read(tag + 8, 4);
    for (let i = 0; i < read(tag + 4, 4) / ENTRY_SIZE; i++) {
      const at = entries + ENTRY_SIZE * i;
      if (i === 0) write(firstSize, at + 4);
      write(i === 0 ? 0 : read(at + 8, 4) + by, at + 8);
    }
    return out;
  });
}
