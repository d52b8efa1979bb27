// Batches on a device that is a program of ours: who shares a batch, what happens when memory does not suffice or a
// computation fails.
import { setImmediate } from 'node:timers/promises';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { ClimbPoint, TilePoint } from '#src/core/engine/engine.js';
import {
  type DeviceProgram,
  isOutOfMemory,
  openDeviceBatches,
} from '#src/core/engine/tfjs/device-batches.js';

/** A tile of one pixel that knows its number; a climb of `steps` steps. */
const evaluation = (number: number, side = 1): TilePoint => ({
  shape: { channels: 1, height: side, width: side },
  y: new Float32Array(side * side).fill(number),
  sigma: 0.1,
});
const climb = (number: number, steps = 1): ClimbPoint => ({
  shape: { channels: 1, height: 1, width: 1 },
  y: Float32Array.of(number),
  sigma: 0.01,
  climb: {
    noisy: Float32Array.of(number),
    precision: Float32Array.of(1),
    beta: 1,
    sigma: 0.1,
    adam: { steps, rate: 0.1, epsilon: 1e-3, betas: [0.9, 0.99] },
    tolerance: 0,
    mostScore: 1,
    polish: false,
  },
});

interface Told {
  /** The numbers of the tiles in every evaluation, and in every step. */
  readonly evaluations: number[][];
  readonly climbs: number[][];
  recoveries: number;
  /** Steps that the tiles on the device have made. */
  readonly made: Map<ClimbPoint, number>;
}

interface Behaviour {
  readonly most?: number;
  /** Called before a computation with the numbers of its tiles; may throw. */
  readonly before?: (numbers: readonly number[]) => void;
  readonly recover?: () => void;
}

/** The score of a tile is its number; a climb adds 1 per step. */
function programOf({
  most = 4,
  before = () => {},
  recover = () => {},
}: Behaviour): DeviceProgram & { told: Told } {
  const told: Told = { evaluations: [], climbs: [], recoveries: 0, made: new Map() };
  return {
    told,
    mostTiles: () => most,
    async recover() {
      told.recoveries += 1;
      told.made.clear();
      recover();
    },
    async evaluate(tiles) {
      const numbers = tiles.map(({ y }) => y[0] as number);
      told.evaluations.push(numbers);
      before(numbers);
      await setImmediate();
      return tiles.map(({ y }) => ({ logDensity: y[0] as number, score: y }));
    },
    async step(tiles) {
      const numbers = tiles.map(({ y }) => y[0] as number);
      told.climbs.push(numbers);
      before(numbers);
      return tiles.map((tile) => {
        const steps = (told.made.get(tile) ?? 0) + 1;
        told.made.set(tile, steps);
        if (steps < tile.climb.adam.steps) return undefined;
        told.made.delete(tile);
        const estimate = Float32Array.of((tile.y[0] as number) + steps);
        return { estimate, objective: 0, steps, isConverged: false };
      });
    },
  };
}

const numbers = (count: number) => Array.from({ length: count }, (_, i) => i + 1);
const outcomeOf = (promise: Promise<unknown>) =>
  promise.then(
    () => 'done',
    (error: Error) => error.message,
  );

test('tiles that wait share an evaluation, as many as fit and of one shape', async () => {
  const program = programOf({ most: 3 });
  const batches = openDeviceBatches(program);
  const tiles = [...numbers(5).map((number) => evaluation(number)), evaluation(6, 2)];
  const results = await Promise.all(tiles.map(batches.evaluate));
  assert.equal(
    results.map(({ logDensity, score }) => [logDensity, score[0], score.length]),
    [1, 2, 3, 4, 5, 6].map((number) => [number, number, number === 6 ? 4 : 1]),
  );
  assert.equal(program.told.evaluations, [[1, 2, 3], [4, 5], [6]]);
  await batches.close();
});

test('a tile that waits takes the place of one that has ended', async () => {
  const program = programOf({ most: 2 });
  const batches = openDeviceBatches(program);
  const steps = [1, 3, 1, 1];
  const made = await Promise.all(numbers(4).map((number, i) => batches.climb(climb(number, steps[i]))));
  assert.equal(
    made.map(({ estimate }) => estimate?.[0]),
    [2, 5, 4, 5],
  );
  assert.equal(program.told.climbs, [
    [1, 2],
    [2, 3],
    [2, 4],
  ]);
  assert.is(program.told.made.size, 0, 'climbs left on the device');
  await batches.close();
});

