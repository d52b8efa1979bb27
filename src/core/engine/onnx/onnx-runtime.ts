// The one place that loads ONNX Runtime. Its Linux builds since 1.29 keep a device id and a database of usage in the
// user's home and send them to their vendor, unless the process's environment forbids it before the library loads.
import { isMainThread } from 'node:worker_threads';
import type * as onnxRuntime from 'onnxruntime-node';
import { messageOf } from '../../errors.js';

export const TELEMETRY_SWITCH = 'ORT_DISABLE_TELEMETRY';

/**
 * Keeps ONNX Runtime from collecting and sending usage data, for the whole process. Call it before you start a thread
 * that loads the library.
 *
 * @throws  Error in a thread whose main thread has not done so: a thread changes only its own copy of the environment,
 *          which the library does not read
 */
export function forbidTelemetry(): void {
  if (process.env[TELEMETRY_SWITCH] === '1') return;
  if (!isMainThread)
    throw new Error(
      "it would send usage data from a worker thread; set process.env.ORT_DISABLE_TELEMETRY = '1' in the main thread " +
        'before you start the worker',
    );
  process.env[TELEMETRY_SWITCH] = '1';
}

/** @throws Error where it is not installed, or where `forbidTelemetry` throws */
export async function loadOnnxRuntime(): Promise<typeof onnxRuntime> {
  forbidTelemetry();
  try {
    return await import('onnxruntime-node');
  } catch (error) {
    const [reason] = messageOf(error).split('\n');
    throw new Error(`${reason} (to have it, reinstall the package onnxruntime-node)`);
  }
}
