// The camera maker's notes in EXIF (tag 37500), which we do not interpret. Most count from the start of their TIFF structure
// and use its byte order, so they are valid only if both stay.

import { checksum, type Trait } from './parts.js';
import { MAKER_NOTES, type TiffTag, tagNumbers } from './tiff-tags.js';

/** An intact file has one. */
const MOST_NOTES = 4;
const strips = { offsets: 273, lengths: 279 };
const tiles = { offsets: 324, lengths: 325 };
const [LONG, LONG8] = [4, 16];

/** Empty if there are none. */
export function makerNotesTraits(tags: readonly TiffTag[]): Trait[] {
  return withDirectories(tags)
    .filter(({ id }) => id === MAKER_NOTES)
    .map(({ value, place }) => {
      const bound = place === undefined ? '' : `${place.at} ${place.isLittle}`;
      return ['maker notes', checksum(Buffer.concat([value, Buffer.from(bound)]))];
    });
}

/** The byte order that the notes need, if they need one. */
export function needsLittleEndian(tags: readonly TiffTag[]): boolean | undefined {
  return withDirectories(tags).find(({ place }) => place !== undefined)?.place?.isLittle;
}

/** Removes notes that are valid only in their place. */
export function withoutBoundNotes(tags: readonly TiffTag[]): TiffTag[] {
  return tags
    .filter(({ place }) => place === undefined)
    .map((tag) => (tag.directory ? { ...tag, directory: withoutBoundNotes(tag.directory) } : tag))
    .filter(({ directory }) => directory?.length !== 0);
}

/** The tags and those in their directories. */
function withDirectories(tags: readonly TiffTag[]): TiffTag[] {
  return tags.flatMap((tag) => [tag, ...withDirectories(tag.directory ?? [])]);
}

/**
 * Puts notes that are bound to a place there, and moves pixels out of the way. Leaves the notes out if that is impossible.
 *
 * @param file      an encoded TIFF; only its pixels are kept
 * @param tags      all tags of its directory
 * @param isLittle  the byte order that it will have
 * @param start     length of its header
 */
export function withNotesInPlace(file: Buffer, tags: readonly TiffTag[], isLittle: boolean, start: number) {
  const notes = withDirectories(tags).flatMap(({ value, place }) =>
    place === undefined ? [] : [{ value, ...place, after: even(place.at + value.length) }],
  );
  if (notes.length === 0) return { file, tags };
  const pieces = [strips, tiles].find(({ offsets }) => tags.some(({ id }) => id === offsets));
  const canStay = notes.every((each) => each.isLittle === isLittle && each.at >= start);
  if (!canStay || notes.length > MOST_NOTES || pieces === undefined)
    return { file, tags: withoutBoundNotes(tags) };
  const lengths = tagNumbers(tags, pieces.lengths);
  let end = start;
  const offsets = lengths.map((length) => {
    const inTheWay = () => notes.find(({ at, after }) => end < after && end + length > at);
    for (let other = inTheWay(); other; other = inTheWay()) end = other.after;
    const offset = end;
    end = even(offset + length);
    return offset;
  });
  const moved = Buffer.alloc(Math.max(end, ...notes.map(({ after }) => after)));
  file.copy(moved, 0, 0, start);
  for (const { value, at } of notes) value.copy(moved, at);
  for (const [i, offset] of tagNumbers(tags, pieces.offsets).entries())
    file.copy(moved, offsets[i], offset, offset + (lengths[i] ?? 0));
  const changed = tags.map((tag) => (tag.id === pieces.offsets ? withNumbers(tag, offsets) : tag));
  return { file: moved, tags: changed };
}

function withNumbers(tag: TiffTag, numbers: readonly number[]): TiffTag {
  const type = tag.type === LONG8 ? LONG8 : LONG;
  const size = type === LONG8 ? 8 : 4;
  const value = Buffer.alloc(size * numbers.length);
  for (const [i, number] of numbers.entries()) value.writeUIntLE(number, i * size, Math.min(size, 6));
  return { ...tag, type, count: numbers.length, value };
}

function even(length: number): number {
  return length + (length % 2);
}
