// Keeps an engine busy with tiles of many pictures. Every lane runs one estimation; when it ends, the lane takes the next.
import { type Engine, runEstimation } from '../core/engine/engine.js';
import { FlowDenoiseError } from '../core/errors.js';
import type { Estimate, Estimation } from '../core/inference/estimation.js';
import type { Shape } from '../core/picture.js';

export interface TileJob<E extends Estimate = Estimate> {
  readonly shape: Shape;
  readonly estimation: Estimation<E>;
  /** An abort drops the tile at its next evaluation; `run` rejects with the signal's reason at once. */
  readonly signal?: AbortSignal | undefined;
}

export interface Schedule {
  /** How many tiles can be in work at once. */
  readonly capacity: number;
  /** Runs one tile. Tiles start in the order of the calls. */
  run<E extends Estimate>(job: TileJob<E>): Promise<E>;
  /** @throws FlowDenoiseError CLOSED */
  checkOpen(): void;
  /** Waiting tiles reject at once, running ones after their current evaluation. */
  close(): void;
}

interface Waiting {
  readonly job: TileJob;
  resolve(estimate: Estimate): void;
  reject(error: unknown): void;
}

const closed = () => new FlowDenoiseError('CLOSED', 'the denoiser is closed; open a new one');

/** The schedule of one engine; pictures share it. */
export function createSchedule(engine: Pick<Engine, 'lanes' | 'evaluate' | 'climb'>): Schedule {
  const queue: Waiting[] = [];
  let activeLanes = 0;
  let isClosed = false;
  const checkOpen = () => {
    if (isClosed) throw closed();
  };

  async function runLane(): Promise<void> {
    activeLanes += 1;
    for (let waiting = queue.shift(); waiting; waiting = queue.shift()) {
      const { shape, estimation, signal } = waiting.job;
      const mayGoOn = () => {
        signal?.throwIfAborted();
        checkOpen();
      };
      await runEstimation(engine, shape, estimation, mayGoOn).then(waiting.resolve, waiting.reject);
    }
    activeLanes -= 1;
  }

  return {
    capacity: engine.lanes,
    run<E extends Estimate>(job: TileJob<E>): Promise<E> {
      const { signal } = job;
      let forget = () => {};
      const estimate = new Promise<Estimate>((resolve, reject) => {
        checkOpen();
        signal?.throwIfAborted();
        const waiting = { job, resolve, reject };
        const drop = () => {
          const index = queue.indexOf(waiting);
          if (index !== -1) queue.splice(index, 1);
          reject(signal?.reason);
        };
        forget = () => signal?.removeEventListener('abort', drop);
        signal?.addEventListener('abort', drop, { once: true });
        queue.push(waiting);
        if (activeLanes < engine.lanes) void runLane();
      });
      estimate.then(forget, forget);
      return estimate as Promise<E>;
    },
    checkOpen,
    close() {
      isClosed = true;
      for (const { reject } of queue.splice(0)) reject(closed());
    },
  };
}
