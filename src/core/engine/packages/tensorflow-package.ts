// Finds and imports TensorFlow.js for Node: @tensorflow/tfjs-node-gpu in the user's project, or the private install in the
// user's cache folder, which src/setup makes.
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

/** A complete private install. */
export interface TensorflowInstallation {
  /** Absolute. */
  readonly folder: string;
  /** Version of @tensorflow/tfjs-node-gpu. */
  readonly tfjsNode: string;
  /** Version of libtensorflow, as the library reports it. */
  readonly libtensorflow: string;
  /** Which libtensorflow: `tensorflow-cpu 2.21.0`, or the folder that was given. */
  readonly source: string;
  /** The device it was installed for. CUDA libraries still need a GPU and its driver. */
  readonly device: 'cpu' | 'cuda';
}

/** installed.json, which an installation writes last. `folder` is a name below `tensorflowFolder()`. */
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

/** The private install; undefined if there is no complete one for this platform. */
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

/** The package's file in the user's project; undefined if it is not installed there. */
export function projectTensorflow(): string | undefined {
  try {
    return createRequire(import.meta.url).resolve(TENSORFLOW_PACKAGE);
  } catch {
    return undefined;
  }
}

/**
 * Imports TensorFlow.js for Node into this thread. Every tfjs-core in the thread then has the backend `tensorflow`.
 *
 * @throws  Error with the reason and the command that installs it
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

/** Imports the package from a folder that has it in its node_modules. */
export function importTensorflowFrom(folder: string): Promise<TensorflowModule> {
  return importFile(createRequire(join(folder, 'package.json')).resolve(TENSORFLOW_PACKAGE));
}

async function importFile(file: string): Promise<TensorflowModule> {
  restoreRemovedUtil();
  // The package is CommonJS; what `import` makes of its default export depends on the loader.
  return createRequire(file)(file) as TensorflowModule;
}

export interface TensorflowDescription {
  readonly tfjsNode: string;
  readonly libtensorflow: string;
  /** Whether it has found a GPU and computes on it. */
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
