// Several worker threads, each with a local engine, behind one interface. An evaluation goes to a free thread. Engines
// compute synchronously, so the threads keep the event loop free.
import { Worker } from 'node:worker_threads';
import { FlowDenoiseError, messageOf } from '../errors.js';
import type { Climb } from '../inference/climb.js';
import type { Answer, Density } from '../inference/estimation.js';
import type { ClimbPoint, EngineName, TilePoint } from './engine.js';
import type { EngineReply, EngineRequest, EngineWorkerData, ReadyEngine } from './engine-worker.js';
import { forbidTelemetry } from './onnx/onnx-runtime.js';
import { prepareTensorflowEnvironment } from './packages/tensorflow-package.js';

export interface WorkerPool {
  readonly engine: ReadyEngine;
  /** Takes over the tile's `y`: its buffer is empty afterwards. */
  evaluate(tile: TilePoint): Promise<Density>;
  /** Takes over the tile's samples too. */
  climb(tile: ClimbPoint): Promise<Climb>;
  close(): Promise<void>;
}

interface Pending {
  resolve(result: Answer): void;
  reject(error: Error): void;
}

interface Thread {
  readonly worker: Worker;
  readonly pending: Map<number, Pending>;
  /** Rejects if the engine does not open; evaluations in flight then reject too. */
  readonly engine: Promise<ReadyEngine>;
  /**
   * Rejects what is in flight and resolves when the thread has ended. It does not use `terminate()`: ONNX Runtime aborts the
   * process if its thread dies at work.
   */
  end(): Promise<void>;
}

/** Pixels that justify a further thread: starting one and making its session takes a while. */
const WORTH_A_THREAD = 128 * 128;

const failed = (name: EngineName, reason: string) =>
  new FlowDenoiseError('ENGINE_FAILED', `engine ${name} failed: ${reason}`);

const notAvailable = (name: EngineName, reason: string) =>
  new FlowDenoiseError('ENGINE_UNAVAILABLE', `engine ${name} is not available: ${reason}`);

/** Sets the variables that a native library reads when it loads. It cannot see a thread's own environment. */
function prepareEnvironment(name: EngineName): void {
  if (name === 'tensorflow') prepareTensorflowEnvironment();
  if (!name.startsWith('onnx')) return;
  try {
    forbidTelemetry();
  } catch (error) {
    throw notAvailable(name, messageOf(error));
  }
}

/** Starts a thread; requests may be sent at once. */
function startThread(workerData: EngineWorkerData): Thread {
  // Handlers live as long as the thread, so they must not hold the weights.
  const { name } = workerData;
  prepareEnvironment(name);
  const worker = new Worker(new URL('./engine-worker.js', import.meta.url), {
    workerData,
    execArgv: [],
  });
  const pending = new Map<number, Pending>();
  let isEnding = false;
  const rejectAll = (error: Error) => {
    for (const { reject } of pending.values()) reject(error);
    pending.clear();
  };
  // An idle thread does not keep the process alive. A busy one does, and one that is ending.
  const unrefIdle = () => {
    if (pending.size === 0 && !isEnding) worker.unref();
  };
  const engine = new Promise<ReadyEngine>((resolve, reject) => {
    const unavailable = (reason: string) => {
      reject(notAvailable(name, reason));
      rejectAll(failed(name, reason));
    };
    worker.on('error', (error) => {
      unavailable(messageOf(error));
    });
    worker.on('exit', (code) => {
      unavailable(`its thread ended with code ${code}`);
    });
    worker.on('message', (message: EngineReply) => {
      if (message.kind === 'ready') {
        unrefIdle();
        return resolve(message.engine);
      }
      if (message.kind === 'unavailable') {
        unavailable(message.reason.split('\n')[0] ?? '');
        return void worker.terminate();
      }
      const waiting = pending.get(message.id);
      // Nobody waits any more: the pool is closing, and the thread ends by itself.
      if (waiting === undefined) return;
      pending.delete(message.id);
      unrefIdle();
      if (message.kind === 'result') waiting.resolve(message.result);
      else waiting.reject(failed(name, message.reason));
    });
  });
  // Nobody awaits this for a thread that starts later.
  engine.catch(() => {});
  return {
    worker,
    pending,
    engine,
    async end() {
      isEnding = true;
      rejectAll(new FlowDenoiseError('CLOSED', 'the engine was closed while it worked'));
      if (worker.threadId === -1) return;
      const ended = new Promise((resolve) => worker.once('exit', resolve));
      worker.ref();
      worker.postMessage('close' satisfies EngineRequest);
      await ended;
    },
  };
}

/**
 * One thread is started at once, the others when there is work for them.
 *
 * @throws FlowDenoiseError ENGINE_UNAVAILABLE when the engine does not open, ENGINE_FAILED from `evaluate`
 */
export async function openWorkerPool(data: EngineWorkerData, threads: number): Promise<WorkerPool> {
  const { name } = data;
  const pool = [startThread(data)];
  const engine = await (pool[0] as Thread).engine;
  // Holds the weights; released when all threads have started.
  let dataOfThreads = threads > 1 ? data : undefined;
  let nextId = 0;
  let askedPixels = 0;
  let isClosed = false;

  /** The thread with the fewest evaluations in flight, or a new one if all are busy and there was enough work. */
  function freeThread(): Thread {
    const alive = pool.filter(({ worker }) => worker.threadId !== -1);
    const [first, ...others] = alive;
    const thread = first && others.reduce((a, b) => (b.pending.size < a.pending.size ? b : a), first);
    const isWorth = askedPixels > pool.length * WORTH_A_THREAD;
    if (thread && !(dataOfThreads && isWorth && thread.pending.size > 0)) return thread;
    if (!dataOfThreads) throw failed(name, 'its threads have ended; open a new denoiser');
    const further = startThread(dataOfThreads);
    if (pool.push(further) === threads) dataOfThreads = undefined;
    return further;
  }

  /** Each kind of tile has its own kind of answer, see engine-worker.ts. */
  async function run(tile: TilePoint | ClimbPoint, samples: readonly Float32Array[]): Promise<Answer> {
    if (isClosed) throw new FlowDenoiseError('CLOSED', 'the engine is closed; open a new denoiser');
    askedPixels += tile.shape.height * tile.shape.width;
    const thread = freeThread();
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
    engine,
    evaluate: (tile) => run(tile, [tile.y]) as Promise<Density>,
    climb: (tile) => run(tile, [tile.y, tile.climb.noisy]) as Promise<Climb>,
    async close() {
      if (isClosed) return;
      isClosed = true;
      await Promise.all(pool.map((thread) => thread.end()));
    },
  };
}
