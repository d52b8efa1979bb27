// Keeps an engine busy with tiles of many pictures: every lane holds a batch of running estimations, asks the
// engine for all their evaluations at once, and puts the next tile in the place of each that has finished.
import type { Batch, BatchResult, Engine } from '../core/engine/engine.js';
import { FlowDenoiseError } from '../core/errors.js';
import {
  type Answer,
  type DensityRequest,
  type Estimate,
  type Estimation,
  type EstimationRequest,
  isClimb,
} from '../core/inference/estimation.js';
import { climb } from '../core/inference/run-estimation.js';

export type TileShape = Pick<Batch['shape'], 'channels' | 'height' | 'width'>;

export interface TileJob<E extends Estimate = Estimate> {
  readonly shape: TileShape;
  readonly estimation: Estimation<E>;
  /** Drops the tile at the next evaluation; `run` rejects with the signal's reason at once. */
  readonly signal?: AbortSignal | undefined;
}

export interface Schedule {
  /** Tiles that can be in work at once: more in flight only wait. */
  readonly capacity: number;
  /** Whether estimations may ask for climbs. */
  readonly takesClimbs: boolean;
  /** Runs one tile to its end. Tiles start in the order of the calls. */
  run<E extends Estimate>(job: TileJob<E>): Promise<E>;
  /** Rejects what waits; what runs rejects when its evaluation is back. */
  close(): void;
}

interface Waiting {
  readonly job: TileJob;
  resolve(estimate: Estimate): void;
  reject(error: unknown): void;
}

interface Running extends Waiting {
  readonly request: EstimationRequest;
}

type ForDensity = Running & { readonly request: DensityRequest };

const sameShape = (a: TileShape, b: TileShape) =>
  a.channels === b.channels && a.height === b.height && a.width === b.width;

function batchOf(slots: readonly ForDensity[], { channels, height, width }: TileShape): Batch {
  const size = channels * height * width;
  const y = new Float32Array(slots.length * size);
  for (const [i, { request }] of slots.entries()) y.set(request.y, i * size);
  const sigma = Float32Array.from(slots, ({ request }) => request.sigma);
  const varies = slots.some(({ request }) => request.varies);
  return { shape: { batch: slots.length, channels, height, width }, y, sigma, varies };
}

/** Resumes an estimation; returns it with its next request, or nothing when it has finished (or thrown). */
function advance(
  slot: Waiting,
  resume: () => IteratorResult<EstimationRequest, Estimate>,
): Running | undefined {
  try {
    const { done, value } = resume();
    if (!done) return { ...slot, request: value };
    slot.resolve(value);
  } catch (error) {
    slot.reject(error);
  }
  return undefined;
}

/** The schedule of one engine; pictures share it. */
export function createSchedule(
  engine: Pick<Engine, 'lanes' | 'batchSize' | 'evaluate' | 'ascend'>,
): Schedule {
  const queue: Waiting[] = [];
  let activeLanes = 0;
  let isClosed = false;

  /** The next waiting tile that fits into a batch of `shape`. */
  function take(shape: TileShape | undefined): Waiting | undefined {
    const index = queue.findIndex(({ job }) => !shape || sameShape(job.shape, shape));
    return index === -1 ? undefined : queue.splice(index, 1)[0];
  }

  function fill(slots: Running[]): void {
    while (slots.length < engine.batchSize) {
      const waiting = take(slots[0]?.job.shape);
      if (!waiting) return;
      const started = advance(waiting, () => waiting.job.estimation.next());
      if (started) slots.push(started);
    }
  }

  /** What each slot asked for: densities in one evaluation, climbs beside it. */
  async function answersTo(slots: readonly Running[], shape: TileShape): Promise<Answer[]> {
    const forDensity = slots.filter((slot): slot is ForDensity => !isClimb(slot.request));
    const size = shape.channels * shape.height * shape.width;
    const evaluated = forDensity.length > 0 ? engine.evaluate(batchOf(forDensity, shape)) : undefined;
    return Promise.all(
      slots.map(async (slot) => {
        if (isClimb(slot.request)) return climb(slot.request, engine);
        const { logDensity, score } = (await evaluated) as BatchResult;
        const index = forDensity.indexOf(slot as ForDensity);
        return {
          logDensity: logDensity[index] ?? Number.NaN,
          score: score.subarray(index * size, (index + 1) * size),
        };
      }),
    );
  }

  async function runLane(): Promise<void> {
    let slots: Running[] = [];
    for (;;) {
      slots = slots.filter(({ job }) => !job.signal?.aborted);
      fill(slots);
      const shape = slots[0]?.job.shape;
      if (!shape) {
        activeLanes -= 1;
        return;
      }
      try {
        const answers = await answersTo(slots, shape);
        if (isClosed) throw new FlowDenoiseError('CLOSED', 'the denoiser was closed while it worked');
        slots = slots.flatMap(
          (slot, i) => advance(slot, () => slot.job.estimation.next(answers[i] as Answer)) ?? [],
        );
      } catch (error) {
        for (const { reject } of slots) reject(error);
        slots = [];
      }
    }
  }

  function wakeLane(): void {
    if (activeLanes >= engine.lanes) return;
    activeLanes += 1;
    void runLane();
  }

  return {
    capacity: engine.lanes * engine.batchSize,
    takesClimbs: engine.ascend !== undefined,
    run<E extends Estimate>(job: TileJob<E>): Promise<E> {
      return new Promise<E>((resolve, reject) => {
        if (isClosed) return reject(new FlowDenoiseError('CLOSED', 'the denoiser is closed; open a new one'));
        if (job.signal?.aborted) return reject(job.signal.reason);
        const waiting: Waiting = {
          job,
          resolve: (estimate) => finish(() => resolve(estimate as E)),
          reject: (error) => finish(() => reject(error)),
        };
        const onAbort = () => {
          const index = queue.indexOf(waiting);
          if (index !== -1) queue.splice(index, 1);
          waiting.reject(job.signal?.reason);
        };
        const finish = (settle: () => void) => {
          job.signal?.removeEventListener('abort', onAbort);
          settle();
        };
        job.signal?.addEventListener('abort', onAbort, { once: true });
        queue.push(waiting);
        wakeLane();
      });
    },
    close() {
      isClosed = true;
      for (const { reject } of queue.splice(0))
        reject(new FlowDenoiseError('CLOSED', 'the denoiser was closed while tiles were waiting'));
    },
  };
}
