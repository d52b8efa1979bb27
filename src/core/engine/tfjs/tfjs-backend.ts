// Opens the backends of TensorFlow.js: `tensorflow` is tfjs-node-gpu and `webgpu` is Dawn, which users install; `wasm` comes
// with the package; `cpu`, plain JavaScript, is for tests, which import it themselves.
import { execFile } from 'node:child_process';
import os from 'node:os';
import { promisify } from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import type { Device } from '../engine.js';
import { describeTensorflow, importTensorflow } from '../packages/tensorflow-package.js';
import { openWebGpu } from './webgpu-device.js';

export type TfjsBackend = 'tensorflow' | 'webgpu' | 'wasm' | 'cpu';

export interface OpenBackend {
  readonly device: Device;
  /** Running more tiles together gains nothing. Undefined if tiles do not stay on the device. */
  readonly mostTiles: number | undefined;
  /** Memory for the tensors of tiles. */
  readonly memoryBytes: number;
  /** @throws  errors that the device reported late, apart from the calls that caused them */
  throwIfFailed(): void;
  /** Call it after `throwIfFailed` has thrown. Opens a new device, without any tensors. */
  reopen(): Promise<void>;
  close(): void;
}

/** Measured: see docs/engines.md. */
const MOST_TILES = { gpu: 16, 'software-gpu': 2, cpu: 2 } as const;
/** The rest of the device's memory is for weights, scratch space and other programs. */
const SHARE_OF_GPU = 0.6;
const SHARE_OF_MACHINE = 0.25;

/** The first GPU, as its driver's tool names it; undefined without that tool. */
async function nvidiaGpu(): Promise<{ name: string; memoryBytes: number } | undefined> {
  const query = ['--query-gpu=name,memory.total', '--format=csv,noheader,nounits'];
  const { stdout } = await promisify(execFile)('nvidia-smi', query, { timeout: 10_000 }).catch(() => ({
    stdout: '',
  }));
  const [name, mebibytes] = (stdout.split('\n')[0] ?? '').split(', ');
  return name && mebibytes ? { name, memoryBytes: Number(mebibytes) * 1024 ** 2 } : undefined;
}

async function openTensorflow(): Promise<Device> {
  const { tfjsNode, libtensorflow, usesGpu } = describeTensorflow(await importTensorflow());
  await tf.setBackend('tensorflow');
  await tf.ready();
  const library = `TensorFlow ${libtensorflow} (tfjs-node-gpu ${tfjsNode})`;
  if (!usesGpu) return { library, device: 'CPU', kind: 'cpu' };
  const gpu = await nvidiaGpu();
  return { library, device: `${gpu?.name ?? 'GPU'} (CUDA)`, kind: 'gpu', memoryBytes: gpu?.memoryBytes };
}

async function openPlain(backend: 'wasm' | 'cpu'): Promise<Device> {
  const version =
    backend === 'wasm' ? (await import('@tensorflow/tfjs-backend-wasm')).version_wasm : tf.version_core;
  await tf.setBackend(backend);
  await tf.ready();
  return { library: `TensorFlow.js ${backend.toUpperCase()} ${version}`, device: 'CPU', kind: 'cpu' };
}

/** Registers and selects a backend in this thread. */
export async function openBackend(name: TfjsBackend): Promise<OpenBackend> {
  // Otherwise the first use prints an advertisement, and every operation checks for NaN.
  tf.enableProdMode();
  if (name === 'webgpu') {
    const gpu = await openWebGpu();
    const memoryBytes = SHARE_OF_GPU * (gpu.device.memoryBytes ?? 0);
    return { ...gpu, mostTiles: MOST_TILES[gpu.device.kind], memoryBytes };
  }
  const device = name === 'tensorflow' ? await openTensorflow() : await openPlain(name);
  return {
    device,
    mostTiles: name === 'tensorflow' ? MOST_TILES[device.kind] : undefined,
    memoryBytes: device.memoryBytes ? SHARE_OF_GPU * device.memoryBytes : SHARE_OF_MACHINE * os.totalmem(),
    throwIfFailed() {},
    async reopen() {},
    close() {},
  };
}
