// Chooses an engine, and gives the reason.
import { existsSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import { availableParallelism, homedir, totalmem } from 'node:os';
import { join } from 'node:path';
import { FlowDenoiseError } from '../errors.js';
import type { Prior } from '../model/load-prior.js';
import { plural } from '../printable.js';
import type { Engine, EngineName } from './engine.js';
import { findTensorflow, isTensorflowStarted, projectTensorflow } from './packages/tensorflow-package.js';
import { openWorkerPool } from './worker-pool.js';

/** The order in which `auto` tries engines: GPUs, then the fastest on a CPU. */
const PREFERENCE: readonly EngineName[] = ['tensorflow', 'webgpu', 'onnx', 'wasm'];

/** How to get an engine, unless the error already says it. */
const REMEDY: Readonly<Partial<Record<EngineName, string>>> = {
  webgpu: 'install the packages webgpu and @tensorflow/tfjs-backend-webgpu, and a driver for the GPU',
  wasm: 'reinstall the package @tensorflow/tfjs-backend-wasm',
  'onnx:cuda': 'see "ONNX Runtime\'s own GPU providers" in docs/engines.md',
  'onnx:dml': 'use Windows',
  'onnx:coreml': 'use macOS',
  'onnx:webgpu': 'install a driver for the GPU',
};

export interface EngineOptions {
  readonly engine: EngineName | 'auto';
  /** The most worker threads, each on one core (onnx, wasm). Other engines have their own threads. */
  readonly threads?: number | undefined;
}

/** Memory planned per thread: twice what it takes at the largest tiles of 'auto', see docs/engines.md. */
const BYTES_PER_THREAD = 1e9;

/** One thread per core, but no more than memory has room for. */
export function mostThreads(cores: number, bytes: number): number {
  return Math.max(1, Math.min(cores, Math.floor(bytes / BYTES_PER_THREAD)));
}

/** Whether an engine uses several cores through our worker threads. */
const takesThreads = (name: EngineName) => name === 'onnx' || name === 'wasm';

/** Whether `auto` can skip an engine: opening one takes seconds. */
async function isHopeless(name: EngineName): Promise<boolean> {
  if (name === 'tensorflow') {
    const hasDriver = process.platform === 'win32' || NVIDIA_DRIVER.some(existsSync);
    return !hasDriver || (!projectTensorflow() && (await findTensorflow())?.device !== 'cuda');
  }
  // A process that has loaded both crashes with a segmentation fault.
  return name === 'webgpu' && (isTensorflowStarted() || !isWebGpuInstalled() || !hasVulkanGpu());
}

const NVIDIA_DRIVER = ['/proc/driver/nvidia/version', '/dev/nvidia0'] as const;

function isWebGpuInstalled(): boolean {
  const { resolve } = createRequire(import.meta.url);
  try {
    return ['webgpu', '@tensorflow/tfjs-backend-webgpu'].every((name) => resolve(name));
  } catch {
    return false;
  }
}

/** GPUs as Linux shows them: DRM, NVIDIA's own, WSL's. Mesa's software Vulkan needs none of them. */
const GPU_DEVICES = ['/dev/dri', '/dev/nvidia0', '/dev/dxg'] as const;

/** On Linux: a GPU, and a driver where the Vulkan loader looks, without which Dawn complains on stderr. */
function hasVulkanGpu(): boolean {
  if (process.platform !== 'linux') return true;
  if (!GPU_DEVICES.some(existsSync)) return false;
  const { VK_ICD_FILENAMES, VK_DRIVER_FILES, XDG_DATA_HOME } = process.env;
  if (VK_ICD_FILENAMES || VK_DRIVER_FILES) return true;
  const roots = ['/usr/share', '/usr/local/share', '/etc', XDG_DATA_HOME ?? join(homedir(), '.local/share')];
  return roots.some((root) => {
    const folder = join(root, 'vulkan/icd.d');
    return existsSync(folder) && readdirSync(folder).length > 0;
  });
}

/**
 * Opens the given engine, or the fastest available one.
 *
 * @throws FlowDenoiseError ENGINE_UNAVAILABLE with every reason and what to do
 */
export async function openEngine(prior: Prior, { engine: wanted, threads }: EngineOptions): Promise<Engine> {
  // A container's memory is limited.
  const memory = Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
  const most = threads ?? mostThreads(availableParallelism(), memory);
  const isAuto = wanted === 'auto';
  const reasons = new Map<EngineName, string>();
  for (const name of isAuto ? PREFERENCE : [wanted]) {
    if (isAuto && (await isHopeless(name))) continue;
    const isThreaded = takesThreads(name);
    try {
      const engine = await openWorkerPool(name, prior, isThreaded ? most : 1);
      const { device } = engine;
      if (isAuto && !isThreaded && device.kind !== 'gpu') {
        // A software GPU, or TensorFlow on the CPU, is slower than ONNX Runtime.
        await engine.close();
        continue;
      }
      const where = isThreaded ? plural(most, 'thread') : device.device;
      const best = isThreaded ? 'the fastest available on a CPU' : 'a GPU';
      const because = isAuto ? [best, reasons.get('onnx')].filter(Boolean).join('; ') : 'asked for';
      return { ...engine, why: `${device.library}, ${where}; ${because}` };
    } catch (error) {
      if (!(error instanceof FlowDenoiseError && error.code === 'ENGINE_UNAVAILABLE')) throw error;
      const remedy = REMEDY[name] === undefined ? '' : ` (to get it, ${REMEDY[name]})`;
      reasons.set(name, `${error.message}${remedy}`);
    }
  }
  throw new FlowDenoiseError('ENGINE_UNAVAILABLE', [...reasons.values()].join('; '));
}
