// What training leaves: a prior's folder as load-prior reads it, whole at every moment. The weights' file is named after
// its content, so that model.json, which is renamed into place, always names weights that are there.
import { createHash } from 'node:crypto';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Weights } from '../../core/flow/parameters.js';
import type { PriorModel } from '../../core/model/model-json.js';
import { writeSafetensors } from '../../core/model/safetensors.js';
import { writeFileAtomic } from '../../image/write-file.js';

const WEIGHTS = /^weights-[0-9a-f]{12}\.safetensors$/;

/** @throws  FlowDenoiseError WRITE_FAILED; the prior that was there before is whole then */
export async function writePrior(
  folder: string,
  model: Omit<PriorModel, 'weights'>,
  weights: Weights,
): Promise<void> {
  const bytes = writeSafetensors(weights);
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  const file = `weights-${sha256.slice(0, 12)}.safetensors`;
  await writeFileAtomic(join(folder, file), bytes);
  await writeModel(folder, { ...model, weights: { file, sha256 } });
  const old = (await readdir(folder)).filter((name) => WEIGHTS.test(name) && name !== file);
  for (const name of old) await rm(join(folder, name), { force: true });
}

/** @throws  FlowDenoiseError WRITE_FAILED */
export async function writeModel(folder: string, model: PriorModel): Promise<void> {
  await writeFileAtomic(join(folder, 'model.json'), Buffer.from(`${JSON.stringify(model, null, 2)}\n`));
}
