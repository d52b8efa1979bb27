// What is the ONNX engine's own: sessions per shape and noise level, made and dropped as they are needed.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import type { LocalEngine, TilePoint } from '#src/core/engine/engine.js';
import { openOnnxEngine } from '#src/core/engine/onnx/onnx-engine.js';
import { densityAndScore } from '#src/core/flow/log-density.js';
import { parametersFrom } from '#src/core/flow/parameters.js';
import { type Fixture, loadFixture, tilesOf } from '../fixture.js';
import { expectBelow, relativeDifference } from '../flow/differences.js';
import { float64Ops, tensor64 } from '../flow/float64-ops.js';
import { randomNumbers } from '../flow/random-weights.js';

const test = suite('onnx engine', { fixture: undefined, engine: undefined } as unknown as {
  fixture: Fixture;
  engine: LocalEngine;
});
test.before.each(async (context) => {
  context.fixture = await loadFixture('conditioned');
  context.engine = await openOnnxEngine(context.fixture.prior);
});
test.after.each(({ engine }) => engine.close());

test('the session made for a noise level that keeps coming back gives the same', async (context) => {
  const { engine, fixture } = context;
  const [, tile, { sigma }] = tilesOf(fixture.batch) as [TilePoint, TilePoint, TilePoint];
  const first = await engine.evaluate(tile);
  let last = first;
  for (let i = 2; i <= 10; i++) last = await engine.evaluate(tile);
  expectBelow(relativeDifference(last.score, first.score), 1e-5, 'score');
  expectBelow(relativeDifference([last.logDensity], [first.logDensity]), 1e-5, 'log density');
  // Nor does it answer for another noise level.
  const other = await engine.evaluate({ ...tile, sigma });
  assert.ok(relativeDifference(other.score, first.score) > 1e-2, 'sigma makes no difference');
  const again = await openOnnxEngine(fixture.prior);
  const fresh = await again.evaluate({ ...tile, sigma });
  await again.close();
  assert.equal(other, fresh);
});

test('many shapes in turn, and again after their sessions were released', async ({ engine, fixture }) => {
  const { model, weights } = fixture.prior;
  const density = densityAndScore(float64Ops, model, parametersFrom(float64Ops, weights));
  const shapes = [1, 2, 3, 4].flatMap((k) => [
    [4 * k, 8],
    [8, 4 * k + 8],
  ]);
  const cases = shapes.map(([height = 0, width = 0], i) => {
    const y = Float32Array.from(randomNumbers(3 * height * width, 0.2, i), (value) => value + 0.5);
    const tile: TilePoint = { shape: { channels: 3, height, width }, y, sigma: 0.1 };
    return { tile, expected: density(tensor64(y, [1, 3, height, width]), tensor64([0.1], [1, 1])) };
  });
  // Each shape nine times in a row: it gets its own session for sigma, and the others lie idle for 63 evaluations.
  for (const round of [1, 2])
    for (const [index, { tile, expected }] of cases.entries())
      for (let i = 0; i < 9; i++) {
        const { logDensity, score } = await engine.evaluate(tile);
        const what = `shape ${index}, round ${round}, evaluation ${i}`;
        expectBelow(relativeDifference(score, expected.score.data), 1e-5, what);
        expectBelow(relativeDifference([logDensity], expected.logDensity.data), 1e-5, what);
      }
});

test.run();
