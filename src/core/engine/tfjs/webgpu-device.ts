// A WebGPU device for TensorFlow.js in Node: Dawn, from the package `webgpu`, behind TensorFlow.js's own backend. Users
// install both packages. A GPU reports errors late and apart from their calls, so they are kept until `throwIfFailed`.
import * as tf from '@tensorflow/tfjs-core';
import type { Device } from '../engine.js';

/** The type `string` keeps compilers and bundlers from looking for the packages. */
const DAWN_PACKAGE: string = 'webgpu';
const BACKEND_PACKAGE: string = '@tensorflow/tfjs-backend-webgpu';

const BACKEND = 'webgpu';
/** WebGPU does not tell a device's memory; too large batches are made smaller when they fail. */
const ASSUMED_MEMORY = 2 * 1024 ** 3;

/** A value of the flag WEBGPU_MATMUL_PROGRAM_TYPE. */
const PACKED_PROGRAM = 3;

const WANTED_LIMITS = [
  'maxComputeWorkgroupStorageSize',
  'maxComputeWorkgroupsPerDimension',
  'maxStorageBufferBindingSize',
  'maxBufferSize',
  'maxComputeWorkgroupSizeX',
  'maxComputeInvocationsPerWorkgroup',
] as const;

let gpu: GPU | undefined;

async function openGpu(): Promise<GPU> {
  if (gpu) return gpu;
  const { create, globals } = (await import(DAWN_PACKAGE)) as typeof import('webgpu');
  Object.assign(globalThis, globals);
  gpu = create([]);
  // The backend reads it when it is imported.
  const navigator = { userAgent: 'node', gpu };
  Object.defineProperty(globalThis, 'navigator', { value: navigator, configurable: true, writable: true });
  await import(BACKEND_PACKAGE);
  return gpu;
}

/** Makes the GPU TensorFlow.js's backend in this thread. @throws  Error when the packages are not installed or there is no GPU */
export async function openWebGpu() {
  let failure: Error | undefined;
  let current: GPUDevice | undefined;

  async function open(): Promise<GPUAdapter> {
    const adapter = await (await openGpu()).requestAdapter({ powerPreference: 'high-performance' });
    if (!adapter) throw new Error('no GPU with a Vulkan, Metal or Direct3D 12 driver was found');
    const requiredLimits = Object.fromEntries(WANTED_LIMITS.map((limit) => [limit, adapter.limits[limit]]));
    const opened = await adapter.requestDevice({ requiredLimits });
    current = opened;
    failure = undefined;
    opened.addEventListener('uncapturederror', ({ error }) => {
      if (opened === current) failure ??= new Error(`${error.constructor.name}: ${error.message}`);
    });
    void opened.lost.then(({ message }) => {
      if (opened === current) failure = new Error(`the device was lost: ${message}`);
    });
    const { WebGPUBackend } = (await import(BACKEND_PACKAGE)) as {
      WebGPUBackend: new (device: GPUDevice, info: GPUAdapterInfo) => never;
    };
    // On a software GPU, small products take 100 ms each: workgroups wait for each other. The packed kernel, which
    // TensorFlow.js keeps for large products, takes 10 ms.
    if (adapter.info.isFallbackAdapter) tf.env().set('WEBGPU_MATMUL_PROGRAM_TYPE', PACKED_PROGRAM);
    tf.registerBackend(BACKEND, () => new WebGPUBackend(opened, adapter.info));
    if (!(await tf.setBackend(BACKEND))) throw new Error('TensorFlow.js could not start on the GPU');
    await tf.ready();
    return adapter;
  }

  function closeDevice(): void {
    const closed = current;
    current = undefined;
    tf.removeBackend(BACKEND);
    closed?.destroy();
  }

  const { info, limits } = await open();
  const name = info.description || [info.vendor, info.architecture, info.device].filter(Boolean).join(' ');
  const device: Device = {
    library: `TensorFlow.js WebGPU ${tf.version_core}`,
    device: name || 'GPU',
    kind: info.isFallbackAdapter ? 'software-gpu' : 'gpu',
    memoryBytes: Math.max(ASSUMED_MEMORY, limits.maxBufferSize ?? 0),
  };
  return {
    device,
    throwIfFailed(): void {
      if (failure) throw failure;
    },
    async reopen(): Promise<void> {
      closeDevice();
      await open();
    },
    close(): void {
      closeDevice();
      // Dawn keeps the process alive while anything refers to it.
      gpu = undefined;
      Reflect.deleteProperty(globalThis, 'navigator');
    },
  };
}
