// Writes a prior as load-prior reads it.
import { createHash } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { Weights } from '../flow/parameters.js';
import type { PriorModel } from './model-json.js';
import { writeSafetensors } from './safetensors.js';

/**
 * Writes model.json and the weights file into `folder`; the checksum is computed here.
 *
 * @param precision F16 halves the kernels' size; vectors (biases, log-scales) and the 1x1 matrices stay F32
 */
export async function savePrior(
  folder: string,
  model: Omit<PriorModel, 'weights'>,
  weights: Weights,
  precision: 'F16' | 'F32' = 'F32',
): Promise<void> {
  const file = 'weights.safetensors';
  const dtypeOf = (name: string) =>
    precision === 'F16' && weights.get(name)?.shape.length === 4 ? 'F16' : 'F32';
  const bytes = writeSafetensors(weights, dtypeOf);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  await mkdir(folder, { recursive: true });
  await writeFile(path.join(folder, file), bytes);
  await writeFile(
    path.join(folder, 'model.json'),
    `${JSON.stringify({ ...model, weights: { file, sha256 } }, null, 2)}\n`,
  );
}
