// Limits the parts (segments, chunks, tags) around a file's pixels. Millions of empty ones in a few megabytes would
// block a process for minutes.

/**
 * Beyond what files of use have: a colour profile fills at most 255 JPEG segments, 100 MB of XMP 1,600, and the TIFF tags
 * that are registered are some hundreds.
 */
export const MOST_PARTS = 10_000;

/** Its message says what was found and what was expected, and not in which file. */
export class TooManyParts extends Error {
  override readonly name = 'TooManyParts';
}

/** The parts, as long as there are few enough. @throws TooManyParts */
export function* atMost<Part>(parts: Iterable<Part>, what: string): Generator<Part> {
  let count = 0;
  for (const part of parts) {
    if (++count > MOST_PARTS)
      throw new TooManyParts(`found more than ${MOST_PARTS} ${what}, expected at most so many`);
    yield part;
  }
}
