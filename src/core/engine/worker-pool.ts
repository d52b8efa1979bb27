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

/** One thread and its evaluations in flight. */
interface Thread {
  readonly worker: Worker;
  readonly pending: Map<number, Pending>;
  /** Rejects where the engine does not open; what is in flight then rejects too. */
  readonly engine: Promise<ReadyEngine>;
  /**
   * What is in flight rejects. Resolves when the thread has gone: never `terminate()` it, ONNX Runtime aborts the process when
   * its thread goes at work.
   */
  end(): Promise<void>;
}

/** Pixels to evaluate that are worth a further thread: to start one and to make its session takes a while too. */
const WORTH_A_THREAD = 128 * 128;

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

/** Starts a thread, which can be asked at once. */
function startThread(workerData: EngineWorkerData): Thread {
  // Handlers live as long as the thread: they keep the name, not the weights.
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
  // An idle thread does not keep the process alive; a busy one does, and one that ends.
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
      // Nobody waits any more: the pool closes, and the thread must live until it has ended by itself.
      if (waiting === undefined) return;
      pending.delete(message.id);
      unrefIdle();
      if (message.kind === 'result') waiting.resolve(message.result);
      else waiting.reject(failed(name, message.reason));
    });
  });
  // Of a thread that starts later, nobody waits for this.
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
  // Let go when all threads have been started: it holds the weights.
  let dataOfThreads = threads > 1 ? data : undefined;
  let nextId = 0;
  let askedPixels = 0;
  let isClosed = false;

  /** The thread with the fewest evaluations in flight; a new one where all are busy and there was work enough. */
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

  /** The answer is of the tile's kind: see engine-worker.ts. */
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
