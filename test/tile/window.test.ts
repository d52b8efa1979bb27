import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { axisWindows } from '#src/tile/blend.js';
import { planTiles } from '#src/tile/plan.js';
import { tileOptions } from './arbitrary.js';

/** The number of tiles at each position of an axis, and the sum of their weights there. */
function totals(starts: readonly number[], length: number, windows: readonly Float32Array[]) {
  const sums = new Float64Array(length);
  const counts = new Uint32Array(length);
  windows.forEach((weights, i) => {
    weights.forEach((weight, p) => {
      const at = (starts[i] ?? Number.NaN) + p;
      sums[at] = (sums[at] ?? Number.NaN) + weight;
      counts[at] = (counts[at] ?? 0) + 1;
    });
  });
  return { sums, counts };
}

test('on any plan, weights are in [0, 1] and sum to 1', () => {
  fc.assert(
    fc.property(tileOptions, (options) => {
      const plan = planTiles(options);
      for (const [starts, tileLength, length] of [
        [plan.xs, plan.tileWidth, plan.paddedWidth],
        [plan.ys, plan.tileHeight, plan.paddedHeight],
      ] as const) {
        const windows = axisWindows(starts, tileLength, length, plan.overlap);
        assert.is(windows.length, starts.length);
        for (const weights of windows) {
          assert.is(weights.length, tileLength);
          assert.ok(weights.every((weight) => weight >= 0 && weight <= 1));
        }
        const { sums, counts } = totals(starts, length, windows);
        assert.ok(sums.every((sum) => Math.abs(sum - 1) < 1e-6));
        windows.forEach((weights, i) => {
          const isFull = weights.every(
            (weight, p) => counts[(starts[i] ?? Number.NaN) + p] !== 1 || weight === 1,
          );
          assert.ok(isFull, 'exactly 1 where a tile is alone');
        });
      }
    }),
  );
});

test('between two tiles: nothing in the margin, a smooth symmetric rise, no ramp at the edges', () => {
  const [left, right] = axisWindows([0, 96], 128, 224, 32) as [Float32Array, Float32Array];
  assert.ok(left.subarray(0, 96).every((weight) => weight === 1));
  assert.ok(left.subarray(96, 104).every((weight) => weight === 1));
  assert.ok(left.subarray(120).every((weight) => weight === 0));
  assert.ok(right.subarray(0, 8).every((weight) => weight === 0));
  assert.ok(right.subarray(24).every((weight) => weight === 1));
  assert.equal([...right], [...left].reverse());
  for (let p = 8; p < 24; p++) {
    const step = (right[p] ?? Number.NaN) - (right[p - 1] ?? Number.NaN);
    assert.ok(step > 0 && step < Math.PI / 2 / 16, `step ${step} at ${p}`);
  }
  assert.ok(Math.abs((right[15] ?? 0) + (right[16] ?? 0) - 1) < 1e-6);
});

test('the margin is a quarter of the overlap', () => {
  const [, right] = axisWindows([0, 96], 128, 224, 32) as [Float32Array, Float32Array];
  assert.is(right[7], 0);
  assert.ok((right[8] ?? 0) > 0);
});

test('no overlap makes a hard seam', () => {
  assert.equal(axisWindows([0, 2], 2, 4, 0), [new Float32Array([1, 1]), new Float32Array([1, 1])]);
});

test.run();
