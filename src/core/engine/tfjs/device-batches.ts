// Makes batches for a device from tiles that come one at a time. Climbs run in groups that stay on the device: when a tile
// has ended, the next takes its place. If the device runs out of memory, the tiles in work start again in batches half as
// large. `DeviceProgram` handles the tensors.
import { messageOf } from '../../errors.js';
import type { Climb } from '../../inference/climb.js';
import type { Density } from '../../inference/estimation.js';
import type { PictureShape, TileShape } from '../../ops/tensor-ops.js';
import type { ClimbPoint, TilePoint } from '../engine.js';

/** Points of several tiles, evaluated at once. */
export interface Batch {
  readonly shape: PictureShape;
  /** [B, C, H, W] */
  readonly y: Float32Array;
  /** [B], [0, 1] units. */
  readonly sigma: Float32Array;
}

export interface BatchResult {
  /** [B], nats. */
  readonly logDensity: Float32Array;
  /** [B, C, H, W] */
  readonly score: Float32Array;
}

/** A climb that has ended, and its place in the group. */
export interface EndedClimb {
  readonly index: number;
  readonly climb: Climb;
}

/** Climbs that run together on the device. */
export interface ClimbGroup {
  readonly size: number;
  /** Evaluates every tile and steps those that go on. Returns the others, which leave the group, by their old index. */
  step(): Promise<readonly EndedClimb[]>;
  add(tiles: readonly ClimbPoint[]): void;
  dispose(): void;
}

export interface DeviceProgram {
  evaluate(batch: Batch): Promise<BatchResult>;
  openGroup(tiles: readonly ClimbPoint[]): ClimbGroup;
  /** How many tiles of this shape the device holds at a time. */
  mostTiles(shape: TileShape): number;
  /** Called after a failure, before anything else runs. */
  recover(error: unknown): Promise<void>;
}

export interface DeviceBatches {
  evaluate(tile: TilePoint): Promise<Density>;
  climb(tile: ClimbPoint): Promise<Climb>;
  /** Resolves when the work in progress has ended; waiting requests reject. */
  close(): Promise<void>;
}

interface Job<Q, R> {
  readonly tile: Q;
  resolve(result: R): void;
  reject(error: unknown): void;
}

type EvaluateJob = Job<TilePoint, Density>;
type ClimbJob = Job<ClimbPoint, Climb>;

interface ClimbsInWork {
  readonly key: string;
  /** In the order of the group. */
  jobs: ClimbJob[];
  /** Undefined until the first tiles are on the device. */
  group: ClimbGroup | undefined;
}

const keyOf = ({ channels, height, width }: TileShape) => `${channels}x${height}x${width}`;

export function isOutOfMemory(error: unknown): boolean {
  return /\bOOM\b|out[ -]?of[ -]?memory|RESOURCE_EXHAUSTED|bad_alloc|failed to allocate|allocation failed/i.test(
    String(error instanceof Error ? `${error.name} ${error.message}` : error),
  );
}

/** Takes up to `most` jobs of one shape out of the queue. */
function takeAlike<Q extends TilePoint, R>(queue: Job<Q, R>[], key: string, most: number): Job<Q, R>[] {
  const alike = queue.filter(({ tile }) => keyOf(tile.shape) === key).slice(0, Math.max(0, most));
  for (const job of alike) queue.splice(queue.indexOf(job), 1);
  return alike;
}

export function joined(tiles: readonly TilePoint[]): Batch {
  const [first] = tiles as readonly [TilePoint, ...TilePoint[]];
  const { length } = first.y;
  const y = tiles.length === 1 ? first.y : new Float32Array(length * tiles.length);
  if (tiles.length > 1) for (const [i, tile] of tiles.entries()) y.set(tile.y, i * length);
  return {
    shape: { batch: tiles.length, ...first.shape },
    y,
    sigma: Float32Array.from(tiles, ({ sigma }) => sigma),
  };
}

export function parted({ logDensity, score }: BatchResult): Density[] {
  const length = score.length / logDensity.length;
  return Array.from(logDensity, (density, i) => ({
    logDensity: density,
    score: logDensity.length === 1 ? score : score.slice(i * length, (i + 1) * length),
  }));
}

