// A training on disk: one file with tensors, counts and settings, written atomically. The previous one is kept, in case the
// newest is damaged. Noise and crops follow from seed and step.

import { createHash } from 'node:crypto';
import { readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import { FlowDenoiseError, messageOf } from '../../core/errors.js';
import { orWriteFailed, writeFileAtomic } from '../../core/files.js';
import {
  readMetadata,
  readSafetensors,
  type TensorData,
  writeSafetensors,
} from '../../core/model/safetensors.js';
import type { CropDescription } from '../data/crops.js';
import type { TrainingSettings } from '../options.js';
import { byTensor, type OptimizerArrays, type OptimizerCounts, type OptimizerTensors } from './optimizer.js';

const FORMAT = 'flow-denoise-checkpoint-2';
/** Prefix of the snapshot's tensors. Without the snapshot, a resumed training would treat bad steps differently. */
const SNAPSHOT = 'snapshot.';

/** A training's state without its tensors. */
interface CheckpointState {
  readonly settings: TrainingSettings;
  /** Steps so far, including skipped ones, and the seconds that they took. */
  readonly step: number;
  readonly seconds: number;
  readonly counts: OptimizerCounts;
  readonly snapshotCounts: OptimizerCounts;
  readonly data: CropDescription;
}

export interface Checkpoint {
  readonly state: CheckpointState;
  readonly arrays: OptimizerArrays;
  readonly snapshot: OptimizerArrays;
  readonly file: string;
}

/** The folder with a training's own files, in the prior's folder. */
export const trainingFolder = (output: string) => join(output, 'training');
export const checkpointFile = (output: string) => join(trainingFolder(output), 'checkpoint.safetensors');
const previousFile = (output: string) => join(trainingFolder(output), 'checkpoint.previous.safetensors');

/** @param tensors  in the order in which they are written */
function hashOf(state: string, tensors: ReadonlyMap<string, TensorData>): string {
  const hash = createHash('sha256').update(state);
  for (const [name, { data }] of tensors)
    hash.update(name).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  return hash.digest('hex');
}

/** @throws  FlowDenoiseError WRITE_FAILED; the earlier checkpoint is then still there */
export async function writeCheckpoint(
  state: CheckpointState,
  tensors: OptimizerTensors,
  snapshot: OptimizerTensors,
): Promise<void> {
  const arrays = new Map<string, { shape: readonly number[]; data: Float32Array }>();
  for (const [prefix, group] of Object.entries({ '': tensors, [SNAPSHOT]: snapshot }))
    for (const [name, tensor] of Object.entries(group))
      arrays.set(`${prefix}${name}`, { shape: tensor.shape, data: await tensor.data<'float32'>() });
  const text = JSON.stringify(state);
  const metadata = { format: FORMAT, state: text, sha256: hashOf(text, arrays) };
  const bytes = writeSafetensors(arrays, undefined, metadata);
  const { output } = state.settings;
  const file = checkpointFile(output);
  const next = join(trainingFolder(output), 'checkpoint.next.safetensors');
  await writeFileAtomic(next, bytes);
  // The first checkpoint has no previous one.
  await rename(file, previousFile(output)).catch(() => undefined);
  await orWriteFailed(file, 'could not be written', () => rename(next, file));
}

function parse(bytes: Uint8Array, file: string): Checkpoint {
  const { format, state, sha256 } = readMetadata(bytes);
  if (format !== FORMAT || state === undefined)
    throw new Error(`expected format ${FORMAT} but found ${format}`);
  const tensors = readSafetensors(bytes);
  if (hashOf(state, tensors) !== sha256) throw new Error('its checksum differs from its content');
  const group = (prefix: string) => byTensor((name) => tensors.get(`${prefix}${name}`)?.data as Float32Array);
  return { state: JSON.parse(state) as CheckpointState, arrays: group(''), snapshot: group(SNAPSHOT), file };
}

/** The newest intact checkpoint; tells if the last one is damaged. @throws  FlowDenoiseError BAD_CHECKPOINT if there is none */
export async function readCheckpoint(
  output: string,
  onDamaged: (message: string) => void,
): Promise<Checkpoint> {
  const reasons: string[] = [];
  for (const file of [checkpointFile(output), previousFile(output)]) {
    try {
      const checkpoint = parse(await readFile(file), file);
      if (reasons.length > 0) onDamaged(`${reasons.join('; ')}: going on from ${file}`);
      return checkpoint;
    } catch (error) {
      reasons.push(`${file} cannot be used (${messageOf(error)})`);
    }
  }
  throw new FlowDenoiseError(
    'BAD_CHECKPOINT',
    `${reasons.join('; ')}. Expected a checkpoint of a training to resume; start one without --resume, from a prior's weights with --from`,
  );
}
