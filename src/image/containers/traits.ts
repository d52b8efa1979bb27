// A file's properties besides its samples, in a form in which two files can be compared.
import { createHash } from 'node:crypto';

/** A name, and a value: words if they mean something, else a checksum of the bytes. */
export type Trait = readonly [name: string, value: string];

const BYTES = 'bytes ';

export function checksum(bytes: Uint8Array): string {
  return BYTES + createHash('sha256').update(bytes).digest('hex');
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