export function openDeviceBatches(program: DeviceProgram): DeviceBatches {
  const evaluations: EvaluateJob[] = [];
  const climbs: ClimbJob[] = [];
  /** The most tiles per shape, once the device's memory has turned out smaller than expected. */
  const limits = new Map<string, number>();
  let inWork: ClimbsInWork | undefined;
  let working: Promise<void> | undefined;
  let isClosed = false;

  const mostTiles = (shape: TileShape) =>
    Math.max(1, Math.min(program.mostTiles(shape), limits.get(keyOf(shape)) ?? Infinity));

  /** Handles tiles whose computation failed: they run again in smaller batches if that can help. */
  async function fail<Q, R>(
    jobs: readonly Job<Q, R>[],
    queue: Job<Q, R>[],
    key: string,
    error: unknown,
  ): Promise<void> {
    if (isOutOfMemory(error) && jobs.length > 1) {
      limits.set(key, Math.floor(jobs.length / 2));
      queue.unshift(...jobs);
    } else {
      const reason = isOutOfMemory(error)
        ? new Error(`${messageOf(error)}; not even one tile fits: choose a smaller tileSize`, {
            cause: error,
          })
        : error;
      for (const job of jobs) job.reject(reason);
    }
    try {
      await program.recover(error);
    } catch (cause) {
      // Without a device, nothing that waits can run.
      for (const job of [...evaluations.splice(0), ...climbs.splice(0)]) job.reject(cause);
    }
  }

  async function evaluateSome(): Promise<void> {
    const shape = evaluations[0]?.tile.shape;
    if (!shape) return;
    const key = keyOf(shape);
    const jobs = takeAlike(evaluations, key, mostTiles(shape));
    try {
      const results = parted(await program.evaluate(joined(jobs.map(({ tile }) => tile))));
      for (const [i, result] of results.entries()) jobs[i]?.resolve(result);
    } catch (error) {
      await fail(jobs, evaluations, key, error);
    }
  }

  /** Fills the group's free places, or starts a group; undefined if no tile climbs or waits to. */
  function filledClimbs(): ClimbsInWork | undefined {
    const shape = (inWork?.jobs[0] ?? climbs[0])?.tile.shape;
    if (!shape) return undefined;
    inWork ??= { key: keyOf(shape), jobs: [], group: undefined };
    inWork.jobs.push(...takeAlike(climbs, inWork.key, mostTiles(shape) - inWork.jobs.length));
    return inWork;
  }

  function groupOf(current: ClimbsInWork): ClimbGroup {
    const onDevice = current.group?.size ?? 0;
    const tiles = current.jobs.slice(onDevice).map(({ tile }) => tile);
    if (!current.group) current.group = program.openGroup(tiles);
    else if (tiles.length > 0) current.group.add(tiles);
    return current.group;
  }

  async function climbSome(): Promise<void> {
    const current = filledClimbs();
    if (!current) return;
    try {
      const group = groupOf(current);
      const ended = await group.step();
      for (const { index, climb } of ended) current.jobs[index]?.resolve(climb);
      const gone = new Set(ended.map(({ index }) => index));
      current.jobs = current.jobs.filter((_, index) => !gone.has(index));
      if (current.jobs.length > 0) return;
      inWork = undefined;
      group.dispose();
    } catch (error) {
      inWork = undefined;
      current.group?.dispose();
      await fail(current.jobs, climbs, current.key, error);
    }
  }

  async function work(): Promise<void> {
    while (evaluations.length + climbs.length > 0 || inWork) {
      // Requests that have arrived meanwhile join the next batch.
      await new Promise((resolve) => setImmediate(resolve));
      await evaluateSome();
      await climbSome();
    }
    working = undefined;
  }

  function submit<Q, R>(queue: Job<Q, R>[], tile: Q): Promise<R> {
    if (isClosed) return Promise.reject(new Error('the engine is closed'));
    return new Promise<R>((resolve, reject) => {
      queue.push({ tile, resolve, reject });
      working ??= work();
    });
  }

  return {
    evaluate: (tile) => submit(evaluations, tile),
    climb: (tile) => submit(climbs, tile),
    async close() {
      isClosed = true;
      for (const job of [...evaluations.splice(0), ...climbs.splice(0)])
        job.reject(new Error('the engine was closed while it worked'));
      await working;
    },
  };
}
