// A local engine in each of several worker threads, as one: an evaluation goes to a thread that is free. Engines
// compute synchronously, so this is what keeps the event loop free.
import { Worker } from 'node:worker_threads';
import { FlowDenoiseError, messageOf } from '../errors.js';
import type { Climb } from '../inference/climb.js';
import type { Answer, Density } from '../inference/estimation.js';
import type { ClimbPoint, EngineName, TilePoint } from './engine.js';
import type { EngineReply, EngineRequest, EngineWorkerData, ReadyEngine } from './engine-worker.js';
import { forbidTelemetry } from './onnx/onnx-runtime.js';
import { prepareTensorflowEnvironment } from './packages/tensorflow-package.js';

export interface WorkerPool {
  /** One thread's. */
  readonly engine: ReadyEngine;
  /** The tile's `y` is handed over: its buffer is empty afterwards. */
  evaluate(tile: TilePoint): Promise<Density>;
  /** So are the climb's samples. */
  climb(tile: ClimbPoint): Promise<Climb>;
  close(): Promise<void>;
}

interface Pending {
  resolve(result: Answer): void;
  reject(error: Error): void;
}

/** One thread: its evaluations in flight, and whether it is alive. */
interface Thread {
  readonly worker: Worker;
  readonly pending: Map<number, Pending>;
  readonly engine: ReadyEngine;
}

const failed = (name: EngineName, reason: string) =>
  new FlowDenoiseError('ENGINE_FAILED', `engine ${name} failed: ${reason}`);

const notAvailable = (name: EngineName, reason: string) =>
  new FlowDenoiseError('ENGINE_UNAVAILABLE', `engine ${name} is not available: ${reason}`);

/** What a native library reads when it loads: a thread's own environment is hidden from it. */
function prepareEnvironment(name: EngineName): void {
  if (name === 'tensorflow') prepareTensorflowEnvironment();
  if (!name.startsWith('onnx')) return;
  try {
    forbidTelemetry();
  } catch (error) {
    throw notAvailable(name, messageOf(error));
  }
}

/** Starts a thread and waits until its engine is open. */
async function startThread(workerData: EngineWorkerData): Promise<Thread> {
  // Handlers live as long as the thread: they keep the name, not the weights.
  const { name } = workerData;
  prepareEnvironment(name);
  const worker = new Worker(new URL('./engine-worker.js', import.meta.url), {
    workerData,
    execArgv: [],
  });
  const pending = new Map<number, Pending>();
  const rejectAll = (error: Error) => {
    for (const { reject } of pending.values()) reject(error);
    pending.clear();
  };
  const engine = await new Promise<ReadyEngine>((resolve, reject) => {
    const unavailable = (reason: string) => reject(notAvailable(name, reason));
    worker.on('error', (error) => {
      unavailable(messageOf(error));
      rejectAll(failed(name, messageOf(error)));
    });
    worker.on('exit', (code) => {
      unavailable(`its thread ended with code ${code}`);
      rejectAll(failed(name, `its thread ended with code ${code}`));
    });
    worker.on('message', (message: EngineReply) => {
      if (message.kind === 'ready') return resolve(message.engine);
      if (message.kind === 'unavailable') {
        unavailable(message.reason.split('\n')[0] ?? '');
        return void worker.terminate();
      }
      const waiting = pending.get(message.id);
      // Nobody waits any more: the pool closes, and the thread must live until it has ended by itself.
      if (waiting === undefined) return;
      pending.delete(message.id);
      if (pending.size === 0) worker.unref();
      if (message.kind === 'result') waiting.resolve(message.result);
      else waiting.reject(failed(name, message.reason));
    });
  });
  // An idle thread does not keep the process alive; a busy one does.
  worker.unref();
  return { worker, pending, engine };
}

/** Never `terminate()`: ONNX Runtime aborts the process when its thread goes during an evaluation. */
async function endThread({ worker }: Thread): Promise<void> {
  if (worker.threadId === -1) return;
  const ended = new Promise((resolve) => worker.once('exit', resolve));
  worker.ref();
  worker.postMessage('close' satisfies EngineRequest);
  await ended;
}

/**
 * @throws FlowDenoiseError ENGINE_UNAVAILABLE when the engine does not open, ENGINE_FAILED from `evaluate`
 */
export async function openWorkerPool(data: EngineWorkerData, threads: number): Promise<WorkerPool> {
  // The first one alone: if the engine is not available, one failure is enough.
  const first = await startThread(data);
  const starts = await Promise.allSettled(Array.from({ length: threads - 1 }, () => startThread(data)));
  const pool = [first, ...starts.flatMap((start) => (start.status === 'fulfilled' ? [start.value] : []))];
  const failure = starts.find((start) => start.status === 'rejected');
  if (failure) {
    await Promise.all(pool.map(endThread));
    throw failure.reason;
  }
  const { name } = data;
  let nextId = 0;
  let isClosed = false;

  /** The answer is of the tile's kind: see engine-worker.ts. */
  async function run(tile: TilePoint | ClimbPoint, samples: readonly Float32Array[]): Promise<Answer> {
    if (isClosed) throw new FlowDenoiseError('CLOSED', 'the engine is closed; open a new denoiser');
    const alive = pool.filter(({ worker }) => worker.threadId !== -1);
    if (alive.length === 0) throw failed(name, 'its threads have ended; open a new denoiser');
    const thread = alive.reduce((a, b) => (b.pending.size < a.pending.size ? b : a));
    const id = nextId++;
    return new Promise((resolve, reject) => {
      thread.pending.set(id, { resolve, reject });
      thread.worker.ref();
      const request: EngineRequest = { id, tile };
      const transfer = new Set(samples.map(({ buffer }) => buffer as ArrayBuffer));
      thread.worker.postMessage(request, [...transfer]);
    });
  }

  return {
    engine: first.engine,
    evaluate: (tile) => run(tile, [tile.y]) as Promise<Density>,
    climb: (tile) => run(tile, [tile.y, tile.climb.noisy]) as Promise<Climb>,
    async close() {
      if (isClosed) return;
      isClosed = true;
      await Promise.all(
        pool.map((thread) => {
          for (const { reject } of thread.pending.values())
            reject(new FlowDenoiseError('CLOSED', 'the engine was closed while it worked'));
          thread.pending.clear();
          return endThread(thread);
        }),
      );
    },
  };
}
