// What makes frames an animation in GIF and WebP. In memory, a picture holds its frames one below the other.
import { checksum, type Trait } from '../traits.js';

export interface Animation {
  /** How long each frame is shown, in ms. */
  readonly durations: readonly number[];
  /** How often it is played; 0 for ever. */
  readonly loops: number;
}

/** More durations than this are not listed. */
const MOST_WORDS = 12;

export function animationTraits({ durations, loops }: Animation): Trait[] {
  const list = durations.join(', ');
  return [
    ['frames', String(durations.length)],
    ['durations', durations.length > MOST_WORDS ? checksum(Buffer.from(list)) : `${list} ms`],
    ['played', loops === 0 ? 'for ever' : `${loops} times`],
  ];
}
