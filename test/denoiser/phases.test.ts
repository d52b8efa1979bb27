import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { meanOfEstimates, mergePhases, splitPhases } from '#src/denoiser/phases.js';

const shapes = fc.record({
  channels: fc.integer({ min: 1, max: 4 }),
  height: fc.integer({ min: 1, max: 33 }),
  width: fc.integer({ min: 1, max: 33 }),
});

test('merging is the inverse of splitting, for all sizes and in any order of the phases', () => {
  fc.assert(
    fc.property(shapes, fc.boolean(), (shape, isReversed) => {
      const tile = Float32Array.from(
        { length: shape.channels * shape.height * shape.width },
        (_, i) => i + 1,
      );
      const phases = splitPhases(tile, shape);
      assert.equal(mergePhases(isReversed ? phases.reverse() : phases, shape), tile);
    }),
  );
});

test('splitting is the inverse of merging', () => {
  const shape = { channels: 3, height: 32, width: 48 };
  const empty = splitPhases(new Float32Array(3 * 32 * 48), shape);
  const phases = empty.map((phase, p) => ({ ...phase, data: phase.data.map((_, i) => 10_000 * p + i) }));
  assert.equal(splitPhases(mergePhases(phases, shape), shape), phases);
});

test('a phase has every second pixel of every second row of its channel', () => {
  fc.assert(
    fc.property(shapes, (shape) => {
      const { channels, height, width } = shape;
      const tile = Float32Array.from({ length: channels * height * width }, (_, i) => i);
      for (const { data, row, column, ...phase } of splitPhases(tile, shape)) {
        assert.is(phase.channels, channels);
        assert.is(data.length, channels * phase.height * phase.width);
        data.forEach((value, i) => {
          const x = i % phase.width;
          const y = Math.floor(i / phase.width) % phase.height;
          const channel = Math.floor(i / (phase.width * phase.height));
          assert.is(value, (channel * height + 2 * y + row) * width + 2 * x + column);
        });
      }
    }),
  );
});

test('phases of a tile with sides of 2 f have sides of f', () => {
  const phases = splitPhases(new Float32Array(3 * 48 * 32), { channels: 3, height: 48, width: 32 });
  assert.equal(
    phases.map(({ height, width, row, column }) => [height, width, row, column]),
    [
      [24, 16, 0, 0],
      [24, 16, 0, 1],
      [24, 16, 1, 0],
      [24, 16, 1, 1],
    ],
  );
});

test('two estimates are averaged in place of the first', () => {
  const first = Float32Array.of(0, 1, -0.5);
  assert.is(meanOfEstimates(first, Float32Array.of(1, 1, 0.5)), first);
  assert.equal(first, Float32Array.of(0.5, 1, 0));
});

test.run();
