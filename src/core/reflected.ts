/** A place folded into 0 .. length - 1 about the edge samples, which are not repeated (c b | a b c | b a), as often as it takes. */
export function reflected(i: number, length: number): number {
  if (i >= 0 && i < length) return i;
  const period = Math.max(1, 2 * (length - 1));
  const place = ((i % period) + period) % period;
  return Math.min(place, period - place) % length;
}
