// Random numbers from a seed, as the makers of examples draw them.
import { uniformFloat64 } from 'pure-rand/distribution/uniformFloat64';
import { mersenne } from 'pure-rand/generator/mersenne';

/** Numbers that a seed gives. */
export interface Draws {
  uniform(low: number, high: number): number;
  /** Uniform in the logarithm. */
  logUniform(low: number, high: number): number;
  chance(probability: number): boolean;
  seed(): number;
}

export function drawsFrom(seed: number): Draws {
  const generator = mersenne(seed);
  const unit = () => uniformFloat64(generator);
  const uniform = (low: number, high: number) => low + (high - low) * unit();
  return {
    uniform,
    logUniform: (low, high) => Math.exp(uniform(Math.log(low), Math.log(high))),
    chance: (probability) => unit() < probability,
    seed: () => Math.floor(unit() * 2 ** 32),
  };
}
