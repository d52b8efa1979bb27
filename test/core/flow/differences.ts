// How far two arrays of numbers are from each other.

/** |a - b| / |b|, Euclidean. */
export function relativeDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new Error(`${a.length} numbers for ${b.length}`);
  let [error, norm] = [0, 0];
  for (let i = 0; i < b.length; i++) {
    error += ((a[i] as number) - (b[i] as number)) ** 2;
    norm += (b[i] as number) ** 2;
  }
  return Math.sqrt(error / norm);
}

/** Root mean square of a - b. */
export function rmsDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new Error(`${a.length} numbers for ${b.length}`);
  let sum = 0;
  for (let i = 0; i < b.length; i++) sum += ((a[i] as number) - (b[i] as number)) ** 2;
  return Math.sqrt(sum / b.length);
}

/** The largest |a - b|. */
export function largestDifference(a: ArrayLike<number>, b: ArrayLike<number>): number {
  if (a.length !== b.length) throw new Error(`${a.length} numbers for ${b.length}`);
  let largest = 0;
  for (let i = 0; i < b.length; i++) {
    const difference = Math.abs((a[i] as number) - (b[i] as number));
    if (!(difference <= largest)) largest = difference;
  }
  return largest;
}

/** Fails when a measured value is above its limit. */
export function expectBelow(value: number, limit: number, what: string): void {
  if (!(value <= limit)) throw new Error(`${what}: ${value}, expected at most ${limit}`);
}
