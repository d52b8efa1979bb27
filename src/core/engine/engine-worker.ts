// The inside of a worker thread: opens one local engine and answers evaluations, one after the other.
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../errors.js';
import type { Prior } from '../model/load-prior.js';
import type { Batch, BatchResult, EngineName, LocalEngine } from './engine.js';

export interface EngineWorkerData {
  readonly name: EngineName;
  readonly prior: Pick<Prior, 'model' | 'weights'>;
}

export type EngineRequest = { readonly id: number; readonly batch: Batch } | 'close';

export type EngineReply =
  | { readonly kind: 'ready'; readonly description: string }
  | { readonly kind: 'unavailable'; readonly reason: string }
  | { readonly kind: 'result'; readonly id: number; readonly result: BatchResult }
  | { readonly kind: 'error'; readonly id: number; readonly reason: string };

async function openLocalEngine({ name, prior }: EngineWorkerData): Promise<LocalEngine> {
  switch (name) {
    case 'onnx':
      return (await import('./onnx-engine.js')).openOnnxEngine(prior);
    case 'tensorflow':
    case 'wasm':
      return (await import('./tfjs-engine.js')).openTfjsEngine(name, prior);
    default:
      throw new TypeError(`no engine ${name satisfies never}`);
  }
}

const port = parentPort;
if (!port) throw new Error('engine-worker runs in a worker thread only');

const reply = (message: EngineReply, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);

try {
  const engine = await openLocalEngine(workerData as EngineWorkerData);
  let previous: Promise<unknown> = Promise.resolve();
  port.on('message', (request: EngineRequest) => {
    if (request === 'close') {
      previous = previous.then(() => engine.close()).finally(() => port.close());
      return;
    }
    const { id, batch } = request;
    previous = previous.then(async () => {
      try {
        const result = await engine.evaluate(batch);
        reply({ kind: 'result', id, result }, [result.score.buffer as ArrayBuffer]);
      } catch (error) {
        reply({ kind: 'error', id, reason: messageOf(error) });
      }
    });
  });
  reply({ kind: 'ready', description: engine.description });
} catch (error) {
  reply({ kind: 'unavailable', reason: messageOf(error) });
}
