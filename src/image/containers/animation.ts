// What makes frames an animation, in GIF and WebP alike. A picture in memory holds them one below the other.
import { checksum, type Trait } from '../traits.js';

export interface Animation {
  /** How long each frame is shown, in ms; one for every frame. */
  readonly durations: readonly number[];
  /** How often it is played; 0 for ever. */
  readonly loops: number;
}

/** Beyond these, a list of durations says nothing to a reader. */
const MOST_WORDS = 12;

export function animationTraits({ durations, loops }: Animation): Trait[] {
  const list = durations.join(', ');
  return [
    ['frames', String(durations.length)],
    ['durations', durations.length > MOST_WORDS ? checksum(Buffer.from(list)) : `${list} ms`],
    ['played', loops === 0 ? 'for ever' : `${loops} times`],
  ];
}
