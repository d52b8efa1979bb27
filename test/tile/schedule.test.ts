import { setImmediate } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Estimation } from '#src/core/inference/estimation.js';
import { createSchedule, type TileShape } from '#src/tile/schedule.js';
import { expectedEstimate, recordingEngine, SMALL, TALL, tileEstimation } from './recording-engine.js';
import { rejection } from './rejection.js';

interface TileSpec {
  readonly tile: number;
  readonly shape: TileShape;
  readonly evaluations: number;
}

/** Tiles of both shapes and of every length from 1 to 6, interleaved. */
const MIXED: readonly TileSpec[] = Array.from({ length: 20 }, (_, tile) => ({
  tile,
  shape: tile % 3 === 2 ? TALL : SMALL,
  evaluations: 1 + ((tile * 5) % 6),
}));

/** All tiles through a schedule at once; what waits when each evaluation begins, by shape. */
async function runAll(specs: readonly TileSpec[], lanes: number, batchSize: number) {
  const started: number[] = [];
  const waiting = new Set<TileSpec>();
  const waitingAtEvaluation: TileSpec[][] = [];
  const engine = recordingEngine(lanes, batchSize, async () => {
    waitingAtEvaluation.push([...waiting]);
    await setImmediate();
  });
  const schedule = createSchedule(engine);
  const estimates = await Promise.all(
    specs.map((spec) => {
      waiting.add(spec);
      const estimation = tileEstimation(spec.tile, spec.shape, spec.evaluations, () => {
        waiting.delete(spec);
        started.push(spec.tile);
      });
      return schedule.run({ shape: spec.shape, estimation });
    }),
  );
  return { engine, schedule, estimates, started, waitingAtEvaluation };
}

for (const [lanes, batchSize] of [
  [1, 1],
  [2, 1],
  [1, 3],
  [2, 3],
] as const) {
  const name = `${lanes} lanes of ${batchSize}`;

  test(`${name}: every tile's result is the one it has alone`, async () => {
    const { estimates } = await runAll(MIXED, lanes, batchSize);
    for (const [i, { tile, shape, evaluations }] of MIXED.entries()) {
      assert.equal(estimates[i]?.estimate, expectedEstimate(tile, shape, evaluations), `tile ${tile}`);
      assert.is(estimates[i]?.evaluations, evaluations);
    }
  });

  test(`${name}: batches hold one shape, and are full while tiles of it wait`, async () => {
    const { engine, schedule, waitingAtEvaluation } = await runAll(MIXED, lanes, batchSize);
    assert.is(schedule.capacity, lanes * batchSize);
    assert.is(engine.mostInFlight, lanes);
    for (const [i, { tiles, batch }] of engine.asked.entries()) {
      const { channels, height, width } = batch.shape;
      assert.is(batch.y.length, tiles.length * channels * height * width);
      for (const tile of tiles) assert.equal(MIXED[tile]?.shape, { channels, height, width });
      const more = waitingAtEvaluation[i]?.filter(({ shape }) => shape.height === height) ?? [];
      assert.ok(tiles.length === batchSize || more.length === 0, `evaluation ${i} has ${tiles.length} tiles`);
    }
    const total = MIXED.reduce((sum, { evaluations }) => sum + evaluations, 0);
    assert.is(
      engine.asked.reduce((sum, { tiles }) => sum + tiles.length, 0),
      total,
    );
  });

  test(`${name}: tiles of one shape start in the order of the calls`, async () => {
    const { started } = await runAll(MIXED, lanes, batchSize);
    for (const shape of [SMALL, TALL]) {
      const own = started.filter((tile) => MIXED[tile]?.shape === shape);
      assert.equal(
        own,
        [...own].sort((a, b) => a - b),
      );
    }
    assert.is(started.length, MIXED.length);
    if (batchSize === 1)
      assert.equal(
        started,
        [...started].sort((a, b) => a - b),
      );
  });
}

test('the place of a finished tile is taken by the next at the next evaluation', async () => {
  const specs = [4, 1, 2, 1, 1].map((evaluations, tile) => ({ tile, shape: SMALL, evaluations }));
  const { engine } = await runAll(specs, 1, 2);
  // The lane starts with the tile that there is; 1 joins and ends, then 2 takes its place, then 3, then 4.
  const batches = engine.asked.map(({ tiles }) => [...tiles].sort());
  assert.equal(batches, [[0], [0, 1], [0, 2], [0, 2], [3, 4]]);
});

test('a failing evaluation rejects the tiles of its batch only', async () => {
  const failure = new Error('out of memory');
  let failed: readonly number[] = [];
  const engine = recordingEngine(2, 3, async ({ tiles }, index) => {
    await setImmediate();
    if (index !== 5) return;
    failed = tiles;
    throw failure;
  });
  const schedule = createSchedule(engine);
  const results = await Promise.allSettled(
    MIXED.map(({ tile, shape, evaluations }) =>
      schedule.run({ shape, estimation: tileEstimation(tile, shape, evaluations) }),
    ),
  );
  assert.ok(failed.length > 0);
  for (const [tile, result] of results.entries()) {
    const spec = MIXED[tile] as TileSpec;
    if (result.status === 'rejected') assert.is(result.reason, failure);
    else assert.equal(result.value.estimate, expectedEstimate(tile, spec.shape, spec.evaluations));
    assert.is(result.status === 'rejected', failed.includes(tile), `tile ${tile}: ${result.status}`);
  }
});

test('an estimation that throws rejects alone', async () => {
  const broken = new Error('broken');
  function* throwing(): Estimation {
    yield { y: new Float32Array(12), sigma: 0.1 };
    throw broken;
  }
  const schedule = createSchedule(recordingEngine(1, 3));
  const good = [1, 2].map((tile) =>
    schedule.run({ shape: SMALL, estimation: tileEstimation(tile, SMALL, 3) }),
  );
  assert.is(await rejection(schedule.run({ shape: SMALL, estimation: throwing() })), broken);
  for (const [i, { estimate }] of (await Promise.all(good)).entries())
    assert.equal(estimate, expectedEstimate(i + 1, SMALL, 3));
});

test.run();
