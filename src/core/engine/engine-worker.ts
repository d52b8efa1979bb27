// The inside of an engine's worker thread: opens one local engine and answers with it. If it does not open, the thread ends.
import { workerData } from 'node:worker_threads';
import type { Answer } from '../inference/estimation.js';
import type { Prior } from '../model/load-prior.js';
import type { ClimbPoint, EngineName, LocalEngine, TilePoint } from './engine.js';
import { answerRequests } from './request-thread.js';

export interface EngineWorkerData {
  readonly name: EngineName;
  readonly prior: Pick<Prior, 'model' | 'weights'>;
}

/** `describe` is answered with a `ReadyEngine`, a tile with an `Answer`. */
export type EngineTask = 'describe' | TilePoint | ClimbPoint;

/** The part of a local engine that the pool needs to know. */
export type ReadyEngine = Pick<LocalEngine, 'device' | 'lanes'> & { readonly takesClimbs: boolean };

async function openLocalEngine({ name, prior }: EngineWorkerData): Promise<LocalEngine> {
  if (name === 'tensorflow' || name === 'webgpu' || name === 'wasm')
    return (await import('./tfjs/tfjs-engine.js')).openTfjsEngine(name, prior);
  return (await import('./onnx/onnx-engine.js')).openOnnxEngine(prior, name.split(':')[1]);
}

const engine = await openLocalEngine(workerData as EngineWorkerData);
const { device, lanes } = engine;

function answer(task: EngineTask): Promise<Answer> | ReadyEngine {
  if (task === 'describe') return { device, lanes, takesClimbs: engine.climb !== undefined };
  return 'climb' in task && engine.climb ? engine.climb(task) : engine.evaluate(task);
}

// An engine with several lanes makes its own batches.
answerRequests<EngineTask, ReadyEngine | Answer>(answer, lanes === 1, engine.close);
