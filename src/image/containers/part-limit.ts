// Limits the parts (segments, chunks, tags) around a file's pixels: millions of empty ones in a few megabytes would block a
// process for minutes.

/**
 * More than real files have: a colour profile fills at most 255 JPEG segments, 100 MB of XMP 1,600, and some hundred TIFF tags
 * are registered.
 */
export const MOST_PARTS = 10_000;

/** The message says what was found and expected, without the file's name. */
export class TooManyParts extends Error {
  override readonly name = 'TooManyParts';
}

/** Passes the parts on, up to the limit. @throws TooManyParts */
export function* atMost<Part>(parts: Iterable<Part>, what: string): Generator<Part> {
  let count = 0;
  for (const part of parts) {
    if (++count > MOST_PARTS)
      throw new TooManyParts(`found more than ${MOST_PARTS} ${what}, expected at most so many`);
    yield part;
  }
}
