// ONNX Runtime in the calling thread, on one core; runs the whole recorded graph. One session takes tiles of any shape and
// noise level. Large tiles of one noise level get their own session, which is 10% faster: with both known, the conditioning
// becomes biases of the convolutions. The tile alone decides which session runs it, so a picture always gives the same bits.
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import v8 from 'node:v8';
import vm from 'node:vm';
import type { InferenceSession } from 'onnxruntime-node';
import { squeezeFactor } from '../../flow/architecture.js';
import { densityAndScore } from '../../flow/log-density.js';
import { parametersFrom } from '../../flow/parameters.js';
import type { Prior } from '../../model/load-prior.js';
import { createOnnxGraph, type OnnxGraphOptions } from '../../ops/onnx-graph.js';
import { type OnnxOpsOptions, onnxOps } from '../../ops/onnx-ops.js';
import type { PictureShape } from '../../ops/tensor-ops.js';
import type { Shape } from '../../picture.js';
import { checkTile, deviation, MOST_DEVIATION } from '../check-tile.js';
import type { LocalEngine, TilePoint } from '../engine.js';
import { loadOnnxRuntime } from './onnx-runtime.js';

/** A session not used for this many evaluations is released: each holds about 60 MB. */
const IDLE_EVALUATIONS = 24;

/** Tiles with fewer pixels get no session of their own: making one takes longer than it saves. */
const LEAST_PIXELS = 200 * 200;

/** One core per session. Without arenas, memory is freed between evaluations, at no measurable cost. */
const SESSION_OPTIONS: InferenceSession.SessionOptions = {
  intraOpNumThreads: 1,
  interOpNumThreads: 1,
  executionMode: 'sequential',
  graphOptimizationLevel: 'all',
  enableCpuMemArena: false,
  enableMemPattern: false,
  // Hides a warning that matters only if you save the optimised graph.
  logSeverityLevel: 3,
};

/** The package's install script fetches them. */
function hasCudaLibraries(): boolean {
  const entry = createRequire(import.meta.url).resolve('onnxruntime-node');
  const folder = path.join(entry, `../../bin/napi-v6/${process.platform}/${process.arch}`);
  return existsSync(folder) && readdirSync(folder).some((name) => name.includes('providers_cuda'));
}

/** @throws Error when this build has no such provider, or it does not open */
async function openProvider(prior: Pick<Prior, 'model' | 'weights'>, provider: string): Promise<LocalEngine> {
  const ort = await loadOnnxRuntime();
  const available = ort.listSupportedBackends().map(({ name }) => name);
  if (!available.includes(provider))
    throw new Error(`this build of ONNX Runtime has ${available.join(', ')} but not ${provider}`);
  // Without its libraries, ONNX Runtime also prints to stderr.
  if (provider === 'cuda' && !hasCudaLibraries())
    throw new Error('onnxruntime-node was installed without its CUDA libraries');
  const sessions = new Map<string, { readonly session: Promise<InferenceSession>; lastUse: number }>();
  let evaluations = 0;

  const opsOptions = provider === 'webgpu' ? { channelMultiple: 4 } : {};
  // A typical picture, for recording: two pixels are left at the coarsest level.
  const side = 2 * squeezeFactor(prior.model);

  async function createSession(own?: { shape: Shape; sigma: number }): Promise<InferenceSession> {
    const shape = own?.shape ?? { channels: prior.model.channels, height: side, width: side };
    const options = { ...opsOptions, isAnySize: own === undefined };
    const session = await ort.InferenceSession.create(
      recordDensityAndScore(prior, { batch: 1, ...shape }, own?.sigma, options),
      {
        ...SESSION_OPTIONS,
        // The blocked layout does not take computed biases, and uses twice the memory if sizes are open.
        graphOptimizationLevel: own ? 'all' : 'extended',
        executionProviders: [provider],
      },
    );
    collectGarbage();
    return session;
  }

  async function sessionFor({ shape, sigma, varies }: TilePoint): Promise<InferenceSession> {
    const { height, width } = shape;
    const isOwn = !varies && height * width >= LEAST_PIXELS;
    const key = isOwn ? `${height}x${width}@${sigma}` : 'any';
    const session = sessions.get(key)?.session ?? createSession(isOwn ? { shape, sigma } : undefined);
    sessions.set(key, { session, lastUse: ++evaluations });
    session.catch(() => sessions.delete(key));
    return session;
  }

  async function releaseIdle(): Promise<void> {
    for (const [key, { session, lastUse }] of sessions) {
      if (evaluations - lastUse < IDLE_EVALUATIONS) continue;
      sessions.delete(key);
      await (await session).release();
    }
  }

  return {
    device: {
      library: `ONNX Runtime ${ort.env.versions.node ?? ort.env.versions.common}`,
      device: provider === 'cpu' ? 'CPU' : `its provider ${provider}`,
      kind: provider === 'cpu' ? 'cpu' : 'gpu',
    },
    lanes: 1,
    async evaluate(tile) {
      const { shape, y, sigma } = tile;
      const { channels, height, width } = shape;
      const session = await sessionFor(tile);
      const feeds: Record<string, InstanceType<typeof ort.Tensor>> = {
        y: new ort.Tensor('float32', y, [1, channels, height, width]),
      };
      if (session.inputNames.includes('sigma'))
        feeds.sigma = new ort.Tensor('float32', Float32Array.of(sigma), [1, 1]);
      const { logDensity, score } = await session.run(feeds);
      await releaseIdle();
      return { logDensity: logDensity?.data[0] as number, score: score?.data as Float32Array };
    },
    async close() {
      const open = [...sessions.values()];
      sessions.clear();
      for (const { session } of open) await (await session).release();
    },
  };
}

