// Writes a prior as load-prior reads it.
import { createHash } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import path from 'node:path';
import { writeFileAtomic } from '../files.js';
import type { Weights } from '../flow/parameters.js';
import type { PriorModel } from './model-json.js';
import { writeSafetensors } from './safetensors.js';

type UnsavedModel = Omit<PriorModel, 'weights'>;

/**
 * Writes model.json and the weights file into `folder`, and computes the checksum.
 *
 * @param precision F16 halves the kernels' size; vectors (biases, log-scales) and the 1x1 matrices stay F32
 * @throws          FlowDenoiseError WRITE_FAILED
 */
export async function savePrior(
  folder: string,
  model: UnsavedModel,
  weights: Weights,
  precision: 'F16' | 'F32' = 'F32',
): Promise<void> {
  const dtypeOf = (name: string) =>
    precision === 'F16' && weights.get(name)?.shape.length === 4 ? 'F16' : 'F32';
  await write(folder, model, writeSafetensors(weights, dtypeOf), () => 'weights.safetensors');
}

const NAMED_WEIGHTS = /^weights-[0-9a-f]{12}\.safetensors$/;

/**
 * The same while others read the folder, which is complete at every moment. The name of the weights file follows from its
 * content, and model.json is renamed into place, so it always names weights that exist.
 *
 * @throws  FlowDenoiseError WRITE_FAILED; the prior that was there before is then intact
 */
export async function replacePrior(folder: string, model: UnsavedModel, weights: Weights): Promise<void> {
  const nameOf = (sha256: string) => `weights-${sha256.slice(0, 12)}.safetensors`;
  const file = await write(folder, model, writeSafetensors(weights), nameOf);
  const old = (await readdir(folder)).filter((name) => NAMED_WEIGHTS.test(name) && name !== file);
  for (const name of old) await rm(path.join(folder, name), { force: true });
}

async function write(
  folder: string,
  model: UnsavedModel,
  weights: Uint8Array,
  nameOf: (sha256: string) => string,
): Promise<string> {
  const sha256 = createHash('sha256').update(weights).digest('hex');
  const file = nameOf(sha256);
  await writeFileAtomic(path.join(folder, file), weights);
  await saveModel(folder, { ...model, weights: { file, sha256 } });
  return file;
}

/** Writes model.json alone. @throws  FlowDenoiseError WRITE_FAILED */
export async function saveModel(folder: string, model: PriorModel): Promise<void> {
  await writeFileAtomic(path.join(folder, 'model.json'), Buffer.from(`${JSON.stringify(model, null, 2)}\n`));
}
