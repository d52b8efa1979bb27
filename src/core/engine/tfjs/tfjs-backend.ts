// Opens the backends of TensorFlow.js: `tensorflow` is tfjs-node-gpu and `webgpu` is Dawn, which users install; `wasm` comes
// with the package; `cpu`, plain JavaScript, is for tests, which import it themselves.
import { execFile } from 'node:child_process';
import os from 'node:os';
import { promisify } from 'node:util';
import * as tf from '@tensorflow/tfjs-core';
import type { Device } from '../engine.js';
import { describeTensorflow, importTensorflow } from '../packages/tensorflow-package.js';
import { openWebGpu, releaseGpu } from './webgpu-device.js';

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

const nothing = { throwIfFailed: () => {}, reopen: async () => {}, close: () => {} };

/** The first GPU, as its driver's tool names it; undefined without that tool. */
async function nvidiaGpu(): Promise<{ name: string; memoryBytes: number } | undefined> {
  const query = ['--query-gpu=name,memory.total', '--format=csv,noheader,nounits'];
  const { stdout } = await promisify(execFile)('nvidia-smi', query, { timeout: 10_000 }).catch(() => ({
    stdout: '',
  }));
  const [name, mebibytes] = (stdout.split('\n')[0] ?? '').split(', ');
  return name && mebibytes ? { name, memoryBytes: Number(mebibytes) * 1024 ** 2 } : undefined;
}

async function openTensorflow(): Promise<OpenBackend> {
  const { tfjsNode, libtensorflow, usesGpu } = describeTensorflow(await importTensorflow());
  await tf.setBackend('tensorflow');
  await tf.ready();
  const gpu = usesGpu ? await nvidiaGpu() : undefined;
  const kind = usesGpu ? 'gpu' : 'cpu';
  return {
    ...nothing,
    device: {
      library: `TensorFlow ${libtensorflow} (tfjs-node-gpu ${tfjsNode})`,
      device: usesGpu ? `${gpu?.name ?? 'GPU'} (CUDA)` : 'CPU',
      kind,
      memoryBytes: gpu?.memoryBytes,
    },
    mostTiles: MOST_TILES[kind],
    memoryBytes: gpu ? SHARE_OF_GPU * gpu.memoryBytes : SHARE_OF_MACHINE * os.totalmem(),
  };
}

async function openGpuBackend(): Promise<OpenBackend> {
  let current = await openWebGpu();
  const { device } = current;
  return {
    device,
    mostTiles: MOST_TILES[device.kind],
    memoryBytes: SHARE_OF_GPU * (device.memoryBytes ?? 0),
    throwIfFailed: () => current.throwIfFailed(),
    async reopen() {
      current.close();
      current = await openWebGpu();
    },
    close() {
      current.close();
      releaseGpu();
    },
  };
}

async function openPlain(backend: 'wasm' | 'cpu'): Promise<OpenBackend> {
  const version =
    backend === 'wasm' ? (await import('@tensorflow/tfjs-backend-wasm')).version_wasm : tf.version_core;
  await tf.setBackend(backend);
  await tf.ready();
  return {
    ...nothing,
    device: { library: `TensorFlow.js ${backend.toUpperCase()} ${version}`, device: 'CPU', kind: 'cpu' },
    mostTiles: undefined,
    memoryBytes: SHARE_OF_MACHINE * os.totalmem(),
  };
}

/** Registers and selects a backend in this thread. */
export async function openBackend(backend: TfjsBackend): Promise<OpenBackend> {
  // Otherwise the first use prints an advertisement, and every operation checks for NaN.
  tf.enableProdMode();
  switch (backend) {
    case 'tensorflow':
      return openTensorflow();
    case 'webgpu':
      return openGpuBackend();
    case 'wasm':
    case 'cpu':
      return openPlain(backend);
    default:
      throw new TypeError(`no backend ${backend satisfies never}`);
  }
}
