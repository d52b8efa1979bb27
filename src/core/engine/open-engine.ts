// Chooses an engine and says why.
import { existsSync, readdirSync } from 'node:fs';
import { availableParallelism, homedir, totalmem } from 'node:os';
import { join } from 'node:path';
import { FlowDenoiseError } from '../errors.js';
import { squeezeFactor } from '../flow/architecture.js';
import type { Prior } from '../model/load-prior.js';
import type { ClimbPoint, Device, Engine, EngineName, TilePoint } from './engine.js';
import { findTensorflow, isTensorflowStarted, projectTensorflow } from './packages/tensorflow-package.js';
import { isWebGpuInstalled } from './packages/webgpu-package.js';
import { openWorkerPool } from './worker-pool.js';

/** What `auto` tries: GPUs, then what is fastest on a CPU. */
const PREFERENCE: readonly EngineName[] = ['tensorflow', 'webgpu', 'onnx', 'wasm'];

/** What a reason does not say itself. */
const REMEDY: Readonly<Record<EngineName, string | undefined>> = {
  onnx: undefined,
  tensorflow: undefined,
  webgpu: 'install the packages webgpu and @tensorflow/tfjs-backend-webgpu, and a driver for the GPU',
  wasm: 'reinstall the package @tensorflow/tfjs-backend-wasm',
  'onnx:cuda': 'see "ONNX Runtime\'s own GPU providers" in docs/engines.md',
  'onnx:dml': 'use Windows',
  'onnx:coreml': 'use macOS',
  'onnx:webgpu': 'install a driver for the GPU',
};

export interface EngineOptions {
  readonly engine: EngineName | 'auto';
  /** Worker threads at most, each with one core (onnx, wasm); the others have threads of their own. */
  readonly threads?: number | undefined;
}

/** @throws FlowDenoiseError BAD_OPTION for a tile that the flow cannot take */
function checkPoint(tile: TilePoint | ClimbPoint, multiple: number): void {
  const { channels, height, width } = tile.shape;
  const size = channels * height * width;
  const fits = channels === 3 && height % multiple === 0 && width % multiple === 0 && tile.y.length === size;
  if (fits && (!('climb' in tile) || isWhole(tile))) return;
  throw new FlowDenoiseError(
    'BAD_OPTION',
    `Expected a tile of 3 channels with sides that are multiples of ${multiple} and all its samples but received ` +
      `${channels} x ${height} x ${width} with ${tile.y.length} samples`,
  );
}

function isWhole({ shape: { height, width }, y, climb: { noisy, precision } }: ClimbPoint): boolean {
  return noisy.length === y.length && [1, height * width, y.length].includes(precision.length);
}

/** Of memory for each thread: it takes half of that at the largest tiles of 'auto', see docs/engines.md. */
const BYTES_PER_THREAD = 1e9;

/** As many threads as cores, but not more than memory has room for. */
export function mostThreads(cores: number, bytes: number): number {
  return Math.max(1, Math.min(cores, Math.floor(bytes / BYTES_PER_THREAD)));
}

/** The machine's memory, or what a container is allowed of it. */
function memoryBytes(): number {
  return Math.min(totalmem(), process.constrainedMemory() || Number.POSITIVE_INFINITY);
}

/** Whether an engine uses cores through several worker threads of ours. */
const takesThreads = (name: EngineName) => name === 'onnx' || name === 'wasm';

async function open(name: EngineName, prior: Prior, threads: number, because: string): Promise<Engine> {
  const workers = takesThreads(name) ? threads : 1;
  const data = { name, prior: { model: prior.model, weights: prior.weights } };
  const { engine, evaluate, climb, close } = await openWorkerPool(data, workers);
  const { device } = engine;
  const multiple = squeezeFactor(prior.model);
  const where = takesThreads(name) ? `${workers} thread${workers === 1 ? '' : 's'}` : device.device;
  return {
    name,
    why: `${device.library}, ${where}; ${because}`,
    device,
    threads: workers,
    lanes: workers * engine.lanes,
    async evaluate(tile) {
      checkPoint(tile, multiple);
      return evaluate(tile);
    },
    ...(engine.takesClimbs && {
      async climb(tile: ClimbPoint) {
        checkPoint(tile, multiple);
        return climb(tile);
      },
    }),
    close,
  };
}

/** Whether `auto` need not even try an engine: opening one that is of no use costs seconds. */
async function isHopeless(name: EngineName): Promise<boolean> {
  switch (name) {
    case 'tensorflow':
      if (!hasNvidiaDriver()) return true;
      return projectTensorflow() === undefined && (await findTensorflow())?.device !== 'cuda';
    case 'webgpu':
      // A process that has loaded both ends in a segmentation fault.
      return isTensorflowStarted() || !isWebGpuInstalled() || !hasVulkanGpu();
    default:
      return false;
  }
}

function hasNvidiaDriver(): boolean {
  return process.platform === 'win32' || ['/proc/driver/nvidia/version', '/dev/nvidia0'].some(existsSync);
}

/** GPUs as Linux shows them: DRM, NVIDIA's own, WSL's. Mesa's Vulkan needs none of them, and is a program. */
const GPU_DEVICES = ['/dev/dri', '/dev/nvidia0', '/dev/dxg'] as const;

/**
 * On Linux a GPU, and a driver where the Vulkan loader looks; Dawn complains on stderr when there is none. Elsewhere GPUs need
 * no Vulkan.
 */
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

/** `auto` takes GPUs for their speed: one that is a program, or TensorFlow on the CPU, has none. */
function isOfUse(name: EngineName, { kind }: Device): boolean {
  return kind === 'gpu' || name === 'onnx' || name === 'wasm';
}

/**
 * Opens the engine that was asked for, or the fastest that is available.
 *
 * @throws FlowDenoiseError ENGINE_UNAVAILABLE with every reason and a remedy
 */
export async function openEngine(prior: Prior, options: EngineOptions): Promise<Engine> {
  const threads = options.threads ?? mostThreads(availableParallelism(), memoryBytes());
  if (options.engine === 'auto') return openFastest(prior, threads);
  try {
    return await open(options.engine, prior, threads, 'asked for');
  } catch (error) {
    throw isUnavailable(error) ? withRemedies([[options.engine, error]]) : error;
  }
}

async function openFastest(prior: Prior, threads: number): Promise<Engine> {
  const failures: [EngineName, Error][] = [];
  for (const name of PREFERENCE) {
    if (await isHopeless(name)) continue;
    try {
      const cpuReasons = failures.filter(([failed]) => failed === 'onnx').map(([, { message }]) => message);
      const best = name === 'onnx' || name === 'wasm' ? 'the fastest available on a CPU' : 'a GPU';
      const engine = await open(name, prior, threads, [best, ...cpuReasons].join('; '));
      if (isOfUse(name, engine.device)) return engine;
      await engine.close();
    } catch (error) {
      if (!isUnavailable(error)) throw error;
      failures.push([name, error]);
    }
  }
  throw withRemedies(failures);
}

function isUnavailable(error: unknown): error is FlowDenoiseError {
  return error instanceof FlowDenoiseError && error.code === 'ENGINE_UNAVAILABLE';
}

function withRemedies(failures: readonly (readonly [EngineName, Error])[]): FlowDenoiseError {
  const reasons = failures.map(([name, { message }]) =>
    REMEDY[name] === undefined ? message : `${message} (to have it, ${REMEDY[name]})`,
  );
  return new FlowDenoiseError('ENGINE_UNAVAILABLE', reasons.join('; '));
}
