// Makes batches for a device of tiles that come one at a time. Climbs run in groups that stay on the device: a tile
// that has ended leaves its group, and one that waits takes its place. When the device's memory does not suffice, what
// was in work starts again in batches half as large. Knows no tensors: `DeviceProgram` does.
import { messageOf } from '../../errors.js';
import type { Ascent, AscentRequest } from '../ascent.js';
import type { Batch, BatchResult } from '../engine.js';

/** Steps after which it is looked whether tiles have ended: a look waits for the device. */
const STEPS_BETWEEN_LOOKS = 4;

/** Climbs side by side on the device. */
export interface AscentGroup {
  readonly size: number;
  /** Makes up to `steps` steps with every tile, or fewer where all end sooner. */
  advance(steps: number): Promise<void>;
  /** Takes the tiles that have ended out of the group: their places at the last `add`, or nothing where all go on. */
  takeEnded(): Promise<readonly { readonly index: number; readonly ascent: Ascent }[]>;
  /** More tiles of the same shape, behind those that are there. */
  add(requests: readonly AscentRequest[]): void;
  dispose(): void;
}

export interface DeviceProgram {
  evaluate(batch: Batch): Promise<BatchResult>;
  openGroup(requests: readonly AscentRequest[]): AscentGroup;
  /** Tiles of this shape that the device holds at a time. */
  mostTiles(shape: Batch['shape']): number;
  /** Called after a failure, before anything else runs. */
  recover(error: unknown): Promise<void>;
}

export interface DeviceBatches {
  /** Of one tile. */
  evaluate(batch: Batch): Promise<BatchResult>;
  ascend(request: AscentRequest): Promise<Ascent>;
  /** Resolves when what is in work has ended; what waits rejects. */
  close(): Promise<void>;
}

interface Job<Q, R> {
  readonly request: Q;
  resolve(result: R): void;
  reject(error: unknown): void;
}

type EvaluateJob = Job<Batch, BatchResult>;
type AscentJob = Job<AscentRequest, Ascent>;

interface Climb {
  readonly key: string;
  /** In the order of the group. */
  jobs: AscentJob[];
  /** Undefined until its first tiles are on the device. */
  group: AscentGroup | undefined;
}

const keyOf = ({ channels, height, width }: Omit<Batch['shape'], 'batch'>) =>
  `${channels}x${height}x${width}`;

/** Whether an engine said that memory did not suffice. */
export function isOutOfMemory(error: unknown): boolean {
  return /\bOOM\b|out[ -]?of[ -]?memory|RESOURCE_EXHAUSTED|bad_alloc|failed to allocate|allocation failed/i.test(
    String(error instanceof Error ? `${error.name} ${error.message}` : error),
  );
}

/** Up to `most` jobs of the first one's shape, taken out of the queue. */
function takeAlike<Q, R>(queue: Job<Q, R>[], key: (job: Job<Q, R>) => string, most: number): Job<Q, R>[] {
  const [first] = queue;
  if (!first) return [];
  const alike = queue.filter((job) => key(job) === key(first)).slice(0, most);
  for (const job of alike) queue.splice(queue.indexOf(job), 1);
  return alike;
}

function joined(batches: readonly Batch[]): Batch {
  const [first] = batches as readonly [Batch, ...Batch[]];
  if (batches.length === 1) return first;
  const y = new Float32Array(first.y.length * batches.length);
  for (const [i, batch] of batches.entries()) y.set(batch.y, i * first.y.length);
  return {
    shape: { ...first.shape, batch: batches.length },
    y,
    sigma: Float32Array.from(batches, ({ sigma }) => sigma[0] as number),
  };
}

