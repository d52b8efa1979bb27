// Finds and imports TensorFlow.js for Node: @tensorflow/tfjs-node-gpu in the user's project, or the private install in the
// user's cache folder, which src/setup makes.
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { join, resolve } from 'node:path';
import util from 'node:util';
import type * as tfCore from '@tensorflow/tfjs-core';
import envPaths from 'env-paths';
import { z } from 'zod';
import { messageOf } from '../../errors.js';

export const TENSORFLOW_PACKAGE = '@tensorflow/tfjs-node-gpu';
export const INSTALL_COMMAND = 'flow-denoise engines install tensorflow';

/**
 * Variables that libtensorflow reads when it loads: print errors only, take a GPU's memory as needed, do not round to TF32's
 * 10 bits. It cannot see a thread's own environment, so we set them for the process, unless the user has.
 */
const ENVIRONMENT = {
  TF_CPP_MIN_LOG_LEVEL: '2',
  TF_FORCE_GPU_ALLOW_GROWTH: 'true',
  NVIDIA_TF32_OVERRIDE: '0',
};

let hasStarted = false;

/** Whether this process has started a thread to import TensorFlow. */
export const isTensorflowStarted = (): boolean => hasStarted;

/** Call it before you start a thread that imports TensorFlow. */
export function prepareTensorflowEnvironment(): void {
  hasStarted = true;
  for (const [key, value] of Object.entries(ENVIRONMENT)) process.env[key] ??= value;
}

/** The part of @tensorflow/tfjs-node-gpu that we use. It shares its engine and kernels with every tfjs-core in the thread. */
export type TensorflowModule = typeof tfCore & { readonly version: Readonly<Record<string, string>> };

/** installed.json, which an installation writes last. */
const markerSchema = z.object({
  format: z.literal(1),
  /** A name below `tensorflowFolder()`. */
  folder: z.string().regex(/^[\w.-]+$/),
  platform: z.literal(process.platform),
  arch: z.literal(process.arch),
  /** Version of @tensorflow/tfjs-node-gpu. */
  tfjsNode: z.string(),
  /** Version of libtensorflow, as the library reports it. */
  libtensorflow: z.string(),
  /** Which libtensorflow: `tensorflow-cpu 2.21.0`, or the folder that was given. */
  source: z.string(),
  /** The device it was installed for. CUDA libraries still need a GPU and its driver. */
  device: z.enum(['cpu', 'cuda']),
});
export type Marker = z.infer<typeof markerSchema>;

/** The folder of everything that flow-denoise keeps for the user. FLOW_DENOISE_CACHE overrides it. */
export function cacheFolder(): string {
  return resolve(process.env.FLOW_DENOISE_CACHE || envPaths('flow-denoise', { suffix: '' }).cache);
}

/** The folder of private installs; it may not exist. */
export function tensorflowFolder(): string {
  return join(cacheFolder(), 'tensorflow');
}

export function markerPath(): string {
  return join(tensorflowFolder(), 'installed.json');
}

/** The folder, in an installation, whose node_modules has the package. */
export function packagesFolder(installation: string): string {
  return join(installation, 'packages');
}

/** The private install, with its absolute folder; undefined if there is no complete one for this platform. */
export async function findTensorflow(): Promise<Marker | undefined> {
  try {
    const marker = markerSchema.parse(JSON.parse(await readFile(markerPath(), 'utf8')));
    const folder = join(tensorflowFolder(), marker.folder);
    return existsSync(packagesFolder(folder)) ? { ...marker, folder } : undefined;
  } catch {
    return undefined;
  }
}

/** The package's file in the user's project; undefined if it is not installed there. */
export function projectTensorflow(): string | undefined {
  try {
    return createRequire(import.meta.url).resolve(TENSORFLOW_PACKAGE);
  } catch {
    return undefined;
  }
}

/** Imports TensorFlow.js for Node, for every tfjs-core in this thread. @throws  Error with the reason and what installs it */
export async function importTensorflow(): Promise<TensorflowModule> {
  const project = projectTensorflow();
  const folder = (await findTensorflow())?.folder;
  const found: [string | undefined, () => TensorflowModule][] = [
    [project, () => importFile(project as string)],
    [folder, () => importTensorflowFrom(packagesFolder(folder as string))],
  ];
  const reasons: string[] = [];
  for (const [place, load] of found) {
    try {
      if (place !== undefined) return load();
    } catch (error) {
      reasons.push(`${place} does not load (${messageOf(error)})`);
    }
  }
  throw new Error(`${reasons.join('; ') || 'TensorFlow is not installed'}; ${INSTALL_COMMAND} installs it`);
}

/** Imports the package from a folder that has it in its node_modules. */
export function importTensorflowFrom(folder: string): TensorflowModule {
  return importFile(createRequire(join(folder, 'package.json')).resolve(TENSORFLOW_PACKAGE));
}

function importFile(file: string): TensorflowModule {
  restoreRemovedUtil();
  // The package is CommonJS; what `import` makes of its default export depends on the loader.
  return createRequire(file)(file) as TensorflowModule;
}

/** Functions that Node 23 removed from `util` but @tensorflow/tfjs-node-gpu 4.22 still calls; a test compares the list. */
export const REMOVED_UTIL: Readonly<Record<string, (value: unknown) => boolean>> = {
  isArray: (value) => Array.isArray(value),
  isNullOrUndefined: (value) => value === null || value === undefined,
};

/** Adds those that `util` lacks. */
export function restoreRemovedUtil(): void {
  for (const [name, value] of Object.entries(REMOVED_UTIL))
    if (!(name in util)) Object.defineProperty(util, name, { value, configurable: true, writable: true });
}

const backendSchema = z.object({
  binding: z.object({ TF_Version: z.string() }),
  isUsingGpuDevice: z.boolean(),
});

export interface TensorflowDescription {
  readonly tfjsNode: string;
  readonly libtensorflow: string;
  /** Whether it has found a GPU and computes on it. */
  readonly usesGpu: boolean;
}

export function describeTensorflow(tf: TensorflowModule): TensorflowDescription {
  const { binding, isUsingGpuDevice } = backendSchema.parse(tf.findBackend('tensorflow'));
  const tfjsNode = tf.version['tfjs-node'] ?? 'unknown';
  return { tfjsNode, libtensorflow: binding.TF_Version, usesGpu: isUsingGpuDevice };
}
