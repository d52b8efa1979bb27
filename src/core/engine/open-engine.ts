// Chooses an engine and says why.
import { availableParallelism } from 'node:os';
import { FlowDenoiseError } from '../errors.js';
import { squeezeFactor } from '../flow/architecture.js';
import type { Prior } from '../model/load-prior.js';
import type { Batch, Engine, EngineName } from './engine.js';
import { openWorkerPool } from './worker-pool.js';

/** What `auto` tries, fastest on a CPU first. */
const PREFERENCE: readonly EngineName[] = ['onnx', 'tensorflow', 'wasm'];

const REMEDY: Readonly<Record<EngineName, string>> = {
  onnx: 'reinstall the package onnxruntime-node',
  tensorflow: 'install @tensorflow/tfjs-node-gpu beside flow-denoise',
  wasm: 'reinstall the package @tensorflow/tfjs-backend-wasm',
};

export interface EngineOptions {
  readonly engine: EngineName | 'auto';
  /** Worker threads, each with one core (onnx, wasm); tensorflow has threads of its own. */
  readonly threads?: number | undefined;
}

function checkBatch({ shape, y, sigma }: Batch, multiple: number): void {
  const { batch, channels, height, width } = shape;
  if (height % multiple === 0 && width % multiple === 0 && channels === 3) {
    if (y.length === batch * channels * height * width && sigma.length === batch) return;
  }
  throw new FlowDenoiseError(
    'BAD_OPTION',
    `Expected tiles of 3 channels with sides that are multiples of ${multiple}, all their samples and a sigma each, but ` +
      `received ${batch} of ${channels} x ${height} x ${width} with ${y.length} samples and ${sigma.length} sigmas`,
  );
}

async function open(name: EngineName, prior: Prior, threads: number, because: string): Promise<Engine> {
  const workers = name === 'tensorflow' ? 1 : threads;
  const data = { name, prior: { model: prior.model, weights: prior.weights } };
  const { description, evaluate, close } = await openWorkerPool(data, workers);
  const multiple = squeezeFactor(prior.model);
  const why = `${description}, ${workers} thread${workers === 1 ? '' : 's'}; ${because}`;
  return {
    name,
    why,
    lanes: workers,
    batchSize: 1,
    async evaluate(batch) {
      checkBatch(batch, multiple);
      return evaluate(batch);
    },
    close,
  };
}

/**
 * Opens the engine that was asked for, or the fastest that is available.
 *
 * @throws FlowDenoiseError ENGINE_UNAVAILABLE with every reason and a remedy
 */
export async function openEngine(prior: Prior, options: EngineOptions): Promise<Engine> {
  const threads = options.threads ?? availableParallelism();
  const names = options.engine === 'auto' ? PREFERENCE : [options.engine];
  const reasons: string[] = [];
  for (const name of names) {
    const because =
      options.engine === name ? 'asked for' : ['the fastest available on a CPU', ...reasons].join('; ');
    try {
      return await open(name, prior, threads, because);
    } catch (error) {
      if (!(error instanceof FlowDenoiseError && error.code === 'ENGINE_UNAVAILABLE')) throw error;
      reasons.push(`${error.message} (to have it, ${REMEDY[name]})`);
    }
  }
  throw new FlowDenoiseError('ENGINE_UNAVAILABLE', reasons.join('; '));
}
