// The noise network in its own thread, so that measuring noise leaves the event loop free. It is the same for every engine:
// the noise found does not depend on where the prior runs.
import { Worker } from 'node:worker_threads';
import { FlowDenoiseError, messageOf } from '../../errors.js';
import type { PictureLevels } from '../../noise/estimate/picture-head.js';
import { forbidTelemetry } from '../onnx/onnx-runtime.js';
import type { MeterReply, MeterRequest } from './noise-meter-worker.js';

export interface NoiseMeter {
  /**
   * The network's readings of a tile.
   *
   * @param tile  planar [3, height, width], RGB in [0, 1], sides multiples of 16; its buffer is taken over
   * @returns     [2 * LEVELS + FEATURES, height / 16, width / 16], see noise-network.ts
   * @throws      FlowDenoiseError ENGINE_FAILED, CLOSED
   */
  measure(
    tile: Float32Array,
    size: { readonly height: number; readonly width: number },
  ): Promise<Float32Array>;
  /**
   * The levels of a whole picture.
   *
   * @param cells  [count, CELL_INPUTS], see picture-head.ts; its buffer is taken over
   */
  pool(cells: Float32Array): Promise<PictureLevels>;
  close(): Promise<void>;
}

type Result = Extract<MeterReply, { readonly result: unknown }>['result'];

interface Waiting {
  resolve(result: Result): void;
  reject(error: Error): void;
}

const failed = (reason: string) =>
  new FlowDenoiseError('ENGINE_FAILED', `the noise could not be measured: ${reason}; pass sigma`);

/** Opens a noise meter; its thread starts with the first tile. */
export function openNoiseMeter(): NoiseMeter {
  const waiting = new Map<number, Waiting>();
  let worker: Worker | undefined;
  let nextId = 0;
  let isClosed = false;

  function rejectAll(error: Error): void {
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  }

  function started(): Worker {
    if (worker) return worker;
    forbidTelemetry();
    const thread = new Worker(new URL('./noise-meter-worker.js', import.meta.url), { execArgv: [] });
    thread.on('message', (reply: MeterReply) => {
      const place = waiting.get(reply.id);
      waiting.delete(reply.id);
      // An idle thread does not keep the process alive. A busy one does, and one that is being closed.
      if (waiting.size === 0 && !isClosed) thread.unref();
      if ('result' in reply) place?.resolve(reply.result);
      else place?.reject(failed(reply.reason));
    });
    const end = (reason: string) => {
      if (worker === thread) worker = undefined;
      rejectAll(failed(reason));
    };
    thread.on('error', (error) => end(messageOf(error)));
    thread.on('exit', (code) => end(`its thread ended with code ${code}`));
    thread.unref();
    worker = thread;
    return thread;
  }

  /** Each kind of task has its own kind of answer, see noise-meter-worker.ts. */
  function ask(task: MeterRequest['task'], buffer: ArrayBuffer): Promise<Result> {
    if (isClosed) throw new FlowDenoiseError('CLOSED', 'the denoiser is closed; open a new one');
    return new Promise((resolve, reject) => {
      const thread = started();
      const id = nextId++;
      waiting.set(id, { resolve, reject });
      thread.ref();
      thread.postMessage({ id, task } satisfies MeterRequest, [buffer]);
    });
  }

  return {
    measure: (tile, { height, width }) =>
      ask({ kind: 'tile', tile, height, width }, tile.buffer as ArrayBuffer) as Promise<Float32Array>,
    pool: (cells) => ask({ kind: 'pool', cells }, cells.buffer as ArrayBuffer) as Promise<PictureLevels>,
    async close() {
      isClosed = true;
      const thread = worker;
      if (!thread) return;
      const ended = new Promise((resolve) => thread.once('exit', resolve));
      rejectAll(new FlowDenoiseError('CLOSED', 'the denoiser was closed while it measured noise'));
      thread.ref();
      thread.postMessage('close');
      await ended;
    },
  };
}
