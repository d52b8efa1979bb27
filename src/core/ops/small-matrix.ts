// Determinant and inverse of the small square matrices of the 1x1 convolutions (C <= 192), in float64 on the host.

/**
 * LU decomposition with partial pivoting. `lu` holds L (unit diagonal, below) and U (on and above the diagonal), row-major;
 * `pivots[i]` is the row of the input that is now row i.
 */
function decompose(matrix: ArrayLike<number>, size: number) {
  const lu = Float64Array.from(matrix);
  const pivots = Int32Array.from({ length: size }, (_, row) => row);
  const at = (row: number, column: number) => lu[row * size + column] as number;
  for (let k = 0; k < size; k++) {
    let best = k;
    for (let row = k + 1; row < size; row++) if (Math.abs(at(row, k)) > Math.abs(at(best, k))) best = row;
    if (best !== k) {
      const row = lu.slice(k * size, (k + 1) * size);
      lu.copyWithin(k * size, best * size, (best + 1) * size);
      lu.set(row, best * size);
      [pivots[k], pivots[best]] = [pivots[best] as number, pivots[k] as number];
    }
    if (at(k, k) === 0) continue;
    for (let row = k + 1; row < size; row++) {
      const factor = at(row, k) / at(k, k);
      lu[row * size + k] = factor;
      for (let column = k + 1; column < size; column++)
        lu[row * size + column] = at(row, column) - factor * at(k, column);
    }
  }
  return { lu, pivots };
}

/** ln |det M| of a row-major [size, size] matrix; -Infinity when it is singular. */
export function logAbsDet(matrix: ArrayLike<number>, size: number): number {
  const { lu } = decompose(matrix, size);
  let sum = 0;
  for (let k = 0; k < size; k++) sum += Math.log(Math.abs(lu[k * size + k] as number));
  return sum;
}

/** The inverse of a row-major [size, size] matrix. */
export function invertMatrix(matrix: ArrayLike<number>, size: number): Float64Array {
  const { lu, pivots } = decompose(matrix, size);
  const inverse = new Float64Array(size * size);
  for (let column = 0; column < size; column++) {
    const solution = new Float64Array(size);
    for (let row = 0; row < size; row++) {
      let value = pivots[row] === column ? 1 : 0;
      for (let k = 0; k < row; k++) value -= (lu[row * size + k] as number) * (solution[k] as number);
      solution[row] = value;
    }
    for (let row = size - 1; row >= 0; row--) {
      let value = solution[row] as number;
      for (let k = row + 1; k < size; k++) value -= (lu[row * size + k] as number) * (solution[k] as number);
      solution[row] = value / (lu[row * size + row] as number);
      inverse[row * size + column] = solution[row] as number;
    }
  }
  return inverse;
}
