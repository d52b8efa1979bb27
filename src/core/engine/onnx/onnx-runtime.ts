// The only place that loads ONNX Runtime. Its Linux builds since 1.29 keep a device id and usage data in the user's home and
// send them to the vendor, unless the environment forbids it before the library loads.
import { isMainThread } from 'node:worker_threads';
import type * as onnxRuntime from 'onnxruntime-node';
import { messageOf } from '../../errors.js';

const TELEMETRY_SWITCH = 'ORT_DISABLE_TELEMETRY';

/**
 * Keeps ONNX Runtime from collecting and sending usage data, for the whole process. Call it before you start a thread
 * that loads the library. A worker thread cannot change the process's environment: there it does nothing.
 */
export function forbidTelemetry(): void {
  if (isMainThread) process.env[TELEMETRY_SWITCH] = '1';
}

/** @throws Error if it is not installed, or if it could send usage data */
export async function loadOnnxRuntime(): Promise<typeof onnxRuntime> {
  forbidTelemetry();
  if (process.env[TELEMETRY_SWITCH] !== '1')
    throw new Error(
      `it would send usage data: ${TELEMETRY_SWITCH} cannot be set for the process from here; ` +
        'set it to 1 before you start the process',
    );
  try {
    return await import('onnxruntime-node');
  } catch (error) {
    const [reason] = messageOf(error).split('\n');
    throw new Error(`${reason} (reinstall the package onnxruntime-node)`);
  }
}
