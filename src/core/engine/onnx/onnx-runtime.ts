// The only place that loads ONNX Runtime. Its Linux builds since 1.29 keep a device id and usage data in the user's home and
// send them to the vendor, unless the environment forbids it before the library loads.
import { isMainThread } from 'node:worker_threads';
import type * as onnxRuntime from 'onnxruntime-node';
import { messageOf } from '../../errors.js';

const TELEMETRY_SWITCH = 'ORT_DISABLE_TELEMETRY';

/**
 * Keeps ONNX Runtime from collecting and sending usage data, for the whole process. Call it before you start a thread
 * that loads the library.
 *
 * @throws  Error in a worker thread, which cannot change the process's environment, if the main thread has not called it
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

/** @throws Error if it is not installed, or `forbidTelemetry` throws */
export async function loadOnnxRuntime(): Promise<typeof onnxRuntime> {
  forbidTelemetry();
  try {
    return await import('onnxruntime-node');
  } catch (error) {
    const [reason] = messageOf(error).split('\n');
    throw new Error(`${reason} (reinstall the package onnxruntime-node)`);
  }
}
