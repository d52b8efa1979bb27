// Verifies an installation in its own process, which imports it and computes a convolution. A crash then ends that process
// only.
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { packagesFolder } from '../core/engine/packages/tensorflow-package.js';
import { type Installer, installFailed } from './installer.js';
import { runTool } from './run-tool.js';

const programPath = fileURLToPath(new URL('./verification.js', import.meta.url));

const verificationSchema = z.object({
  tfjsNode: z.string(),
  libtensorflow: z.string(),
  usesGpu: z.boolean(),
  /** The largest difference of its convolution from one by plain loops. */
  difference: z.number(),
});
export type Verification = z.infer<typeof verificationSchema>;

const LARGEST_DIFFERENCE = 1e-4;

/** @throws FlowDenoiseError INSTALL_FAILED if it does not load or computes wrongly */
export async function verify(installation: string, installer: Installer): Promise<Verification> {
  const step = 'Verifying TensorFlow';
  const remedy = 'run the command again with --force; if that does not help, report it with the log';
  const output = await runTool(
    {
      step,
      command: process.execPath,
      args: [programPath, packagesFolder(installation)],
      env: {
        // Errors only: notes on the processor are none. Take GPU memory as needed. No TF32, which has three digits.
        TF_CPP_MIN_LOG_LEVEL: '2',
        TF_FORCE_GPU_ALLOW_GROWTH: 'true',
        NVIDIA_TF32_OVERRIDE: '0',
      },
      remedy,
    },
    installer,
  );
  const result = verificationSchema.parse(JSON.parse(output.trim().split('\n').at(-1) ?? ''));
  if (!(result.difference <= LARGEST_DIFFERENCE))
    throw installFailed(step, `a convolution is off by ${result.difference}`, remedy);
  return result;
}

export function verifiedWords({ tfjsNode, libtensorflow, usesGpu, difference }: Verification): string {
  const device = usesGpu ? 'a GPU' : 'the CPU';
  return `tfjs-node-gpu ${tfjsNode} with libtensorflow ${libtensorflow} computes on ${device}; a convolution is right to ${difference.toExponential(0)}`;
}
