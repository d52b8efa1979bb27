// What is the ONNX engine's own: a session for all tiles, and sessions per shape and noise level of large ones, made and
// dropped as they are needed.
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

test('many shapes in the one session', async ({ engine, fixture }) => {
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
  for (const [index, { tile, expected }] of cases.entries()) {
    const { logDensity, score } = await engine.evaluate(tile);
    expectBelow(relativeDifference(score, expected.score.data), 1e-5, `shape ${index}`);
    expectBelow(relativeDifference([logDensity], expected.logDensity.data), 1e-5, `shape ${index}`);
  }
});

test('large tiles in sessions of their own, and again after these were released', async ({ engine }) => {
  const large: TilePoint[] = [
    [200, 208],
    [208, 200],
  ].map(([height = 0, width = 0], i) => ({
    shape: { channels: 3, height, width },
    y: Float32Array.from(randomNumbers(3 * height * width, 0.2, i), (value) => value + 0.5),
    sigma: 0.1,
  }));
  const alike = async (tile: TilePoint) => {
    const [own, general] = [await engine.evaluate(tile), await engine.evaluate({ ...tile, varies: true })];
    assert.not.equal(own.score, general.score, 'one session answered both');
    expectBelow(relativeDifference(own.score, general.score), 1e-5, 'score');
    expectBelow(relativeDifference([own.logDensity], [general.logDensity]), 1e-5, 'log density');
    return own;
  };
  const before = [];
  for (const tile of large) before.push(await alike(tile));
  const small: TilePoint = {
    shape: { channels: 3, height: 8, width: 8 },
    y: new Float32Array(192),
    sigma: 0.1,
  };
  for (let i = 0; i < 30; i++) await engine.evaluate(small);
  for (const [i, tile] of large.entries()) assert.equal(await alike(tile), before[i]);
});

test.run();
