// Makes batches for a device from tiles that come one at a time. Tiles climb together: when one has ended, the next takes its
// place. If the device runs out of memory, the tiles in work start again in batches half as large.
import { setImmediate } from 'node:timers/promises';
import { messageOf } from '../../errors.js';
import type { Climb } from '../../inference/climb.js';
import type { Density } from '../../inference/estimation.js';
import type { Shape } from '../../picture.js';
import type { ClimbPoint, LocalEngine, TilePoint } from '../engine.js';

/** The tiles of a call have one shape. */
export interface DeviceProgram {
  evaluate(tiles: readonly TilePoint[]): Promise<readonly Density[]>;
  /** Takes the next step of these tiles' climbs, and starts the new ones. Returns the climb of every tile that has ended. */
  step(tiles: readonly ClimbPoint[]): Promise<readonly (Climb | undefined)[]>;
  /** How many tiles of this shape the device holds at a time. */
  mostTiles(shape: Shape): number;
  /** Called after a failure, before anything else runs. Frees all climbs. */
  recover(): Promise<void>;
}

interface Job<Tile, Result> {
  readonly tile: Tile;
  resolve(result: Result): void;
  reject(error: unknown): void;
}

const keyOf = ({ channels, height, width }: Shape) => `${channels}x${height}x${width}`;

export function isOutOfMemory(error: unknown): boolean {
  return /\bOOM\b|out[ -]?of[ -]?memory|RESOURCE_EXHAUSTED|bad_alloc|failed to allocate|allocation failed/i.test(
    String(error instanceof Error ? `${error.name} ${error.message}` : error),
  );
}

/** Takes up to `most` jobs of one shape out of the queue. */
function takeAlike<Tile extends TilePoint, Result>(
  queue: Job<Tile, Result>[],
  shape: Shape,
  most: number,
): Job<Tile, Result>[] {
  const alike = queue.filter(({ tile }) => keyOf(tile.shape) === keyOf(shape)).slice(0, Math.max(0, most));
  for (const job of alike) queue.splice(queue.indexOf(job), 1);
  return alike;
}

/** `close` resolves when the work in progress has ended; waiting requests reject. */
export function openDeviceBatches(
  program: DeviceProgram,
): Required<Pick<LocalEngine, 'evaluate' | 'climb' | 'close'>> {
  const evaluations: Job<TilePoint, Density>[] = [];
  const climbs: Job<ClimbPoint, Climb>[] = [];
  /** Tiles of one shape that climb together. */
  let climbing: Job<ClimbPoint, Climb>[] = [];
  /** The most tiles per shape, once the device's memory has turned out smaller than expected. */
  const limits = new Map<string, number>();
  let working: Promise<void> | undefined;
  let isClosed = false;

  const mostTiles = (shape: Shape) =>
    Math.max(1, Math.min(program.mostTiles(shape), limits.get(keyOf(shape)) ?? Infinity));

  function rejectWaiting(error: unknown): void {
    for (const job of [...evaluations.splice(0), ...climbs.splice(0)]) job.reject(error);
  }

  /** Handles tiles whose computation failed: they run again in smaller batches if that can help. */
  async function fail<Tile extends TilePoint, Result>(
    jobs: readonly Job<Tile, Result>[],
    queue: Job<Tile, Result>[],
    error: unknown,
  ): Promise<void> {
    const [first] = jobs;
    if (first && isOutOfMemory(error) && jobs.length > 1) {
      limits.set(keyOf(first.tile.shape), Math.floor(jobs.length / 2));
      queue.unshift(...jobs);
    } else {
      const advice = 'not even one tile fits: choose a smaller tileSize';
      const reason = isOutOfMemory(error)
        ? new Error(`${messageOf(error)}; ${advice}`, { cause: error })
        : error;
      for (const job of jobs) job.reject(reason);
    }
    // Without a device, nothing that waits can run.
    await program.recover().catch(rejectWaiting);
  }

  async function evaluateSome(): Promise<void> {
    const shape = evaluations[0]?.tile.shape;
    if (!shape) return;
    const jobs = takeAlike(evaluations, shape, mostTiles(shape));
    try {
      const results = await program.evaluate(jobs.map(({ tile }) => tile));
      for (const [i, result] of results.entries()) jobs[i]?.resolve(result);
    } catch (error) {
      await fail(jobs, evaluations, error);
    }
  }

  async function climbSome(): Promise<void> {
    const shape = (climbing[0] ?? climbs[0])?.tile.shape;
    if (!shape) return;
    const jobs = [...climbing, ...takeAlike(climbs, shape, mostTiles(shape) - climbing.length)];
    climbing = [];
    try {
      const ended = await program.step(jobs.map(({ tile }) => tile));
      for (const [i, job] of jobs.entries()) {
        const climb = ended[i];
        if (climb) job.resolve(climb);
        else climbing.push(job);
      }
    } catch (error) {
      await fail(jobs, climbs, error);
    }
  }

  async function work(): Promise<void> {
    while (evaluations.length + climbs.length + climbing.length > 0) {
      // Requests that have arrived meanwhile join the next batch.
      await setImmediate();
      await evaluateSome();
      await climbSome();
    }
    working = undefined;
  }

  function submit<Tile, Result>(queue: Job<Tile, Result>[], tile: Tile): Promise<Result> {
    if (isClosed) return Promise.reject(new Error('the engine is closed'));
    return new Promise<Result>((resolve, reject) => {
      queue.push({ tile, resolve, reject });
      working ??= work();
    });
  }

  return {
    evaluate: (tile) => submit(evaluations, tile),
    climb: (tile) => submit(climbs, tile),
    async close() {
      isClosed = true;
      rejectWaiting(new Error('the engine was closed while it worked'));
      await working;
    },
  };
}