test('out of memory: smaller batches, and everything is done', async () => {
  const tooMany = (most: number) => (tiles: readonly number[]) => {
    if (tiles.length > most) throw new Error('OOM when allocating tensor with shape[4,64,64,32]');
  };
  const program = programOf({ most: 8, before: tooMany(2) });
  const batches = openDeviceBatches(program);
  const results = await Promise.all([
    ...numbers(8).map(async (number) => (await batches.evaluate(evaluation(number))).logDensity),
    ...numbers(8).map(async (number) => (await batches.climb(climb(number))).estimate?.[0]),
  ]);
  assert.equal(results, [...numbers(8), ...numbers(8).map((number) => number + 1)]);
  const sizes = (tiles: readonly number[][]) => tiles.map(({ length }) => length);
  // What an evaluation has found out holds for climbs of the same shape too.
  assert.equal(sizes(program.told.evaluations), [8, 2, 2, 2, 2]);
  assert.equal(sizes(program.told.climbs), [4, 2, 2, 2, 2]);
  assert.is(program.told.recoveries, 2);
  assert.is(program.told.made.size, 0);
  await batches.close();
});

test('out of memory with a single tile: it fails, the others go on', async () => {
  const program = programOf({
    before(tiles) {
      if (tiles.includes(3)) throw new Error('RESOURCE_EXHAUSTED: failed to allocate memory');
    },
  });
  const batches = openDeviceBatches(program);
  const outcomes = await Promise.all(numbers(5).map((number) => outcomeOf(batches.climb(climb(number)))));
  assert.equal(
    outcomes.map((outcome) => outcome === 'done'),
    [true, true, false, true, true],
  );
  assert.match(outcomes[2] ?? '', /RESOURCE_EXHAUSTED/);
  await batches.close();
});

test('another failure: the tiles of its batch fail, later ones do not', async () => {
  let isBroken = true;
  const program = programOf({
    before() {
      if (isBroken) throw new Error('the device was lost');
    },
    recover() {
      isBroken = false;
    },
  });
  const batches = openDeviceBatches(program);
  const lost = await Promise.all(numbers(3).map((number) => outcomeOf(batches.evaluate(evaluation(number)))));
  assert.equal(lost, Array(3).fill('the device was lost'));
  assert.is(program.told.recoveries, 1);
  assert.equal((await batches.climb(climb(7))).estimate, Float32Array.of(8));
  await batches.close();
});

test('a device that does not come back fails what waits, and is asked again by what comes', async () => {
  let isGone = true;
  const check = () => {
    if (isGone) throw new Error('no GPU');
  };
  const batches = openDeviceBatches(programOf({ most: 1, before: check, recover: check }));
  const outcomes = await Promise.all(numbers(3).map((number) => outcomeOf(batches.climb(climb(number)))));
  assert.equal(outcomes, Array(3).fill('no GPU'));
  isGone = false;
  assert.is(await outcomeOf(batches.climb(climb(4))), 'done');
  await batches.close();
});

test('close ends what is in work, and what waits rejects', async () => {
  const program = programOf({ most: 1 });
  const batches = openDeviceBatches(program);
  const outcomes = numbers(3).map((number) => outcomeOf(batches.climb(climb(number, 40))));
  await setImmediate();
  await setImmediate();
  await batches.close();
  const [first, ...others] = await Promise.all(outcomes);
  assert.is(first, 'done');
  assert.equal(others, Array(2).fill('the engine was closed while it worked'));
  assert.is(await outcomeOf(batches.evaluate(evaluation(1))), 'the engine is closed');
  assert.is(program.told.made.size, 0);
});

test('messages of engines that mean memory, and those that do not', () => {
  for (const message of [
    'OOM when allocating tensor with shape[1,2]',
    'Invalid TF_Status: 8\\nMessage: RESOURCE_EXHAUSTED: ...',
    'GPUOutOfMemoryError: Error while allocating',
    'std::bad_alloc',
    'Failed to allocate memory for requested buffer of size 512',
  ])
    assert.ok(isOutOfMemory(new Error(message)), message);
  for (const message of ['ROOM 101', 'the device was lost: driver reset', 'Invalid TF_Status: 3'])
    assert.not(isOutOfMemory(new Error(message)), message);
});

test.run();
