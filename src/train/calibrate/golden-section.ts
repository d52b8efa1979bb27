// The maximum of a function of one variable that is expensive to evaluate: a bracket by equal steps, then golden sections
// (Kiefer 1953, Sequential minimax search for a maximum).

interface MaximumOptions {
  readonly start: number;
  /** The step of the search for a bracket. */
  readonly step: number;
  readonly least: number;
  readonly most: number;
  /** The search ends when the bracket is narrower than this. */
  readonly tolerance: number;
}

interface Maximum {
  readonly x: number;
  readonly value: number;
}

const GOLDEN = (Math.sqrt(5) - 1) / 2;

/**
 * The largest value found. It is near the maximum, or near one of several.
 *
 * @param ask  called for one x after the other
 */
export async function maximum(
  ask: (x: number) => Promise<number>,
  { start, step, least, most, tolerance }: MaximumOptions,
): Promise<Maximum> {
  const at = async (x: number): Promise<Maximum> => {
    const inside = Math.min(most, Math.max(least, x));
    return { x: inside, value: await ask(inside) };
  };
  let best = await at(start);
  let [low, high] = [await at(best.x - step), await at(best.x + step)];
  while (high.value > best.value && high.x < most) [low, best, high] = [best, high, await at(high.x + step)];
  while (low.value > best.value && low.x > least) [low, best, high] = [await at(low.x - step), low, best];
  for (const end of [low, high]) if (end.value > best.value) best = end;

  while (high.x - low.x > tolerance) {
    // In the longer part, so that each evaluation removes an equal share.
    const isRight = high.x - best.x > best.x - low.x;
    const x = isRight ? best.x + (1 - GOLDEN) * (high.x - best.x) : best.x - (1 - GOLDEN) * (best.x - low.x);
    const next = await at(x);
    if (next.value > best.value) {
      [low, high] = isRight ? [best, high] : [low, best];
      best = next;
    } else [low, high] = isRight ? [low, next] : [next, high];
  }
  return best;
}
