// Keeps an engine busy with tiles of many pictures. Every lane runs one estimation; when it ends, the lane takes the next.
import type { Engine } from '../core/engine/engine.js';
import { runEstimation } from '../core/engine/engine.js';
import { FlowDenoiseError } from '../core/errors.js';
import type { Estimate, Estimation } from '../core/inference/estimation.js';
import type { TileShape } from '../core/ops/tensor-ops.js';

export interface TileJob<E extends Estimate = Estimate> {
  readonly shape: TileShape;
  readonly estimation: Estimation<E>;
  /** An abort drops the tile at its next evaluation; `run` rejects with the signal's reason at once. */
  readonly signal?: AbortSignal | undefined;
}

export interface Schedule {
  /** How many tiles can be in work at once. */
  readonly capacity: number;
  /** Runs one tile. Tiles start in the order of the calls. */
  run<E extends Estimate>(job: TileJob<E>): Promise<E>;
  /** Waiting tiles reject at once, running ones after their current evaluation. */
  close(): void;
}

interface Waiting {
  readonly job: TileJob;
  resolve(estimate: Estimate): void;
  reject(error: unknown): void;
}

/** The schedule of one engine; pictures share it. */
export function createSchedule(engine: Pick<Engine, 'lanes' | 'evaluate' | 'climb'>): Schedule {
  const queue: Waiting[] = [];
  let activeLanes = 0;
  let isClosed = false;

  async function runLane(): Promise<void> {
    for (let waiting = queue.shift(); waiting; waiting = queue.shift()) {
      const { shape, estimation, signal } = waiting.job;
      const mayGoOn = () => {
        signal?.throwIfAborted();
        if (isClosed) throw new FlowDenoiseError('CLOSED', 'the denoiser was closed while it worked');
      };
      await runEstimation(engine, shape, estimation, mayGoOn).then(waiting.resolve, waiting.reject);
    }
    activeLanes -= 1;
  }

  function wakeLane(): void {
    if (activeLanes >= engine.lanes) return;
    activeLanes += 1;
    void runLane();
  }

  return {
    capacity: engine.lanes,
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
