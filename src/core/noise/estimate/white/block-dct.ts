// The orthonormal 8 x 8 DCT of a block, and the autocovariance of stationary noise from the mean powers of its
// coefficients.
import { AREA, SIDE } from '../../noisy-picture.js';

/** Lags 0 to 3 along each axis are fitted. */
export const LAGS = 4;

/** Row u, column x: c_u(x). */
const COSINES = Float64Array.from({ length: AREA }, (_, i) => {
  const [u, x] = [Math.floor(i / SIDE), i % SIDE];
  return Math.sqrt((u === 0 ? 1 : 2) / SIDE) * Math.cos((Math.PI * (2 * x + 1) * u) / (2 * SIDE));
});

/** cos(k pi / 16) / 2; the constant vector's entries are the 4th, too. */
const [C1, C2, C3, C4, C5, C6, C7] = [1, 2, 3, 4, 5, 6, 7].map((k) => Math.cos((k * Math.PI) / 16) / 2) as [
  number,
  number,
  number,
  number,
  number,
  number,
  number,
];

/** Rows of [8, 8] at `at` transformed and transposed: what two calls make is the DCT of a block. */
function transformRows(from: Float64Array, at: number, to: Float64Array, out: number): void {
  for (const end = at + AREA; at < end; at += SIDE, out++) {
    const a0 = from[at] as number;
    const a1 = from[at + 1] as number;
    const a2 = from[at + 2] as number;
    const a3 = from[at + 3] as number;
    const a4 = from[at + 4] as number;
    const a5 = from[at + 5] as number;
    const a6 = from[at + 6] as number;
    const a7 = from[at + 7] as number;
    // Basis vectors are even or odd: sums and differences of mirrored samples are all they need. The even ones
    // fall in two once more.
    const s0 = a0 + a7;
    const s1 = a1 + a6;
    const s2 = a2 + a5;
    const s3 = a3 + a4;
    const d0 = a0 - a7;
    const d1 = a1 - a6;
    const d2 = a2 - a5;
    const d3 = a3 - a4;
    to[out] = (s0 + s3 + s1 + s2) * C4;
    to[out + 8] = d0 * C1 + d1 * C3 + d2 * C5 + d3 * C7;
    to[out + 16] = (s0 - s3) * C2 + (s1 - s2) * C6;
    to[out + 24] = d0 * C3 - d1 * C7 - d2 * C1 - d3 * C5;
    to[out + 32] = (s0 + s3 - s1 - s2) * C4;
    to[out + 40] = d0 * C5 - d1 * C1 + d2 * C7 + d3 * C3;
    to[out + 48] = (s0 - s3) * C6 - (s1 - s2) * C2;
    to[out + 56] = d0 * C7 - d1 * C5 + d2 * C3 - d3 * C1;
  }
}

const scratch = new Float64Array(AREA);

/** DCT-II of the block [8, 8] at `at` of `blocks`, in place: coefficient (v, u) at v 8 + u. */
export function transform(blocks: Float64Array, at: number): void {
  transformRows(blocks, at, scratch, 0);
  transformRows(scratch, 0, blocks, at);
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
