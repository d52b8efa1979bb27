// Which picture a crop comes from, as pure functions of seed and number, so that training can resume at any step.
import { createHash } from 'node:crypto';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { mersenne } from 'pure-rand/generator/mersenne';
import type { RandomGenerator } from 'pure-rand/types/RandomGenerator';
import { sum } from '../../core/metrics/index.js';

/** A generator for one purpose; those of neighbouring numbers are unrelated. */
export function generatorFor(seed: number, what: string, number: number): RandomGenerator {
  const hash = createHash('sha256').update(`${seed} ${what} ${number}`).digest();
  return mersenne(hash.readInt32LE(0));
}

/** A whole number from 0 to `count` - 1, uniformly distributed. */
export function drawBelow(generator: RandomGenerator, count: number): number {
  return uniformInt(generator, 0, count - 1);
}

/**
 * Returns a function from a visit to one of `count` units: each once in every `count` visits (an epoch), in a new order for
 * every epoch. Orders of different purposes (`what`) are unrelated. Skips `further` units, to replace those that cannot be read.
 */
export function visitOrder(
  count: number,
  seed: number,
  what: string,
): (visit: number, further: number) => number {
  const orders = new Map<number, Uint32Array>();
  return (visit, further) => {
    const epoch = Math.floor(visit / count);
    let order = orders.get(epoch);
    if (order === undefined) {
      order = permutation(count, generatorFor(seed, what, epoch));
      if (orders.size >= 4) orders.clear();
      orders.set(epoch, order);
    }
    return order[(visit - epoch * count + further) % count] ?? 0;
  };
}

/** Fisher-Yates shuffle. */
function permutation(count: number, generator: RandomGenerator): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, index) => index);
  for (let last = count - 1; last > 0; last--) {
    const other = drawBelow(generator, last + 1);
    [order[last], order[other]] = [order[other] ?? 0, order[last] ?? 0];
  }
  return order;
}

/** About this many visits are a round, in which every part has its exact share. */
const VISITS_PER_ROUND = 1000;

/**
 * Divides visits among parts by weight, in random order. A share is kept to 0.1%, and is 0.1% at least.
 *
 * @param weights  above 0; one for each part
 * @returns        a function from a visit to its part, and to its number among the part's visits: each number comes once
 */
export function weightedVisits(
  weights: readonly number[],
  seed: number,
): (visit: number) => { readonly part: number; readonly visit: number } {
  if (weights.length === 1) return (visit) => ({ part: 0, visit });
  const total = sum(weights);
  const shares = weights.map((weight) => Math.max(1, Math.round((VISITS_PER_ROUND * weight) / total)));
  const parts = shares.flatMap((share, part) =>
    Array.from({ length: share }, (_, number) => ({ part, share, number })),
  );
  const order = visitOrder(parts.length, seed, 'round');
  return (visit) => {
    const { part, share, number } = parts[order(visit, 0)] as (typeof parts)[number];
    return { part, visit: Math.floor(visit / parts.length) * share + number };
  };
}
