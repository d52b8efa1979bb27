// TensorFlow.js in the calling thread: the flow runs operation by operation on one backend. `tensorflow` is
// tfjs-node-gpu, which users install themselves; `wasm` comes with the package.
import * as tf from '@tensorflow/tfjs-core';
import { densityAndScore } from '../flow/log-density.js';
import { parametersFrom } from '../flow/parameters.js';
import type { Prior } from '../model/load-prior.js';
import { tfjsOps } from '../ops/tfjs-ops.js';
import type { BatchResult, LocalEngine } from './engine.js';

export type TfjsBackend = 'tensorflow' | 'wasm' | 'cpu';

/** Registers and selects a backend. The caller provides `cpu` by importing it. */
async function useBackend(backend: TfjsBackend): Promise<string> {
  // Without it the first use prints an advertisement, and every operation checks for NaN.
  tf.enableProdMode();
  if (backend === 'wasm') {
    const { version_wasm } = await import('@tensorflow/tfjs-backend-wasm');
    await tf.setBackend('wasm');
    await tf.ready();
    return `TensorFlow.js WASM ${version_wasm}`;
  }
  if (backend === 'tensorflow') {
    // Not a dependency: a variable keeps the compiler and bundlers from looking for it.
    const name = '@tensorflow/tfjs-node-gpu';
    const node = (await import(name)) as { version?: Record<string, string> };
    await tf.setBackend('tensorflow');
    await tf.ready();
    return `TensorFlow.js node-gpu ${node.version?.['tfjs-node'] ?? ''}`.trim();
  }
  await tf.setBackend(backend);
  await tf.ready();
  return `TensorFlow.js ${backend} ${tf.version_core}`;
}

/** Runs `build` and adds the tensors it leaves behind to `tensors`, for disposing of them one day. */
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

export async function openTfjsEngine(
  backend: TfjsBackend,
  prior: Pick<Prior, 'model' | 'weights'>,
): Promise<LocalEngine> {
  const description = await useBackend(backend);
  const built: tf.Tensor[] = [];
  const evaluate = whileTracking(built, () =>
    densityAndScore(tfjsOps, prior.model, parametersFrom(tfjsOps, prior.weights)),
  );

  return {
    description,
    async evaluate({ shape, y, sigma }): Promise<BatchResult> {
      const { batch, channels, height, width } = shape;
      const [logDensity, score] = tf.tidy(() => {
        const picture = tf.transpose(tf.tensor4d(y, [batch, channels, height, width]), [0, 2, 3, 1]);
        const result = evaluate(picture, tf.tensor2d(sigma, [batch, 1]));
        return [result.logDensity, tf.transpose(result.score, [0, 3, 1, 2])] as const;
      });
      const [densities, scores] = await Promise.all([logDensity.data(), score.data()]);
      tf.dispose([logDensity, score]);
      return { logDensity: densities as Float32Array, score: scores as Float32Array };
    },
    async close() {
      tf.dispose(built);
    },
  };
}
