// The backends of TensorFlow.js that the tests of training run on: plain JavaScript always, TensorFlow where it is.
import '@tensorflow/tfjs-backend-cpu';
import { createRequire } from 'node:module';
import * as tf from '@tensorflow/tfjs-core';
import {
  findTensorflow,
  INSTALL_COMMAND,
  projectTensorflow,
} from '#src/core/engine/packages/tensorflow-package.js';
import { openBackend } from '#src/core/engine/tfjs/tfjs-backend.js';

// TensorFlow brings @tensorflow/tfjs with it, which does this by itself. Written without extensions, so not for `import`.
createRequire(import.meta.url)('@tensorflow/tfjs-core/dist/register_all_gradients');

const expected = (process.env.FLOW_DENOISE_EXPECT_ENGINES ?? '').split(',').includes('tensorflow');

/** Opens TensorFlow in this thread; false, with a SKIP line that says why and what is left out, where it is not installed. */
export async function openTensorflow(what: string): Promise<boolean> {
  // Before libtensorflow is loaded.
  process.env.TF_CPP_MIN_LOG_LEVEL ??= '2';
  try {
    await openBackend('tensorflow');
    return true;
  } catch (error) {
    if (expected) throw error;
    console.log(`SKIP ${what}: ${error instanceof Error ? error.message : error}`);
    return false;
  }
}

export async function usePlainBackend(): Promise<void> {
  await openBackend('cpu');
}

/** Fails when `work` leaves tensors behind. */
export async function withoutLeak<Result>(work: () => Result | Promise<Result>): Promise<Result> {
  const before = tf.memory().numTensors;
  const result = await work();
  const left = tf.memory().numTensors - before;
  if (left !== 0) throw new Error(`${left} tensors more than before`);
  return result;
}

/** The same without opening it here, for tests whose trainings run in threads of their own. */
export async function isTensorflowThere(what: string): Promise<boolean> {
  if (projectTensorflow() !== undefined || (await findTensorflow()) !== undefined) return true;
  if (expected) throw new Error('TensorFlow is not installed');
  console.log(`SKIP ${what}: TensorFlow is not installed; ${INSTALL_COMMAND} installs it`);
  return false;
}
