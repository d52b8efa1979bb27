// Eigenvalues of small dense symmetric matrices, in float64, by Jacobi's rotations: Golub and Van Loan, Matrix Computations, 8.5.
import { badOption } from '../../../errors.js';

/** Sizes up to 200 need 10 at most. */
const MOST_SWEEPS = 30;

/**
 * @param matrix  row-major [size, size]; only the lower triangle is read, and it is used up
 * @returns       the eigenvalues in ascending order, with multiplicity
 * @throws        FlowDenoiseError BAD_OPTION when an entry is not finite
 */
export function symmetricEigenvalues(matrix: Float64Array, size: number): Float64Array {
  if (!matrix.every(Number.isFinite)) throw badOption('Expected a matrix of finite numbers');
  for (let row = 0; row < size; row++)
    for (let column = 0; column < row; column++)
      matrix[column * size + row] = matrix[row * size + column] as number;
  // Entries this small, together, move no eigenvalue by more than rounding does.
  const nil = (Number.EPSILON * Math.sqrt(matrix.reduce((sum, value) => sum + value * value, 0))) / size;
  for (let sweep = 0, isDone = false; !isDone; sweep++) {
    if (sweep === MOST_SWEEPS) throw new Error('the rotations did not converge');
    isDone = true;
    for (let p = 1; p < size; p++)
      for (let q = 0; q < p; q++) {
        if (Math.abs(matrix[p * size + q] as number) <= nil) continue;
        rotate(matrix, size, p, q);
        isDone = false;
      }
  }
  return matrix.filter((_, i) => i % (size + 1) === 0).sort();
}

/** Turns the plane of p and q so that their entry off the diagonal becomes 0. */
function rotate(a: Float64Array, size: number, p: number, q: number): void {
  const [rowP, rowQ] = [p * size, q * size];
  const [pp, qq, pq] = [a[rowP + p] as number, a[rowQ + q] as number, a[rowP + q] as number];
  const ratio = (qq - pp) / (2 * pq);
  const tangent = (ratio < 0 ? -1 : 1) / (Math.abs(ratio) + Math.sqrt(ratio * ratio + 1));
  const cosine = 1 / Math.sqrt(tangent * tangent + 1);
  const sine = tangent * cosine;
  for (let k = 0; k < size; k++) {
    const [ofP, ofQ] = [a[rowP + k] as number, a[rowQ + k] as number];
    a[rowP + k] = cosine * ofP - sine * ofQ;
    a[rowQ + k] = sine * ofP + cosine * ofQ;
    a[k * size + p] = a[rowP + k] as number;
    a[k * size + q] = a[rowQ + k] as number;
  }
  a[rowP + p] = pp - tangent * pq;
  a[rowQ + q] = qq + tangent * pq;
  a[rowP + q] = 0;
  a[rowQ + p] = 0;
}
