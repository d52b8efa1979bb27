// Tiles of many pictures on the lanes of one engine.
import { setImmediate } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ClimbPoint } from '#src/core/engine/engine.js';
import { betaMap } from '#src/core/inference/beta-map.js';
import type { Estimation } from '#src/core/inference/estimation.js';
import type { Shape } from '#src/core/picture.js';
import { createSchedule } from '#src/tile/schedule.js';
import { expectedEstimate, recordingEngine, SMALL, TALL, tileEstimation } from './recording-engine.js';
import { rejection } from './rejection.js';

interface TileSpec {
  readonly tile: number;
  readonly shape: Shape;
  readonly evaluations: number;
}

/** Tiles of both shapes and of every length from 1 to 6, interleaved. */
const MIXED: readonly TileSpec[] = Array.from({ length: 20 }, (_, tile) => ({
  tile,
  shape: tile % 3 === 2 ? TALL : SMALL,
  evaluations: 1 + ((tile * 5) % 6),
}));

/** All tiles through a schedule at once; those in work when each evaluation begins. */
async function runAll(specs: readonly TileSpec[], lanes: number) {
  const started: number[] = [];
  const inWork = new Set<number>();
  const inWorkAtEvaluation: number[][] = [];
  const engine = recordingEngine(lanes, async () => {
    inWorkAtEvaluation.push([...inWork]);
    await setImmediate();
  });
  const schedule = createSchedule(engine);
  const estimates = await Promise.all(
    specs.map(async ({ tile, shape, evaluations }) => {
      const estimation = tileEstimation(tile, shape, evaluations, () => {
        started.push(tile);
        inWork.add(tile);
      });
      const estimate = await schedule.run({ shape, estimation });
      inWork.delete(tile);
      return estimate;
    }),
  );
  return { engine, schedule, estimates, started, inWorkAtEvaluation };
}

for (const lanes of [1, 2, 3]) {
  test(`${lanes} lanes: every tile's result is the one it has alone`, async () => {
    const { estimates } = await runAll(MIXED, lanes);
    for (const [i, { tile, shape, evaluations }] of MIXED.entries()) {
      assert.equal(estimates[i]?.estimate, expectedEstimate(tile, shape, evaluations), `tile ${tile}`);
      assert.is(estimates[i]?.evaluations, evaluations);
    }
  });

  test(`${lanes} lanes: as many tiles in work, each evaluated as often as it asks, in its own shape`, async () => {
    const { engine, schedule, inWorkAtEvaluation } = await runAll(MIXED, lanes);
    assert.is(schedule.capacity, lanes);
    assert.is(engine.mostInFlight, lanes);
    for (const tiles of inWorkAtEvaluation) assert.ok(tiles.length <= lanes, `${tiles} are in work`);
    for (const { tile, shape, evaluations } of MIXED) {
      const own = engine.asked.filter((asked) => asked.tile === tile);
      assert.equal(
        own.map((asked) => asked.shape),
        Array(evaluations).fill(shape),
      );
    }
  });

  test(`${lanes} lanes: tiles start in the order of the calls`, async () => {
    const { started } = await runAll(MIXED, lanes);
    assert.equal(
      started,
      MIXED.map(({ tile }) => tile),
    );
  });
}

test('a lane takes the next tile when its own has ended', async () => {
  const specs = [4, 1, 2, 1, 1].map((evaluations, tile) => ({ tile, shape: SMALL, evaluations }));
  const { engine } = await runAll(specs, 2);
  // 1 ends first and 2 takes its lane, then 3; 4 takes the lane of 0.
  assert.equal(
    engine.asked.map(({ tile }) => tile),
    [0, 1, 0, 2, 0, 2, 0, 3, 4],
  );
});

test('an evaluation that fails rejects its tile alone, and the lane goes on', async () => {
  const failure = new Error('out of memory');
  let failed: number | undefined;
  const engine = recordingEngine(2, async ({ tile }, index) => {
    await setImmediate();
    if (index !== 5) return;
    failed = tile;
    throw failure;
  });
  const schedule = createSchedule(engine);
  const results = await Promise.allSettled(
    MIXED.map(({ tile, shape, evaluations }) =>
      schedule.run({ shape, estimation: tileEstimation(tile, shape, evaluations) }),
    ),
  );
  assert.ok(failed !== undefined);
  for (const [tile, result] of results.entries()) {
    const spec = MIXED[tile] as TileSpec;
    if (result.status === 'rejected') assert.is(result.reason, failure);
    else assert.equal(result.value.estimate, expectedEstimate(tile, spec.shape, spec.evaluations));
    assert.is(result.status === 'rejected', failed === tile, `tile ${tile}: ${result.status}`);
  }
});

test('an estimation that throws rejects alone', async () => {
  const broken = new Error('broken');
  function* throwing(when: 'at once' | 'later'): Estimation {
    if (when === 'later') yield { y: new Float32Array(12), sigma: 0.1 };
    throw broken;
  }
  const schedule = createSchedule(recordingEngine(1));
  const tiles = [1, 2].map((tile) =>
    schedule.run({ shape: SMALL, estimation: tileEstimation(tile, SMALL, 3) }),
  );
  for (const when of ['at once', 'later'] as const)
    assert.is(await rejection(schedule.run({ shape: SMALL, estimation: throwing(when) })), broken);
  for (const [i, { estimate }] of (await Promise.all(tiles)).entries())
    assert.equal(estimate, expectedEstimate(i + 1, SMALL, 3));
});

test('an engine that takes climbs gets beta-MAP in one request, and noise without a precision step by step', async () => {
  const y = new Float32Array(12).fill(0.5);
  const options = { beta: 2, steps: 3, rate: 0.1, start: 'noisy', polish: false, priorSigma: 0.01 } as const;
  const climbs: ClimbPoint[] = [];
  const engine = recordingEngine(1);
  const schedule = createSchedule({
    ...engine,
    async climb(point) {
      climbs.push(point);
      return { estimate: point.y.map((value) => value + 1), objective: 7, steps: 2, isConverged: true };
    },
  });
  const whole = await schedule.run({ shape: SMALL, estimation: betaMap(y, 0.1, options) });
  assert.equal(
    [whole.estimate, whole.objective, whole.steps, whole.evaluations, whole.isConverged, whole.fallback],
    [new Float32Array(12).fill(1.5), 7, 2, 3, true, undefined],
  );
  const [point] = climbs;
  assert.equal(
    [point?.shape, point?.sigma, point?.y, point?.climb.noisy, point?.climb.beta],
    [SMALL, 0.01, y, y, 2],
  );
  assert.ok(point?.y !== y && point?.climb.noisy !== y, 'the engine takes the buffers away');
  assert.is(engine.asked.length, 0);

  const own = {
    name: 'own',
    logLikelihood: () => 0,
    gradient: (_: unknown, __: unknown, out: Float32Array) => out,
  };
  const stepwise = await schedule.run({
    shape: SMALL,
    estimation: betaMap(y, 0.1, { ...options, noise: own }),
  });
  assert.is(climbs.length, 1);
  assert.is(engine.asked.length, stepwise.evaluations);
});

test.run();
