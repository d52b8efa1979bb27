// The packages that make WebGPU in Node: the user's to install, and not imported before they are needed.
import { createRequire } from 'node:module';

/** Dawn. These are no literals where they are imported, so that neither compiler nor bundlers look for them. */
export const DAWN_PACKAGE: string = 'webgpu';
export const BACKEND_PACKAGE: string = '@tensorflow/tfjs-backend-webgpu';

export function isWebGpuInstalled(): boolean {
  const { resolve } = createRequire(import.meta.url);
  try {
    return [DAWN_PACKAGE, BACKEND_PACKAGE].every((name) => resolve(name));
  } catch {
    return false;
  }
}