export function openDeviceBatches(program: DeviceProgram): DeviceBatches {
  const evaluations: EvaluateJob[] = [];
  const ascents: AscentJob[] = [];
  /** Tiles at most, per shape, where the device's memory turned out smaller than thought. */
  const limits = new Map<string, number>();
  let climb: Climb | undefined;
  let working: Promise<void> | undefined;
  let isClosed = false;

  const mostTiles = (shape: Omit<Batch['shape'], 'batch'>) =>
    Math.max(1, Math.min(program.mostTiles({ ...shape, batch: 1 }), limits.get(keyOf(shape)) ?? Infinity));

  /** What becomes of tiles whose computation failed: again in smaller batches where that can help. */
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
      // Without a device nothing that waits can be done.
      for (const job of [...evaluations.splice(0), ...ascents.splice(0)]) job.reject(cause);
    }
  }

  async function evaluateSome(): Promise<void> {
    const [first] = evaluations;
    if (!first) return;
    const key = keyOf(first.request.shape);
    const jobs = takeAlike(
      evaluations,
      ({ request }) => keyOf(request.shape),
      mostTiles(first.request.shape),
    );
    try {
      const { logDensity, score } = await program.evaluate(joined(jobs.map(({ request }) => request)));
      const size = score.length / jobs.length;
      for (const [i, job] of jobs.entries())
        job.resolve({
          logDensity: logDensity.slice(i, i + 1),
          score: jobs.length === 1 ? score : score.slice(i * size, (i + 1) * size),
        });
    } catch (error) {
      await fail(jobs, evaluations, key, error);
    }
  }

  /** Fills the places in the group, or begins one; undefined where no tile climbs or waits to. */
  function filledClimb(): Climb | undefined {
    const shape = (climb?.jobs[0] ?? ascents[0])?.request.shape;
    if (!shape) return undefined;
    const key = keyOf(shape);
    climb ??= { key, jobs: [], group: undefined };
    const places = Math.max(0, mostTiles(shape) - climb.jobs.length);
    const jobs = ascents.filter(({ request }) => keyOf(request.shape) === key).slice(0, places);
    for (const job of jobs) ascents.splice(ascents.indexOf(job), 1);
    climb.jobs.push(...jobs);
    return climb;
  }

  function groupOf(current: Climb): AscentGroup {
    const onDevice = current.group?.size ?? 0;
    const requests = current.jobs.slice(onDevice).map(({ request }) => request);
    if (!current.group) current.group = program.openGroup(requests);
    else if (requests.length > 0) current.group.add(requests);
    return current.group;
  }

  async function climbSome(): Promise<void> {
    const current = filledClimb();
    if (!current) return;
    try {
      const group = groupOf(current);
      await group.advance(STEPS_BETWEEN_LOOKS);
      const ended = await group.takeEnded();
      for (const { index, ascent } of ended) current.jobs[index]?.resolve(ascent);
      const gone = new Set(ended.map(({ index }) => index));
      current.jobs = current.jobs.filter((_, index) => !gone.has(index));
      if (current.jobs.length > 0) return;
      climb = undefined;
      group.dispose();
    } catch (error) {
      climb = undefined;
      current.group?.dispose();
      await fail(current.jobs, ascents, current.key, error);
    }
  }

  async function work(): Promise<void> {
    while (evaluations.length + ascents.length > 0 || climb) {
      // Requests that have arrived meanwhile are to be in the next batch.
      await new Promise((resolve) => setImmediate(resolve));
      await evaluateSome();
      await climbSome();
    }
    working = undefined;
  }

  function submit<Q, R>(queue: Job<Q, R>[], request: Q): Promise<R> {
    if (isClosed) return Promise.reject(new Error('the engine is closed'));
    return new Promise<R>((resolve, reject) => {
      queue.push({ request, resolve, reject });
      working ??= work();
    });
  }

  return {
    evaluate: (batch) => submit(evaluations, batch),
    ascend: (request) => submit(ascents, request),
    async close() {
      isClosed = true;
      for (const job of [...evaluations.splice(0), ...ascents.splice(0)])
        job.reject(new Error('the engine was closed while it worked'));
      await working;
    },
  };
}
