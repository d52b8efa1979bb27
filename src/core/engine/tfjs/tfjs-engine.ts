// TensorFlow.js in the calling thread: runs the flow operation by operation on one backend. On `tensorflow` and `webgpu`
// many tiles stay on the device while beta-MAP climbs; `wasm` takes one evaluation at a time.
import * as tf from '@tensorflow/tfjs-core';
import { type DensityAndScore, densityAndScore } from '../../flow/log-density.js';
import { parametersFrom } from '../../flow/parameters.js';
import type { Density } from '../../inference/estimation.js';
import type { Prior } from '../../model/load-prior.js';
import { tfjsOps } from '../../ops/tfjs-ops.js';
import type { LocalEngine } from '../engine.js';
import {
  type Batch,
  type BatchResult,
  type DeviceProgram,
  joined,
  openDeviceBatches,
  parted,
} from './device-batches.js';
import { type OpenBackend, openBackend, type TfjsBackend } from './tfjs-backend.js';
import { openTfjsClimbs } from './tfjs-climbs.js';

/** Runs `build` and collects the tensors it leaves behind in `tensors`, to dispose of them later. */
function whileTracking<R>(tensors: tf.Tensor[], build: () => R): R {
  const state = tf.engine();
  state.startScope('flow-denoise');
  try {
    const result = build();
    tensors.push(...state.state.activeScope.track);
    return result;
  } finally {
    for (const tensor of tensors) tf.keep(tensor);
    state.endScope();
  }
}

type Evaluate = (y: tf.Tensor, sigma: tf.Tensor) => DensityAndScore<tf.Tensor>;

/** The prior's weights as tensors on the current backend. */
interface BuiltPrior {
  readonly evaluate: Evaluate;
  /** The most memory seen for intermediate results; undefined before the first evaluation. */
  readonly bytesPerPixel: number | undefined;
  dispose(): void;
}

function buildPrior({ model, weights }: Pick<Prior, 'model' | 'weights'>): BuiltPrior {
  const built: tf.Tensor[] = [];
  const compute = whileTracking(built, () =>
    densityAndScore(tfjsOps, model, parametersFrom(tfjsOps, weights)),
  );
  let bytesPerPixel: number | undefined;
  return {
    evaluate(y, sigma) {
      const [batch = 1, height = 1, width = 1] = y.shape;
      const before = tf.memory().numBytes;
      return tf.tidy(() => {
        const { logDensity, score } = compute(y, sigma);
        const bytes = (tf.memory().numBytes - before) / (batch * height * width);
        bytesPerPixel = Math.max(bytesPerPixel ?? 0, bytes);
        return { logDensity, score };
      });
    },
    get bytesPerPixel() {
      return bytesPerPixel;
    },
    dispose: () => tf.dispose(built.splice(0)),
  };
}

async function evaluateBatch(evaluate: Evaluate, { shape, y, sigma }: Batch): Promise<BatchResult> {
  const { batch, channels, height, width } = shape;
  const [logDensity, score] = tf.tidy(() => {
    const picture = tf.transpose(tf.tensor4d(y, [batch, channels, height, width]), [0, 2, 3, 1]);
    const result = evaluate(picture, tf.tensor2d(sigma, [batch, 1]));
    return [result.logDensity, tf.transpose(result.score, [0, 3, 1, 2])] as const;
  });
  try {
    const [densities, scores] = await Promise.all([logDensity.data(), score.data()]);
    return { logDensity: densities as Float32Array, score: scores as Float32Array };
  } finally {
    tf.dispose([logDensity, score]);
  }
}

/** The device's side of `DeviceBatches`; opens a failed device again. */
function deviceProgram(
  backend: OpenBackend,
  prior: Pick<Prior, 'model' | 'weights'>,
  mostTiles: number,
): DeviceProgram & { dispose(): void } {
  let built: BuiltPrior | undefined = buildPrior(prior);
  const onDevice = () => {
    if (!built) throw new Error('the device was lost and could not be opened again');
    return built;
  };
  /** A GPU can fail silently, so results count only after it was asked. */
  async function checked<R>(work: () => Promise<R>): Promise<R> {
    try {
      return await work();
    } finally {
      backend.throwIfFailed();
    }
  }
  return {
    evaluate: (batch) => checked(() => evaluateBatch(onDevice().evaluate, batch)),
    openGroup(tiles) {
      const group = openTfjsClimbs(onDevice().evaluate, tiles);
      return {
        get size() {
          return group.size;
        },
        add: group.add,
        step: () => checked(group.step),
        dispose: group.dispose,
      };
    },
    mostTiles({ height, width }) {
      const { bytesPerPixel } = built ?? {};
      if (bytesPerPixel === undefined) return 1;
      return Math.min(mostTiles, Math.floor(backend.memoryBytes / (bytesPerPixel * height * width)));
    },
    async recover() {
      try {
        backend.throwIfFailed();
        if (built) return;
      } catch {
        // We know already that it failed.
      }
      built?.dispose();
      built = undefined;
      await backend.reopen();
      built = buildPrior(prior);
    },
    dispose: () => built?.dispose(),
  };
}

/**
 * @param mostTiles  the most tiles in a group; default: what suits the backend
 * @throws           Error when the backend does not open
 */
export async function openTfjsEngine(
  name: TfjsBackend,
  prior: Pick<Prior, 'model' | 'weights'>,
  mostTiles?: number,
): Promise<LocalEngine> {
  const backend = await openBackend(name);
  const { device } = backend;
  const most = mostTiles ?? backend.mostTiles;
  if (most === undefined) {
    const built = buildPrior(prior);
    return {
      device,
      lanes: 1,
      async evaluate(tile) {
        const [density] = parted(await evaluateBatch(built.evaluate, joined([tile])));
        return density as Density;
      },
      async close() {
        built.dispose();
        backend.close();
      },
    };
  }
  const program = deviceProgram(backend, prior, most);
  const batches = openDeviceBatches(program);
  return {
    device,
    // As many more wait, to keep the device busy.
    lanes: 2 * most,
    evaluate: batches.evaluate,
    climb: batches.climb,
    async close() {
      await batches.close();
      program.dispose();
      backend.close();
    },
  };
}
