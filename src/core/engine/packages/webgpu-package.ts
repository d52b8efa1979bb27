// The packages for WebGPU in Node. Users install them; they are imported only when needed.
import { createRequire } from 'node:module';

/** Dawn. The type `string` keeps compilers and bundlers from looking for the packages. */
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
