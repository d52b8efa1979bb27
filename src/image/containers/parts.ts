// Reads the parts (segments, chunks, tags) around a file's pixels within limits: millions of empty ones in a few megabytes would
// block a process for minutes.

/**
 * More than real files have: a colour profile fills at most 255 JPEG segments, 100 MB of XMP 1,600, and some hundred TIFF tags
 * are registered.
 */
export const MOST_PARTS = 10_000;

/** The message says what was found and expected, without the file's name. */
export class TooManyParts extends Error {
  override readonly name = 'TooManyParts';
}

/** Lists the parts. @throws TooManyParts */
export function listed<Part>(parts: Iterable<Part>, what: string): Part[] {
  const list: Part[] = [];
  for (const part of parts) {
    if (list.length === MOST_PARTS)
      throw new TooManyParts(`found more than ${MOST_PARTS} ${what}, expected at most so many`);
    list.push(part);
  }
  return list;
}

/** What `read` returns; undefined if a number in the file leads out of it. */
export function ifInside<Value>(read: () => Value): Value | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}
