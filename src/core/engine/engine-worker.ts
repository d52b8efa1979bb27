// The inside of a worker thread: opens one local engine and answers requests. If the engine makes no batches itself, it gets
// one request at a time.
import { parentPort, workerData } from 'node:worker_threads';
import { messageOf } from '../errors.js';
import type { Answer } from '../inference/estimation.js';
import type { Prior } from '../model/load-prior.js';
import type { ClimbPoint, Device, EngineName, LocalEngine, TilePoint } from './engine.js';

export interface EngineWorkerData {
  readonly name: EngineName;
  readonly prior: Pick<Prior, 'model' | 'weights'>;
}

export type EngineRequest = { readonly id: number; readonly tile: TilePoint | ClimbPoint } | 'close';

/** The part of a local engine that the pool needs to know. */
export interface ReadyEngine {
  readonly device: Device;
  readonly lanes: number;
  readonly takesClimbs: boolean;
}

export type EngineReply =
  | { readonly kind: 'ready'; readonly engine: ReadyEngine }
  | { readonly kind: 'unavailable'; readonly reason: string }
  | { readonly kind: 'result'; readonly id: number; readonly result: Answer }
  | { readonly kind: 'error'; readonly id: number; readonly reason: string };

const providerOf = (name: EngineName) => name.split(':')[1] ?? 'cpu';

async function openLocalEngine({ name, prior }: EngineWorkerData): Promise<LocalEngine> {
  switch (name) {
    case 'onnx':
    case 'onnx:cuda':
    case 'onnx:dml':
    case 'onnx:coreml':
    case 'onnx:webgpu':
      return (await import('./onnx/onnx-engine.js')).openOnnxEngine(prior, providerOf(name));
    case 'tensorflow':
    case 'webgpu':
    case 'wasm':
      return (await import('./tfjs/tfjs-engine.js')).openTfjsEngine(name, prior);
    default:
      throw new TypeError(`no engine ${name satisfies never}`);
  }
}

/** The buffers of an answer; they are transferred to the pool, not copied. */
function buffersOf(result: Answer): ArrayBuffer[] {
  const samples = 'score' in result ? result.score : result.estimate;
  return samples ? [samples.buffer as ArrayBuffer] : [];
}

const port = parentPort;
if (!port) throw new Error('engine-worker runs in a worker thread only');

const reply = (message: EngineReply, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);

try {
  const engine = await openLocalEngine(workerData as EngineWorkerData);
  const compute = (tile: TilePoint | ClimbPoint): Promise<Answer> => {
    if (!('climb' in tile)) return engine.evaluate(tile);
    if (engine.climb) return engine.climb(tile);
    throw new TypeError('this engine does not take climbs');
  };
  const answer = async (id: number, tile: TilePoint | ClimbPoint) => {
    try {
      const result = await compute(tile);
      reply({ kind: 'result', id, result }, buffersOf(result));
    } catch (error) {
      reply({ kind: 'error', id, reason: messageOf(error) });
    }
  };
  let previous: Promise<unknown> = Promise.resolve();
  port.on('message', (request: EngineRequest) => {
    if (request === 'close') {
      previous = previous.then(() => engine.close()).finally(() => port.close());
    } else if (engine.lanes > 1) {
      void answer(request.id, request.tile);
    } else {
      previous = previous.then(() => answer(request.id, request.tile));
    }
  });
  const { device, lanes, climb } = engine;
  reply({ kind: 'ready', engine: { device, lanes, takesClimbs: climb !== undefined } });
} catch (error) {
  reply({ kind: 'unavailable', reason: messageOf(error) });
}
