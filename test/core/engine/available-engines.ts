// Which engines a test can run on here. One that is not installed is skipped with its reason, unless
// FLOW_DENOISE_EXPECT_ENGINES (names with commas) says that it is.
import { existsSync } from 'node:fs';
import type { Engine, EngineName } from '#src/core/engine/engine.js';
import { openEngine } from '#src/core/engine/open-engine.js';
import { FlowDenoiseError } from '#src/core/errors.js';
import type { Prior } from '#src/core/model/load-prior.js';

/** SwiftShader as Debian's chromium brings it. */
const SOFTWARE_DRIVER = '/usr/lib/chromium/vk_swiftshader_icd.json';

/** Lets WebGPU find a GPU that is a program, for engines opened from now on. */
export function useSoftwareGpu(): void {
  if (process.env.VK_ICD_FILENAMES === undefined && existsSync(SOFTWARE_DRIVER))
    process.env.VK_ICD_FILENAMES = SOFTWARE_DRIVER;
}

const expected = (process.env.FLOW_DENOISE_EXPECT_ENGINES ?? '').split(',');

/** The engine, or why there is none. */
export async function openIfAvailable(name: EngineName, prior: Prior): Promise<Engine | string> {
  if (name.endsWith('webgpu')) useSoftwareGpu();
  try {
    return await openEngine(prior, { engine: name, threads: 2 });
  } catch (error) {
    const isAbsent = error instanceof FlowDenoiseError && error.code === 'ENGINE_UNAVAILABLE';
    if (!isAbsent || expected.includes(name)) throw error;
    return error.message;
  }
}
