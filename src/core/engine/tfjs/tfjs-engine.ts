// TensorFlow.js in the calling thread: runs the flow operation by operation on one backend. On `tensorflow` and `webgpu`
// many tiles stay on the device while beta-MAP climbs; `wasm` takes one evaluation at a time.
import * as tf from '@tensorflow/tfjs-core';
import { densityAndScore } from '../../flow/log-density.js';
import { parametersFrom } from '../../flow/parameters.js';
import type { Density } from '../../inference/estimation.js';
import type { Prior } from '../../model/load-prior.js';
import { tfjsOps } from '../../ops/tfjs-ops.js';
import type { LocalEngine, TilePoint } from '../engine.js';
import { type DeviceProgram, openDeviceBatches } from './device-batches.js';
import { type OpenBackend, openBackend, type TfjsBackend } from './tfjs-backend.js';
import { type Evaluate, openTfjsClimbs, perTile, pictureOf, planar } from './tfjs-climbs.js';

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

/** The prior's weights as tensors on the current backend. */
function buildPrior({ model, weights }: Pick<Prior, 'model' | 'weights'>) {
  const built: tf.Tensor[] = [];
  const compute = whileTracking(built, () =>
    densityAndScore(tfjsOps, model, parametersFrom(tfjsOps, weights)),
  );
  let bytesPerPixel: number | undefined;
  return {
    evaluate(y: tf.Tensor, sigma: tf.Tensor) {
      const [batch = 1, height = 1, width = 1] = y.shape;
      const before = tf.memory().numBytes;
      return tf.tidy(() => {
        const { logDensity, score } = compute(y, sigma);
        const bytes = (tf.memory().numBytes - before) / (batch * height * width);
        bytesPerPixel = Math.max(bytesPerPixel ?? 0, bytes);
        return { logDensity, score };
      });
    },
    /** The most memory seen for intermediate results; undefined before the first evaluation. */
    get bytesPerPixel() {
      return bytesPerPixel;
    },
    dispose: () => tf.dispose(built.splice(0)),
  };
}

async function evaluateTiles(evaluate: Evaluate, tiles: readonly TilePoint[]): Promise<Density[]> {
  const [logDensity, score] = tf.tidy(() => {
    const y = tf.concat(tiles.map((tile) => pictureOf(tile.y, tile.shape)));
    const sigma = perTile(tiles, (tile) => tile.sigma);
    const { logDensity, score } = evaluate(y, sigma);
    return [logDensity, planar(score)] as const;
  });
  try {
    const [densities, scores] = await Promise.all([logDensity.data(), score.data()]);
    const length = scores.length / tiles.length;
    return tiles.map((_, i) => ({
      logDensity: densities[i] as number,
      score: scores.slice(i * length, (i + 1) * length) as Float32Array,
    }));
  } finally {
    tf.dispose([logDensity, score]);
  }
}

/** The device's side of the batches; opens a failed device again. */
function deviceProgram(
  backend: OpenBackend,
  prior: Pick<Prior, 'model' | 'weights'>,
  mostTiles: number,
): DeviceProgram & { dispose(): void } {
  let built: ReturnType<typeof buildPrior> | undefined = buildPrior(prior);
  const evaluate: Evaluate = (y, sigma) => {
    if (!built) throw new Error('the device was lost and could not be opened again');
    return built.evaluate(y, sigma);
  };
  const climbs = openTfjsClimbs(evaluate);
  /** A GPU can fail silently, so results count only after it was asked. */
  const checked = <R>(work: Promise<R>) => work.finally(backend.throwIfFailed);
  return {
    evaluate: (tiles) => checked(evaluateTiles(evaluate, tiles)),
    step: (tiles) => checked(climbs.step(tiles)),
    mostTiles({ height, width }) {
      const { bytesPerPixel } = built ?? {};
      if (bytesPerPixel === undefined) return 1;
      return Math.min(mostTiles, Math.floor(backend.memoryBytes / (bytesPerPixel * height * width)));
    },
    async recover() {
      climbs.dispose();
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
 * @param mostTiles  the most tiles in a batch; default: what suits the backend
 * @throws           Error when the backend does not open
 */
export async function openTfjsEngine(
  name: TfjsBackend,
  prior: Pick<Prior, 'model' | 'weights'>,
  mostTiles?: number,
): Promise<LocalEngine> {
  const backend = await openBackend(name);
  const most = mostTiles ?? backend.mostTiles;
  const program = deviceProgram(backend, prior, most ?? 1);
  const batches = openDeviceBatches(program);
  return {
    device: backend.device,
    // As many more wait, to keep the device busy.
    lanes: most === undefined ? 1 : 2 * most,
    evaluate: batches.evaluate,
    climb: most === undefined ? undefined : batches.climb,
    async close() {
      await batches.close();
      program.dispose();
      backend.close();
    },
  };
}
