// Tiles that are given up: aborted while they wait or run, or cut off by close.
import { setImmediate } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FlowDenoiseError } from '#src/core/errors.js';
import { createSchedule } from '#src/tile/schedule.js';
import { expectedEstimate, recordingEngine, SMALL, tileEstimation } from './recording-engine.js';
import { rejection } from './rejection.js';

const isClosed = (error: unknown) => error instanceof FlowDenoiseError && error.code === 'CLOSED';

/** A schedule of one lane whose evaluations wait until `release` is called. */
function heldSchedule() {
  const held: (() => void)[] = [];
  const engine = recordingEngine(1, () => new Promise<void>((resolve) => held.push(resolve)));
  const schedule = createSchedule(engine);
  const run = (tile: number, signal?: AbortSignal, evaluations = 2) =>
    schedule.run({ shape: SMALL, estimation: tileEstimation(tile, SMALL, evaluations), signal });
  return { engine, schedule, run, release: () => held.shift()?.(), isHeld: () => held.length > 0 };
}

test('an aborted tile that waits rejects with the reason at once and is never computed', async () => {
  const { engine, run, release, isHeld } = heldSchedule();
  const abort = new AbortController();
  const [first, second] = [run(0), run(1, abort.signal)];
  const reason = new Error('enough');
  abort.abort(reason);
  assert.is(await rejection(second), reason);
  assert.ok(isHeld(), 'the first evaluation is still in flight');
  const third = run(2, abort.signal);
  assert.is(await rejection(third), reason);
  while (isHeld()) {
    release();
    await setImmediate();
  }
  assert.equal((await first).estimate, expectedEstimate(0, SMALL, 2));
  assert.equal(
    engine.asked.map(({ tile }) => tile),
    [0, 0],
  );
});

test('an aborted tile that runs rejects at once, and its lane takes the next', async () => {
  const { engine, run, release, isHeld } = heldSchedule();
  const abort = new AbortController();
  const reason = new Error('enough');
  const first = run(0, abort.signal, 9);
  const others = [run(1), run(2)];
  abort.abort(reason);
  assert.is(await rejection(first), reason);
  while (isHeld()) {
    release();
    await setImmediate();
  }
  for (const [i, { estimate }] of (await Promise.all(others)).entries())
    assert.equal(estimate, expectedEstimate(i + 1, SMALL, 2));
  assert.equal(
    engine.asked.map(({ tile }) => tile),
    [0, 1, 1, 2, 2],
  );
});

test('after all is done no listener is left on a signal', async () => {
  const { signal } = new AbortController();
  let listeners = 0;
  const add = signal.addEventListener.bind(signal);
  const remove = signal.removeEventListener.bind(signal);
  signal.addEventListener = (...args: Parameters<typeof add>) => {
    listeners += 1;
    add(...args);
  };
  signal.removeEventListener = (...args: Parameters<typeof remove>) => {
    listeners -= 1;
    remove(...args);
  };
  const schedule = createSchedule(recordingEngine(2));
  const estimation = (tile: number) => tileEstimation(tile, SMALL, 2);
  await Promise.all(
    [1, 2, 3].map((tile) => schedule.run({ shape: SMALL, estimation: estimation(tile), signal })),
  );
  assert.is(listeners, 0);
});

test('close rejects what waits, whatever comes after, and what runs when its evaluation is back', async () => {
  const { schedule, engine, run, release, isHeld } = heldSchedule();
  const running = rejection(run(0, undefined, 3));
  const waiting = [run(1), run(2)];
  schedule.close();
  for (const promise of [...waiting, run(3)]) assert.ok(isClosed(await rejection(promise)));
  while (isHeld()) {
    release();
    await setImmediate();
  }
  assert.ok(isClosed(await running));
  assert.is(engine.asked.length, 1);
});

test.run();
