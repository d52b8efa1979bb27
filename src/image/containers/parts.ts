// What the containers of all formats share: parts (segments, chunks, tags) within limits, traits, animations.
import { hash } from 'node:crypto';

/**
 * Millions of empty parts in a few megabytes would block a process for minutes. More than real files have: a colour profile fills
 * at most 255 JPEG segments, 100 MB of XMP 1,600, and some hundred TIFF tags are registered.
 */
export const MOST_PARTS = 10_000;

/** The message says what was found and expected, without the file's name. */
export class TooManyParts extends Error {
  override readonly name = 'TooManyParts';
}

/** A chunk of a WebP, or a box of an AVIF. */
export interface Chunk {
  readonly type: string;
  readonly data: Buffer;
}

/** Adds a part to those of a file. @throws TooManyParts */
export function addPart<Part>(parts: Part[], part: Part, what: string): void {
  if (parts.length === MOST_PARTS)
    throw new TooManyParts(`found more than ${MOST_PARTS} ${what}, expected at most so many`);
  parts.push(part);
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

/** A property of a file besides its samples. A name, and a value: words if they mean something, else a checksum of the bytes. */
export type Trait = readonly [name: string, value: string];

const BYTES = 'bytes ';

export function checksum(bytes: Uint8Array): string {
  return BYTES + hash('sha256', bytes);
}

export function isChecksum(value: string): boolean {
  return value.startsWith(BYTES);
}

/** What makes frames an animation in GIF and WebP. In memory, a picture holds its frames one below the other. */
export interface Animation {
  /** How long each frame is shown, in ms. */
  readonly durations: readonly number[];
  /** How often it is played; 0 for ever. */
  readonly loops: number;
}

/** More durations than this are not listed. */
const MOST_WORDS = 12;

/** Empty for a single frame. */
export function animationTraits(animation: Animation | undefined): Trait[] {
  if (animation === undefined) return [];
  const { durations, loops } = animation;
  const list = durations.join(', ');
  return [
    ['frames', String(durations.length)],
    ['durations', durations.length > MOST_WORDS ? checksum(Buffer.from(list)) : `${list} ms`],
    ['played', loops === 0 ? 'for ever' : `${loops} times`],
  ];
}
