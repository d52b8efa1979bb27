// The generalized Anscombe transform, which makes Poisson-Gaussian noise nearly Gaussian of unit variance (Starck, Murtagh and
// Bijaoui 1998, Image Processing and Data Analysis), and its exact unbiased inverse (Makitalo and Foi 2013, Optimal inversion
// of the generalized Anscombe transformation). Units are counts: z = Poisson(lambda) + N(0, sigma^2).

/** Means up to this many counts are inverted by table. Above, the asymptotic form is good to 1e-5 of the mean. */
const TABLE_END = 256;
const FIRST_KNOT = 1e-3;
const KNOTS = 320;
/** Cells of the inverse's uniform grid; linear interpolation is good to 1e-5 counts. */
const CELLS = 4096;
/** Above this read noise (counts) the inverse differs from its asymptotic form by less than 1e-4 counts. */
const TABLE_SIGMA = 100;
/** Poisson weights below this share of the largest are left out. */
const NEGLIGIBLE = 1e-17;
/** The read noise is integrated over this many standard deviations on either side. */
const SPAN = 9;
const POINTS = 96;

/**
 * f(z) = 2 sqrt(max(0, z + 3/8 + sigma^2)): noise of nearly unit variance where the mean is above a few counts.
 *
 * @param z      counts, read noise included; any finite number
 * @param sigma  standard deviation of the read noise, counts, at least 0
 */
export function generalizedAnscombe(z: number, sigma: number): number {
  return 2 * Math.sqrt(Math.max(0, z + 3 / 8 + sigma * sigma));
}

/** E[f(k + n)] for n ~ N(0, sigma^2). In u = f / 2 the integrand is smooth and even, so trapezoids converge fast. */
function expectedOverReadNoise(k: number, sigma: number): number {
  const centre = k + 3 / 8 + sigma * sigma;
  if (sigma === 0) return 2 * Math.sqrt(centre);
  const from = Math.sqrt(Math.max(0, centre - SPAN * sigma));
  const step = (Math.sqrt(centre + SPAN * sigma) - from) / POINTS;
  let sum = 0;
  for (let i = 0; i < POINTS; i++) {
    const u = from + i * step;
    const n = (u * u - centre) / sigma;
    sum += u * u * Math.exp((-n * n) / 2);
  }
  return (4 * sum * step) / (sigma * Math.sqrt(2 * Math.PI));
}

/** Calls `add(k, p)` for every k whose Poisson(lambda) probability p is not negligible; p is not normalised. */
function overPoisson(lambda: number, add: (k: number, weight: number) => void): void {
  const mode = Math.floor(lambda);
  for (let k = mode, weight = 1; weight > NEGLIGIBLE; k++) {
    add(k, weight);
    weight *= lambda / (k + 1);
  }
  for (let k = mode - 1, weight = mode / lambda; k >= 0 && weight > NEGLIGIBLE; k--) {
    add(k, weight);
    weight *= k / lambda;
  }
}

/** E[f(z) | lambda] and its derivative, as a function of the mean lambda, at least 0. Takes about 20 sqrt(lambda) operations. */
export function expectedAnscombe(sigma: number): (lambda: number) => { value: number; slope: number } {
  const overReadNoise: number[] = [];
  const at = (k: number): number => {
    overReadNoise[k] ??= expectedOverReadNoise(k, sigma);
    return overReadNoise[k];
  };
  return (lambda) => {
    let [total, value, slope] = [0, 0, 0];
    overPoisson(lambda, (k, weight) => {
      total += weight;
      value += weight * at(k);
      // d/dlambda of a Poisson expectation is the expectation of the forward difference.
      slope += weight * (at(k + 1) - at(k));
    });
    return { value: value / total, slope: slope / total };
  };
}

/** Makitalo and Foi's closed form without its terms in 1/D, so its error is of order 1/D. */
const asymptote = (d: number, sigma: number): number => (d * d) / 4 - 1 / 8 - sigma * sigma;

/** lambda between two knots (value d, mean lambda, slope dE/dlambda), by cubic interpolation of values and slopes. */
type Knot = { readonly d: number; readonly lambda: number; readonly slope: number };
function between(low: Knot, high: Knot, d: number): number {
  const width = high.d - low.d;
  const t = (d - low.d) / width;
  const s = 1 - t;
  return (
    low.lambda * s * s * (1 + 2 * t) +
    high.lambda * t * t * (3 - 2 * t) +
    width * t * s * (s / low.slope - t / high.slope)
  );
}

/** lambda - asymptote(D) on a uniform grid of D from E[f | 0] to E[f | TABLE_END]. */
function residuals(sigma: number): { from: number; to: number; grid: Float64Array } {
  const expected = expectedAnscombe(sigma);
  const ratio = (TABLE_END / FIRST_KNOT) ** (1 / (KNOTS - 1));
  const knots = [0, ...Array.from({ length: KNOTS }, (_, i) => FIRST_KNOT * ratio ** i)].map(
    (lambda): Knot => {
      const { value, slope } = expected(lambda);
      return { d: value, lambda, slope };
    },
  );
  const from = (knots[0] as Knot).d;
  const to = (knots[KNOTS] as Knot).d;
  const grid = new Float64Array(CELLS + 1);
  for (let i = 0, above = 1; i <= CELLS; i++) {
    const d = from + ((to - from) * i) / CELLS;
    while (above < KNOTS && (knots[above] as Knot).d < d) above++;
    grid[i] = between(knots[above - 1] as Knot, knots[above] as Knot, d) - asymptote(d, sigma);
  }
  return { from, to, grid };
}

/**
 * The exact unbiased inverse: the mean lambda for which E[f(z) | lambda] = d. The call makes a table in a few
 * milliseconds; the returned function takes some nanoseconds.
 *
 * @param sigma  standard deviation of the read noise, counts, at least 0
 * @returns      d -> lambda in counts, increasing; 0 if d is below E[f | 0]
 */
export function exactUnbiasedInverse(sigma: number): (d: number) => number {
  if (sigma > TABLE_SIGMA) return (d) => (d > 0 ? Math.max(0, asymptote(d, sigma)) : 0);
  const { from, to, grid } = residuals(sigma);
  const perCell = CELLS / (to - from);
  const last = grid[CELLS] as number;
  return (d) => {
    if (!(d > from)) return 0;
    const rest = asymptote(d, sigma);
    if (d >= to) return rest + (last * to) / d;
    const place = (d - from) * perCell;
    const cell = Math.min(CELLS - 1, Math.floor(place));
    const low = grid[cell] as number;
    return Math.max(0, rest + low + (place - cell) * ((grid[cell + 1] as number) - low));
  };
}
