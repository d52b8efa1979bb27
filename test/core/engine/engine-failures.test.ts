// Engines in trouble: an evaluation that fails, a thread that dies.
import type { Worker } from 'node:worker_threads';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { Engine, TilePoint } from '#src/core/engine/engine.js';
import { openOnnxEngine } from '#src/core/engine/onnx/onnx-engine.js';
import { mostThreads, openEngine } from '#src/core/engine/open-engine.js';
import { FlowDenoiseError } from '#src/core/errors.js';
import { loadFixture } from '../fixture.js';

const { prior } = await loadFixture('conditioned');

const workers: Worker[] = [];
process.on('worker', (worker) => workers.push(worker));

const open: Engine[] = [];
test.after.each(async () => {
  await Promise.all(open.splice(0).map((engine) => engine.close()));
  workers.length = 0;
});

async function opened(name: 'onnx' | 'wasm', threads: number): Promise<Engine> {
  const engine = await openEngine(prior, { engine: name, threads });
  open.push(engine);
  return engine;
}

const tileOf = (side: number): TilePoint => ({
  shape: { channels: 3, height: side, width: side },
  y: new Float32Array(3 * side * side).fill(0.5),
  sigma: 0.1,
});

async function rejects(promise: Promise<unknown>): Promise<void> {
  assert.is(
    await promise.then(
      () => 'fulfilled',
      () => 'rejected',
    ),
    'rejected',
  );
}

async function failure(promise: Promise<unknown>, code = 'ENGINE_FAILED'): Promise<FlowDenoiseError> {
  const error = await promise.then(
    () => new Error('it did not reject'),
    (reason: unknown) => reason,
  );
  assert.instance(error, FlowDenoiseError);
  assert.is((error as FlowDenoiseError).code, code);
  return error as FlowDenoiseError;
}

/** A size that cannot be squeezed (no graph can be recorded for it), and fewer samples than the shape says. */
const BAD = { size: () => tileOf(7), samples: () => ({ ...tileOf(8), y: new Float32Array(5) }) };

for (const name of ['onnx', 'wasm'] as const)
  test(`${name}: a tile that the flow cannot take is refused at the door`, async () => {
    const engine = await opened(name, 1);
    for (const bad of Object.values(BAD)) {
      const error = await failure(engine.evaluate(bad()), 'BAD_OPTION');
      assert.match(error.message, /multiples of 4 .* but received 3 x /);
    }
    assert.is((await engine.evaluate(tileOf(8))).score.length, 192);
  });

for (const [what, bad] of Object.entries(BAD))
  test(`onnx: a tile of a wrong ${what} behind the door fails alone`, async () => {
    const engine = await openOnnxEngine(prior);
    for (let attempt = 0; attempt < 2; attempt++) await rejects(engine.evaluate(bad()));
    // More evaluations than an idle session is kept for: what failed is not there to be released.
    for (let i = 0; i < 30; i++) assert.is((await engine.evaluate(tileOf(8))).score.length, 192);
    await engine.close();
  });

test('when a thread dies, its evaluations fail and the others go on', async () => {
  const engine = await opened('wasm', 2);
  const [first] = workers;
  const both = [engine.evaluate(tileOf(128)), engine.evaluate(tileOf(128))];
  const settled = Promise.allSettled(both);
  await first?.terminate();
  const outcomes = (await settled).map(({ status }) => status).sort();
  assert.equal(outcomes, ['fulfilled', 'rejected']);
  for (let i = 0; i < 3; i++) await engine.evaluate(tileOf(8));
});

test('threads start when there is work for them', async () => {
  const engine = await opened('onnx', 3);
  await Promise.all([1, 2, 3].map(() => engine.evaluate(tileOf(32))));
  assert.is(workers.length, 1, 'small tiles are not worth a thread');
  await Promise.all([1, 2, 3, 4].map(() => engine.evaluate(tileOf(128))));
  assert.is(workers.length, 3);
});

test('threads are as many as cores, where memory has room', () => {
  assert.is(mostThreads(2, 4e9), 2);
  assert.is(mostThreads(16, 8.2e9), 8);
  assert.is(mostThreads(16, 64e9), 16);
  assert.is(mostThreads(4, 5e8), 1);
});

test('when all threads have died, evaluations fail at once', async () => {
  const engine = await opened('onnx', 2);
  await Promise.all([engine.evaluate(tileOf(128)), engine.evaluate(tileOf(128))]);
  assert.is(workers.length, 2);
  for (const worker of workers) await worker.terminate();
  for (let i = 0; i < 2; i++)
    assert.match((await failure(engine.evaluate(tileOf(8)))).message, /threads have ended/);
});

test.run();
