// Eigenvalues of small dense symmetric matrices, in float64: Householder reduction to tridiagonal form, then QL with implicit
// shifts. EISPACK's tred1 and tql1; Golub and Van Loan, Matrix Computations, 8.3.
import { badOption } from '../../../errors.js';

/** QL needs fewer than 2 iterations an eigenvalue on average; EISPACK's own limit. */
const MAX_ITERATIONS = 30;

/**
 * @param matrix  row-major [size, size]; only the lower triangle is read, and it is used up
 * @returns       the eigenvalues in ascending order, with multiplicity
 * @throws        FlowDenoiseError BAD_OPTION when an entry is not finite
 */
export function symmetricEigenvalues(matrix: Float64Array, size: number): Float64Array {
  if (!matrix.every(Number.isFinite)) throw badOption('Expected a matrix of finite numbers');
  const [diagonal, subdiagonal] = tridiagonalise(matrix, size);
  for (let first = 0; first < size; first++) isolate(diagonal, subdiagonal, first);
  return diagonal.sort();
}

/** H A H with Householder reflections H, from the last row upwards. */
function tridiagonalise(a: Float64Array, size: number): readonly [Float64Array, Float64Array] {
  // subdiagonal[i] stands between rows i and i + 1; the last is 0.
  const subdiagonal = new Float64Array(size);
  const v = new Float64Array(size);
  const p = new Float64Array(size);
  for (let last = size - 1; last > 0; last--) {
    const row = last * size;
    let scale = 0;
    for (let k = 0; k < last; k++) scale = Math.max(scale, Math.abs(a[row + k] as number));
    if (scale === 0) continue;
    // v = the row left of the diagonal, its last entry moved away from 0 by its norm: I - v v^T / h maps the row
    // onto that entry alone.
    let squares = 0;
    for (let k = 0; k < last; k++) {
      v[k] = (a[row + k] as number) / scale;
      squares += (v[k] as number) ** 2;
    }
    const f = v[last - 1] as number;
    const norm = f >= 0 ? -Math.sqrt(squares) : Math.sqrt(squares);
    const h = squares - f * norm;
    subdiagonal[last - 1] = scale * norm;
    v[last - 1] = f - norm;

    p.fill(0, 0, last);
    for (let i = 0; i < last; i++) {
      const at = i * size;
      const vi = v[i] as number;
      let sum = (a[at + i] as number) * vi;
      for (let j = 0; j < i; j++) {
        const value = a[at + j] as number;
        sum += value * (v[j] as number);
        p[j] = (p[j] as number) + value * vi;
      }
      p[i] = (p[i] as number) + sum;
    }
    let projection = 0;
    for (let i = 0; i < last; i++) {
      p[i] = (p[i] as number) / h;
      projection += (p[i] as number) * (v[i] as number);
    }
    const half = projection / (2 * h);
    for (let i = 0; i < last; i++) p[i] = (p[i] as number) - half * (v[i] as number);
    for (let i = 0; i < last; i++) {
      const at = i * size;
      const [vi, pi] = [v[i] as number, p[i] as number];
      for (let j = 0; j <= i; j++)
        a[at + j] = (a[at + j] as number) - vi * (p[j] as number) - pi * (v[j] as number);
    }
  }
  return [a.filter((_, i) => i % (size + 1) === 0), subdiagonal];
}

/** QL steps with Wilkinson's shift until diagonal[first] is an eigenvalue. */
function isolate(diagonal: Float64Array, subdiagonal: Float64Array, first: number): void {
  for (let iteration = 0; iteration <= MAX_ITERATIONS; iteration++) {
    // The first row after which the matrix falls in two: the next entry below the diagonal is nil.
    let last = first;
    for (; last < diagonal.length - 1; last++) {
      const size = Math.abs(diagonal[last] as number) + Math.abs(diagonal[last + 1] as number);
      if (Math.abs(subdiagonal[last] as number) <= Number.EPSILON * size) break;
    }
    if (last === first) return;
    qlStep(diagonal, subdiagonal, first, last);
  }
  throw new Error('QL did not converge');
}

function qlStep(d: Float64Array, e: Float64Array, first: number, last: number): void {
  const corner = e[first] as number;
  const ratio = ((d[first + 1] as number) - (d[first] as number)) / (2 * corner);
  const root = Math.hypot(ratio, 1);
  let g = (d[last] as number) - (d[first] as number) + corner / (ratio + (ratio >= 0 ? root : -root));
  let [sine, cosine, shift] = [1, 1, 0];
  for (let i = last - 1; i >= first; i--) {
    const f = sine * (e[i] as number);
    const b = cosine * (e[i] as number);
    const length = Math.hypot(f, g);
    e[i + 1] = length;
    if (length === 0) {
      d[i + 1] = (d[i + 1] as number) - shift;
      e[last] = 0;
      return;
    }
    sine = f / length;
    cosine = g / length;
    g = (d[i + 1] as number) - shift;
    const s = ((d[i] as number) - g) * sine + 2 * cosine * b;
    shift = sine * s;
    d[i + 1] = g + shift;
    g = cosine * s - b;
  }
  d[first] = (d[first] as number) - shift;
  e[first] = g;
  e[last] = 0;
}
