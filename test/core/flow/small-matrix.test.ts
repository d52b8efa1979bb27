import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { invertMatrix, logAbsDet } from '#src/core/ops/small-matrix.js';
import { expectBelow } from './differences.js';
import { float64Ops, tensor64 } from './float64-ops.js';
import { randomNumbers } from './random-weights.js';

const SIZES = [1, 2, 3, 12, 24, 48];

test('a matrix times its inverse is the identity, from either side', () => {
  for (const size of SIZES) {
    const matrix = randomNumbers(size * size, 1, size);
    const inverse = invertMatrix(matrix, size);
    for (const [a, b] of [
      [matrix, inverse],
      [inverse, matrix],
    ] as const)
      for (let i = 0; i < size; i++)
        for (let j = 0; j < size; j++) {
          let sum = i === j ? -1 : 0;
          for (let k = 0; k < size; k++) sum += (a[i * size + k] as number) * (b[k * size + j] as number);
          expectBelow(Math.abs(sum), 1e-9, `size ${size}, entry ${i}, ${j}`);
        }
  }
});

test('known determinants, whatever the order of the rows', () => {
  assert.is(logAbsDet([1], 1), 0);
  expectBelow(Math.abs(logAbsDet([0, 2, 3, 0], 2) - Math.log(6)), 1e-15, 'a permuted diagonal');
  expectBelow(Math.abs(logAbsDet([2, 0, 1, 1, 3, 2, 1, 1, 2], 3) - Math.log(6)), 1e-14, 'an integer matrix');
  // Hilbert's matrix of order 4: 1 / 6048000.
  const hilbert = Array.from({ length: 16 }, (_, i) => 1 / (Math.floor(i / 4) + (i % 4) + 1));
  expectBelow(Math.abs(logAbsDet(hilbert, 4) + Math.log(6_048_000)), 1e-10, "Hilbert's matrix");
  // Vandermonde's: the product of the differences.
  const nodes = [-1.5, -0.25, 0.5, 2, 3.5];
  const vandermonde = nodes.flatMap((node) => nodes.map((_, power) => node ** power));
  const product = nodes.reduce((p, a, i) => nodes.slice(i + 1).reduce((q, b) => q * (b - a), p), 1);
  expectBelow(
    Math.abs(logAbsDet(vandermonde, 5) - Math.log(Math.abs(product))),
    1e-12,
    "Vandermonde's matrix",
  );
});

test('a singular matrix has ln |det| = -Infinity', () => {
  assert.is(logAbsDet([1, 2, 2, 4], 2), Number.NEGATIVE_INFINITY);
  assert.is(logAbsDet(new Float64Array(9), 3), Number.NEGATIVE_INFINITY);
});

test('LU agrees with Gram-Schmidt', () => {
  for (const size of SIZES) {
    const matrix = randomNumbers(size * size, 1, 100 + size);
    const kernel = tensor64(matrix, [size, size, 1, 1]);
    const expected = float64Ops.logAbsDet(kernel).data[0] as number;
    expectBelow(Math.abs(logAbsDet(matrix, size) - expected), 1e-10, `ln |det| of size ${size}`);
    const [inverse, other] = [invertMatrix(matrix, size), float64Ops.invertKernel(kernel).data];
    const scale = Math.max(...other.map(Math.abs));
    const worst = Math.max(...inverse.map((value, i) => Math.abs(value - (other[i] as number))));
    expectBelow(worst / scale, 1e-10, `inverse of size ${size}`);
  }
});

test.run();