/**
 * @param provider  'cpu', or one of ONNX Runtime's GPU providers
 * @throws          Error if it does not open, or its score of the built-in tile is not the CPU's
 */
export async function openOnnxEngine(
  prior: Pick<Prior, 'model' | 'weights'>,
  provider = 'cpu',
): Promise<LocalEngine> {
  const engine = await openProvider(prior, provider);
  if (provider === 'cpu') return engine;
  const cpu = await openProvider(prior, 'cpu');
  try {
    const { score } = await engine.evaluate(checkTile());
    const found = deviation(score, (await cpu.evaluate(checkTile())).score);
    if (found <= MOST_DEVIATION) return engine;
    throw new Error(
      `its score of the built-in tile differs from the CPU's by ${found.toExponential(1)} of its norm`,
    );
  } catch (error) {
    await engine.close();
    throw error;
  } finally {
    await cpu.close();
  }
}

/**
 * An ONNX model, as bytes, with inputs y [B, C, H, W] and sigma [B, 1] and outputs logDensity [B] and score (like y).
 *
 * @param sigma  if given, it is fixed and the model has no input for it
 */
export function recordDensityAndScore(
  prior: Pick<Prior, 'model' | 'weights'>,
  shape: PictureShape,
  sigma?: number,
  { isAnySize, ...options }: OnnxOpsOptions & OnnxGraphOptions = {},
): Uint8Array {
  const { batch, channels, height, width } = shape;
  const graph = createOnnxGraph(prior.model.name, { isAnySize });
  const ops = onnxOps(graph, options);
  const evaluate = densityAndScore(ops, prior.model, parametersFrom(ops, prior.weights));
  const { logDensity, score } = evaluate(
    graph.input('y', [batch, channels, height, width]),
    sigma === undefined
      ? graph.input('sigma', [batch, 1])
      : graph.constant(new Float32Array(batch).fill(sigma), [batch, 1]),
  );
  graph.output('logDensity', logDensity);
  graph.output('score', score);
  return graph.serialize();
}

/** Collects this thread's garbage now: a recorded model is tens of MB that V8 does not see, and would keep for minutes. */
function collectGarbage(): void {
  v8.setFlagsFromString('--expose-gc');
  const gc: unknown = vm.runInNewContext('globalThis.gc');
  if (typeof gc === 'function') gc();
}
