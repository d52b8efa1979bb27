// The orthonormal 8 x 8 DCT of a block, and the autocovariance of stationary noise from the mean powers of its
// coefficients. For correlation.ts.

export const SIDE = 8;
export const AREA = SIDE * SIDE;
/** Lags 0 to 3 along each axis are fitted. */
export const LAGS = 4;

/** Row u, column x: c_u(x). */
const COSINES = Float64Array.from({ length: AREA }, (_, i) => {
  const [u, x] = [Math.floor(i / SIDE), i % SIDE];
  return Math.sqrt((u === 0 ? 1 : 2) / SIDE) * Math.cos((Math.PI * (2 * x + 1) * u) / (2 * SIDE));
});

/** c_u(0) to c_u(3); c_u(7 - x) is the same for even u and its negative for odd u. */
const HALF = Float64Array.from({ length: AREA / 2 }, (_, i) => COSINES[(i >> 2) * SIDE + (i & 3)] as number);

/** Rows of [8, 8] transformed and transposed: what two calls make is the DCT of a block. */
function transformRows(from: Float64Array, to: Float64Array): void {
  for (let y = 0; y < SIDE; y++) {
    const at = y * SIDE;
    for (let parity = 0; parity < 2; parity++) {
      const sign = 1 - 2 * parity;
      const s0 = (from[at] as number) + sign * (from[at + 7] as number);
      const s1 = (from[at + 1] as number) + sign * (from[at + 6] as number);
      const s2 = (from[at + 2] as number) + sign * (from[at + 5] as number);
      const s3 = (from[at + 3] as number) + sign * (from[at + 4] as number);
      for (let u = parity; u < SIDE; u += 2) {
        const c = 4 * u;
        to[u * SIDE + y] =
          (HALF[c] as number) * s0 +
          (HALF[c + 1] as number) * s1 +
          (HALF[c + 2] as number) * s2 +
          (HALF[c + 3] as number) * s3;
      }
    }
  }
}

/** DCT-II of a block [8, 8], in place: coefficient (v, u) at v 8 + u. `scratch` has room for a block. */
export function transform(block: Float64Array, scratch: Float64Array): void {
  transformRows(block, scratch);
  transformRows(scratch, block);
}

/** Inverts a small positive definite matrix (Gauss-Jordan; its diagonal dominates enough to need no pivots). */
function inverse(matrix: readonly (readonly number[])[]): number[][] {
  const n = matrix.length;
  const rows = matrix.map((row, i) => [...row, ...row.map((_, j) => (i === j ? 1 : 0))]);
  for (let i = 0; i < n; i++) {
    const pivot = rows[i] as number[];
    const scale = pivot[i] as number;
    for (let k = 0; k < 2 * n; k++) pivot[k] = (pivot[k] as number) / scale;
    for (const row of rows) {
      const factor = row[i] as number;
      if (row !== pivot && factor !== 0)
        for (let k = 0; k < 2 * n; k++) row[k] = (row[k] as number) - factor * (pivot[k] as number);
    }
  }
  return rows.map((row) => row.slice(n));
}

/**
 * The autocovariance R(dy, dx), |dy|, |dx| < 4, whose expected DCT powers E[D_vu^2] = sum R(dy, dx) a_v(dy) a_u(dx)
 * come nearest to the measured ones in least squares; R(dy, dx) is at dy 4 + dx of the result.
 * a_u(d) is the sum of c_u(x) c_u(x') over |x - x'| = d.
 *
 * @param fitted  the coefficients v 8 + u that count
 * @returns       a function of all 64 powers
 */
export function autocovarianceFit(fitted: readonly number[]): (powers: readonly number[]) => number[] {
  const perAxis = Array.from({ length: SIDE }, (_, u) => {
    const sums = new Array<number>(LAGS).fill(0);
    for (let x = 0; x < SIDE; x++)
      for (let other = 0; other < SIDE; other++) {
        const lag = Math.abs(x - other);
        if (lag < LAGS)
          sums[lag] =
            (sums[lag] as number) + (COSINES[u * SIDE + x] as number) * (COSINES[u * SIDE + other] as number);
      }
    return sums;
  });
  const design = fitted.map((k) => {
    const [v, u] = [perAxis[Math.floor(k / SIDE)] ?? [], perAxis[k % SIDE] ?? []];
    return v.flatMap((a) => u.map((b) => a * b));
  });
  const unknowns = LAGS * LAGS;
  const normal = Array.from({ length: unknowns }, (_, p) =>
    Array.from({ length: unknowns }, (_, q) =>
      design.reduce((sum, row) => sum + (row[p] as number) * (row[q] as number), 0),
    ),
  );
  const inverted = inverse(normal);
  return (powers) => {
    const right = Array.from({ length: unknowns }, (_, p) =>
      design.reduce((sum, row, i) => sum + (row[p] as number) * (powers[fitted[i] as number] as number), 0),
    );
    return inverted.map((row) => row.reduce((sum, value, p) => sum + value * (right[p] as number), 0));
  };
}
