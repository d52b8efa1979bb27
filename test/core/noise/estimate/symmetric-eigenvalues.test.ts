import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FlowDenoiseError } from '#src/core/errors.js';
import { symmetricEigenvalues } from '#src/core/noise/estimate/white/symmetric-eigenvalues.js';
import { gaussianGenerator } from '#src/core/noise/index.js';

const isNear = (values: Float64Array, wanted: ArrayLike<number>, tolerance: number) => {
  assert.is(values.length, wanted.length);
  values.forEach((value, i) => {
    const want = wanted[i] ?? Number.NaN;
    assert.ok(Math.abs(value - want) <= tolerance, `eigenvalue ${i}: ${value}, not ${want}`);
  });
};

const build = (size: number, entry: (row: number, column: number) => number) =>
  Float64Array.from({ length: size * size }, (_, at) => entry(Math.floor(at / size), at % size));

/** Q diag(values) Q^T with Q a product of reflections: the eigenvalues are known, the matrix is dense. */
function rotated(values: readonly number[], seed: number): Float64Array {
  const size = values.length;
  const normal = gaussianGenerator(seed);
  let matrix = build(size, (row, column) => (row === column ? (values[row] ?? 0) : 0));
  for (let round = 0; round < 3; round++) {
    const v = Float64Array.from({ length: size }, normal);
    const square = v.reduce((sum, value) => sum + value * value, 0);
    const at = (m: Float64Array, row: number, column: number) => m[row * size + column] ?? 0;
    const mv = v.map((_, row) => v.reduce((sum, value, column) => sum + at(matrix, row, column) * value, 0));
    const vmv = v.reduce((sum, value, row) => sum + value * (mv[row] ?? 0), 0);
    const before = matrix;
    matrix = build(size, (row, column) => {
      const [vr, vc] = [v[row] ?? 0, v[column] ?? 0];
      const cross = vr * (mv[column] ?? 0) + (mv[row] ?? 0) * vc;
      return at(before, row, column) - (2 / square) * cross + (4 / square ** 2) * vmv * vr * vc;
    });
  }
  return matrix;
}

test('matrices with eigenvalues in closed form', () => {
  isNear(symmetricEigenvalues(Float64Array.of(3), 1), [3], 0);
  isNear(symmetricEigenvalues(Float64Array.of(2, 1, 1, 2), 2), [1, 3], 1e-15);
  isNear(symmetricEigenvalues(new Float64Array(0), 0), [], 0);
  for (const size of [2, 5, 28, 64]) {
    const second = build(size, (row, column) => (row === column ? 2 : Math.abs(row - column) === 1 ? -1 : 0));
    const wanted = Array.from({ length: size }, (_, k) => 2 - 2 * Math.cos(((k + 1) * Math.PI) / (size + 1)));
    isNear(symmetricEigenvalues(second, size), wanted, 1e-13);
    // Of rank 1, with one eigenvalue above 0; diagonal; nil.
    const ones = build(size, () => 1);
    isNear(
      symmetricEigenvalues(ones, size),
      Array.from({ length: size }, (_, i) => (i === size - 1 ? size : 0)),
      1e-12,
    );
    isNear(
      symmetricEigenvalues(
        build(size, (row, column) => (row === column ? -row : 0)),
        size,
      ),
      Array.from({ length: size }, (_, i) => i + 1 - size),
      0,
    );
    isNear(symmetricEigenvalues(new Float64Array(size * size), size), new Float64Array(size), 0);
  }
});

test('a chosen spectrum is found again in a dense matrix, repeated and tiny eigenvalues included', () => {
  const spectra = [
    [1, 1, 1, 1, 1],
    [-3, 0, 0, 2, 7, 7, 100],
    [1e-8, 1e-4, 1, 1e4],
    Array.from({ length: 96 }, (_, i) => (i < 60 ? 1 : i - 58)),
    Array.from({ length: 192 }, (_, i) => 1.03 ** i),
  ];
  spectra.forEach((spectrum, seed) => {
    const most = Math.max(...spectrum.map(Math.abs));
    isNear(symmetricEigenvalues(rotated(spectrum, seed), spectrum.length), spectrum, 1e-13 * most * 10);
  });
});

test('the sums of eigenvalues and of their squares are the trace and the squared norm', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 0, max: 1000 }), (size, seed) => {
      const normal = gaussianGenerator(seed);
      const half = Float64Array.from({ length: size * size }, normal);
      const matrix = build(
        size,
        (row, column) => (half[row * size + column] ?? 0) + (half[column * size + row] ?? 0),
      );
      const values = symmetricEigenvalues(matrix.slice(), size);
      const sum = (numbers: Float64Array) => numbers.reduce((total, value) => total + value, 0);
      const trace = sum(matrix.filter((_, at) => at % (size + 1) === 0));
      assert.ok(Math.abs(sum(values) - trace) <= 1e-12 * size * size);
      const [squares, norm] = [sum(values.map((v) => v * v)), sum(matrix.map((v) => v * v))];
      assert.ok(Math.abs(squares - norm) <= 1e-12 * norm);
      assert.equal(values, values.slice().sort());
    }),
    { seed: 5 },
  );
});

test('only the lower triangle is read', () => {
  isNear(symmetricEigenvalues(Float64Array.of(2, 99, 1, 2), 2), [1, 3], 1e-15);
});

test('matrices that are not finite are refused', () => {
  const isBadOption = (error: unknown) => error instanceof FlowDenoiseError && error.code === 'BAD_OPTION';
  for (const bad of [Number.NaN, Infinity])
    assert.throws(() => symmetricEigenvalues(Float64Array.of(1, 0, bad, 1), 2), isBadOption);
});

test.run();
