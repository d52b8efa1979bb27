// Where TensorFlow.js for Node lies and how it is imported: the user's own @tensorflow/tfjs-node-gpu beside
// flow-denoise, or the private install in the user's cache folder. It is made by src/setup; nothing is installed here.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import type * as tfCore from '@tensorflow/tfjs-core';
import envPaths from 'env-paths';
import { z } from 'zod';
import { messageOf } from '../../errors.js';
import { restoreRemovedUtil } from './node-removals.js';

export const TENSORFLOW_PACKAGE = '@tensorflow/tfjs-node-gpu';
export const INSTALL_COMMAND = 'flow-denoise engines install tensorflow';

/**
 * libtensorflow reads these when it is loaded: it is to say errors only, to take a GPU's memory as it needs it, and not to
 * round to TF32's 10 bits. A thread's own environment is hidden from it, so they are set for the process, where the user
 * has not.
 */
const ENVIRONMENT = {
  TF_CPP_MIN_LOG_LEVEL: '2',
  TF_FORCE_GPU_ALLOW_GROWTH: 'true',
  NVIDIA_TF32_OVERRIDE: '0',
};

let hasStarted = false;

/** Whether a thread of this process has imported TensorFlow, or was to. */
export const isTensorflowStarted = (): boolean => hasStarted;

/** Before a thread that imports TensorFlow is started. */
export function prepareTensorflowEnvironment(): void {
  hasStarted = true;
  for (const [key, value] of Object.entries(ENVIRONMENT)) process.env[key] ??= value;
}

/** What @tensorflow/tfjs-node-gpu exports, as far as we use it. Its engine and kernels are those of every tfjs-core in the thread. */
export type TensorflowModule = typeof tfCore & { readonly version: Readonly<Record<string, string>> };

/** What a whole private install says of itself. */
export interface TensorflowInstallation {
  /** Absolute. */
  readonly folder: string;
  /** Version of @tensorflow/tfjs-node-gpu. */
  readonly tfjsNode: string;
  /** Version of libtensorflow, as it says itself. */
  readonly libtensorflow: string;
  /** Which libtensorflow: `tensorflow-cpu 2.21.0`, or the folder that was given. */
  readonly source: string;
  /** What it was installed for; CUDA libraries still need a GPU and its driver. */
  readonly device: 'cpu' | 'cuda';
}

/** installed.json, the last file that an installation writes. `folder` is a name below `tensorflowFolder()`. */
export const markerSchema = z.object({
  format: z.literal(1),
  folder: z.string().regex(/^[\w.-]+$/),
  platform: z.string(),
  arch: z.string(),
  tfjsNode: z.string(),
  libtensorflow: z.string(),
  source: z.string(),
  device: z.enum(['cpu', 'cuda']),
});
export type Marker = z.infer<typeof markerSchema>;

/** The folder of everything that flow-denoise keeps for the user; FLOW_DENOISE_CACHE names another. */
export function cacheFolder(): string {
  return resolve(process.env.FLOW_DENOISE_CACHE || envPaths('flow-denoise', { suffix: '' }).cache);
}

/** Where private installs lie, there or not. */
export function tensorflowFolder(): string {
  return join(cacheFolder(), 'tensorflow');
}

export function markerPath(): string {
  return join(tensorflowFolder(), 'installed.json');
}

/** The folder whose node_modules has the package, inside an installation's folder. */
export function packagesFolder(installation: string): string {
  return join(installation, 'packages');
}

/** The private install, or undefined where there is none that is whole and made for this platform. */
export async function findTensorflow(): Promise<TensorflowInstallation | undefined> {
  const text = await readFile(markerPath(), 'utf8').catch(() => undefined);
  const marker = text === undefined ? undefined : parseMarker(text);
  if (marker?.platform !== process.platform || marker.arch !== process.arch) return undefined;
  const { tfjsNode, libtensorflow, source, device } = marker;
  const folder = join(tensorflowFolder(), marker.folder);
  if (!existsSync(packagesFolder(folder))) return undefined;
  return { folder, tfjsNode, libtensorflow, source, device };
}

function parseMarker(text: string): Marker | undefined {
  try {
    return markerSchema.safeParse(JSON.parse(text)).data;
  } catch {
    return undefined;
  }
}

/** The file of the package beside flow-denoise, in the user's project; undefined where there is none. */
export function projectTensorflow(): string | undefined {
  try {
    return createRequire(import.meta.url).resolve(TENSORFLOW_PACKAGE);
  } catch {
    return undefined;
  }
}

/**
 * Imports TensorFlow.js for Node into this thread, and with that its backend `tensorflow` into every tfjs-core here.
 *
 * @throws  Error that says why not and which command installs it
 */
export async function importTensorflow(): Promise<TensorflowModule> {
  const reasons: string[] = [];
  const project = projectTensorflow();
  if (project !== undefined) {
    try {
      return await importFile(project);
    } catch (error) {
      reasons.push(`${project} does not load (${messageOf(error)})`);
    }
  }
  const installed = await findTensorflow();
  if (installed !== undefined) {
    try {
      return await importTensorflowFrom(packagesFolder(installed.folder));
    } catch (error) {
      reasons.push(`${installed.folder} does not load (${messageOf(error)})`);
    }
  }
  const reason = reasons.length === 0 ? 'TensorFlow is not installed' : reasons.join('; ');
  throw new Error(`${reason}; ${INSTALL_COMMAND} installs it`);
}

/** Imports the package from the folder whose node_modules has it. */
export function importTensorflowFrom(folder: string): Promise<TensorflowModule> {
  return importFile(createRequire(join(folder, 'package.json')).resolve(TENSORFLOW_PACKAGE));
}

async function importFile(file: string): Promise<TensorflowModule> {
  restoreRemovedUtil();
  // It is CommonJS; `import` would depend on what whoever loads us makes of its default export.
  return createRequire(file)(file) as TensorflowModule;
}

/** What an imported package says of itself. */
export interface TensorflowDescription {
  readonly tfjsNode: string;
  readonly libtensorflow: string;
  /** Whether it has found a GPU and computes there. */
  readonly usesGpu: boolean;
}

export function describeTensorflow(tf: TensorflowModule): TensorflowDescription {
  const backend = backendSchema.parse(tf.findBackend('tensorflow'));
  return {
    tfjsNode: tf.version['tfjs-node'] ?? 'unknown',
    libtensorflow: backend.binding.TF_Version,
    usesGpu: backend.isUsingGpuDevice,
  };
}

const backendSchema = z.object({
  binding: z.object({ TF_Version: z.string() }),
  isUsingGpuDevice: z.boolean(),
});
