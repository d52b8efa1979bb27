// How much of the variance of Gaussian noise is lost by clipping, read off the share of samples that were clipped.
// For one level of grey mu, a = mu / sigma: the share clipped at 0 is p = Phi(-a), and the variance left is that of
// max(0, a + n). What is lost is nearly proportional to p (1.9 p for small p, 1.3 p at p = 1/2), so it can be
// averaged over samples of different levels without knowing sigma or the levels.

const density = (x: number) => Math.exp((-x * x) / 2) / Math.sqrt(2 * Math.PI);

/** erfc's coefficients in Numerical Recipes, highest power first: 1.2e-7 relative. */
const ERFC = [
  0.17087277, -0.82215223, 1.48851587, -1.13520398, 0.27886807, -0.18628806, 0.09678418, 0.37409196,
  1.00002368, -1.26551223,
] as const;

/** The distribution function of N(0, 1). */
export function normalDistribution(x: number): number {
  const z = Math.abs(x) / Math.SQRT2;
  const t = 1 / (1 + z / 2);
  const tail = (t * Math.exp(-z * z + ERFC.reduce((sum, c) => sum * t + c, 0))) / 2;
  return x > 0 ? 1 - tail : tail;
}

/** The variance of max(0, a + n), n of N(0, 1). */
function rectifiedVariance(a: number): number {
  const [inside, edge] = [normalDistribution(a), density(a)];
  const mean = a * inside + edge;
  return Math.max(0, (a * a + 1) * inside + a * edge - mean * mean);
}

/**
 * The share of the variance that one-sided clipping takes.
 *
 * @param clipped  the share of samples that were clipped, 0 to 1
 */
export function varianceLost(clipped: number): number {
  if (clipped <= 0) return 0;
  if (clipped >= 1) return 1;
  let [low, high] = [-9, 9];
  for (let step = 0; step < 40; step++) {
    const middle = (low + high) / 2;
    if (normalDistribution(-middle) > clipped) low = middle;
    else high = middle;
  }
  return 1 - rectifiedVariance(low);
}
