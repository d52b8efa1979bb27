// What is TensorFlow.js's own: tensors that are freed, batches, devices that fail. In this thread, on the backend in
// plain JavaScript always, and on the others where they are installed.
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ClimbPoint, LocalEngine, TilePoint } from '#src/core/engine/engine.js';
import type { TfjsBackend } from '#src/core/engine/tfjs/tfjs-backend.js';
import { openTfjsEngine } from '#src/core/engine/tfjs/tfjs-engine.js';
import type { Climb } from '#src/core/inference/climb.js';
import { loadFixture } from '../fixture.js';
import { expectBelow, rmsDifference } from '../flow/differences.js';
import { randomNumbers } from '../flow/random-weights.js';
import { useSoftwareGpu } from './available-engines.js';

const { prior } = await loadFixture('conditioned');
const shape = { channels: 3, height: 8, width: 8 };
const samples = (seed: number) => Float32Array.from(randomNumbers(192, 0.2, seed), (value) => value + 0.5);
const point = (seed: number): TilePoint => ({ shape, y: samples(seed), sigma: 0.1 });
const climb = (seed: number, steps = 5): ClimbPoint => ({
  shape,
  y: samples(seed),
  sigma: 0.02,
  climb: {
    noisy: samples(seed),
    precision: Float32Array.of(100),
    beta: 4,
    sigma: 0.1,
    adam: { steps, rate: 5e-3, epsilon: 1e-4, betas: [0.9, 0.99] },
    tolerance: 1e-4,
    mostScore: 500,
    polish: true,
  },
});

/** The engine, or why it is not available. */
async function opened(name: TfjsBackend, mostTiles?: number): Promise<LocalEngine | string> {
  if (name === 'webgpu') useSoftwareGpu();
  try {
    return await openTfjsEngine(name, prior, mostTiles);
  } catch (error) {
    return String(error);
  }
}

async function using(
  name: TfjsBackend,
  mostTiles: number | undefined,
  work: (engine: LocalEngine) => Promise<void>,
) {
  const engine = await opened(name, mostTiles);
  if (typeof engine === 'string') {
    console.log(`SKIP ${name}: ${engine.split('\\n')[0]}`);
    return;
  }
  await work(engine);
  await engine.close();
}

/** As many pictures as a number says: each some evaluations and climbs at a time; on a GPU that is a program, one. */
async function denoisePictures(engine: LocalEngine, count: number): Promise<void> {
  for (let picture = 0; picture < count; picture++) {
    if (engine.device.kind === 'software-gpu') await engine.climb?.(climb(picture, 1));
    else if (engine.climb)
      await Promise.all([
        ...[1, 2, 3].map((seed) => engine.evaluate(point(picture + seed))),
        ...[1, 2, 3].map((seed) => engine.climb?.(climb(picture + seed, 3 + seed))),
      ]);
    else await engine.evaluate(point(picture));
  }
}

for (const [name, mostTiles] of [
  ['cpu', 2],
  ['wasm', undefined],
  ['tensorflow', 2],
  ['webgpu', 2],
] as const)
  test(`${name}: as many live tensors after 50 pictures as after one, none after close`, async () => {
    const before = tf.memory().numTensors;
    await using(name, mostTiles, async (engine) => {
      await denoisePictures(engine, 1);
      const one = tf.memory().numTensors;
      await denoisePictures(engine, 49);
      assert.is(tf.memory().numTensors, one);
      assert.ok(one > before, 'the weights');
    });
    assert.is(tf.memory().numTensors, before);
  });

test('as many tiles as fit into the memory share a batch, and give the same', async () => {
  await using('cpu', 1, async (alone) => {
    const expected: (Climb | undefined)[] = [];
    for (const seed of [1, 2, 3, 4, 5]) expected.push(await alone.climb?.(climb(seed, 2 * seed)));
    await using('cpu', 3, async (engine) => {
      const made = await Promise.all([1, 2, 3, 4, 5].map((seed) => engine.climb?.(climb(seed, 2 * seed))));
      for (const [i, each] of made.entries()) {
        assert.is(each?.steps, expected[i]?.steps);
        const [a, b] = [each?.estimate, expected[i]?.estimate];
        assert.ok(a && b);
        expectBelow(rmsDifference(a, b), 1e-6, `tile ${i + 1}`);
      }
    });
  });
});

test('a climb from where the flow breaks down has no estimate', async () => {
  await using('cpu', 2, async (engine) => {
    const sound = climb(1);
    const broken = { ...sound, climb: { ...sound.climb, mostScore: 1e-6 } };
    const [bad, good] = await Promise.all([engine.climb?.(broken), engine.climb?.(climb(2))]);
    assert.equal([bad?.estimate, bad?.steps], [undefined, 0]);
    assert.is(good?.estimate?.length, 192);
    const notFinite = climb(3);
    notFinite.y.fill(Number.NaN);
    assert.is((await engine.climb?.(notFinite))?.estimate, undefined);
  });
});

test('webgpu: a lost device fails its tiles, and the next ones get a new one', async () => {
  await using('webgpu', 2, async (engine) => {
    const { score } = await engine.evaluate(point(1));
    const { device } = tf.backend() as unknown as { device: { destroy(): void } };
    device.destroy();
    const lost = await engine.evaluate(point(2)).then(
      () => 'done',
      (error: Error) => error.message,
    );
    assert.match(lost, /lost|destroyed/i);
    const again = await engine.evaluate(point(1));
    expectBelow(rmsDifference(again.score, score), 1e-5, 'score');
    assert.is((await engine.climb?.(climb(3)))?.estimate?.length, 192);
  });
});

test.run();
