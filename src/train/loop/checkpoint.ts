// A training on disk: one file with tensors, counts and settings, written whole or not at all. The one before is kept
// in case the newest is damaged. Noise and crops follow from seed and step.

import { createHash } from 'node:crypto';
import { readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { FlowDenoiseError, messageOf } from '../../core/errors.js';
import { writeFileAtomic } from '../../core/files.js';
import {
  readMetadata,
  readSafetensors,
  type TensorData,
  writeSafetensors,
} from '../../core/model/safetensors.js';
import type { TrainingSettings } from '../presets.js';
import type { OptimizerCounts, OptimizerState, OptimizerTensors } from './optimizer.js';

const FORMAT = 'flow-denoise-checkpoint-2';
const NAMES = ['parameters', 'firstMoment', 'secondMoment', 'average'] as const;
/** Of the snapshot's tensors: without it, bad steps after a stop would be answered otherwise than without one. */
const SNAPSHOT = 'snapshot.';
const ALL_NAMES = [...NAMES, ...NAMES.map((name) => `${SNAPSHOT}${name}`)];

/** All of a training but its tensors. */
interface CheckpointState {
  readonly settings: TrainingSettings;
  /** Steps that were taken, skipped ones included. */
  readonly step: number;
  /** That they took. */
  readonly seconds: number;
  readonly counts: OptimizerCounts;
  readonly snapshotCounts: OptimizerCounts;
  /** As the crop source describes them. */
  readonly data: Readonly<Record<string, string | number>>;
}

type CheckpointArrays = Readonly<Record<(typeof NAMES)[number], Float32Array>>;

export interface Checkpoint {
  readonly state: CheckpointState;
  readonly arrays: CheckpointArrays;
  readonly snapshot: CheckpointArrays;
  /** That it was read from. */
  readonly file: string;
}

/** Where a prior's training keeps its files. */
export const trainingFolder = (output: string) => join(output, 'training');
export const checkpointFile = (output: string) => join(trainingFolder(output), 'checkpoint.safetensors');
const previousFile = (output: string) => join(trainingFolder(output), 'checkpoint.previous.safetensors');

function hashOf(state: string, tensors: ReadonlyMap<string, TensorData>): string {
  const hash = createHash('sha256').update(state);
  for (const name of ALL_NAMES) {
    const data = tensors.get(name)?.data ?? new Float32Array();
    hash.update(name).update(new Uint8Array(data.buffer, data.byteOffset, data.byteLength));
  }
  return hash.digest('hex');
}

/** @throws  FlowDenoiseError WRITE_FAILED; what was there before is there still */
export async function writeCheckpoint(
  state: CheckpointState,
  tensors: OptimizerTensors,
  snapshot: OptimizerTensors,
): Promise<string> {
  const arrays = new Map<string, { shape: readonly number[]; data: Float32Array }>();
  for (const [prefix, group] of [
    ['', tensors],
    [SNAPSHOT, snapshot],
  ] as const)
    for (const name of NAMES) {
      const data = (await group[name].data()) as Float32Array;
      arrays.set(`${prefix}${name}`, { shape: [data.length], data });
    }
  const text = JSON.stringify(state);
  const metadata = { format: FORMAT, state: text, sha256: hashOf(text, arrays) };
  const bytes = writeSafetensors(arrays, undefined, metadata);
  const { output } = state.settings;
  const file = checkpointFile(output);
  const next = join(trainingFolder(output), 'checkpoint.next.safetensors');
  await writeFileAtomic(next, bytes);
  // There is none before the first.
  await rename(file, previousFile(output)).catch(() => undefined);
  await rename(next, file).catch((error: unknown) => {
    throw new FlowDenoiseError(
      'WRITE_FAILED',
      `${file}: could not be written (${messageOf(error)}). Expected a folder that can be written to; check its permissions.`,
      { cause: error },
    );
  });
  return file;
}

function parse(bytes: Uint8Array, file: string): Checkpoint {
  const { format, state, sha256 } = readMetadata(bytes);
  if (format !== FORMAT || state === undefined)
    throw new Error(`expected format ${FORMAT} but found ${format}`);
  const tensors = readSafetensors(bytes);
  if (hashOf(state, tensors) !== sha256) throw new Error('its checksum differs from its content');
  const group = (prefix: string) =>
    Object.fromEntries(
      NAMES.map((name) => [name, tensors.get(`${prefix}${name}`)?.data]),
    ) as CheckpointArrays;
  return { state: JSON.parse(state) as CheckpointState, arrays: group(''), snapshot: group(SNAPSHOT), file };
}

/**
 * The newest checkpoint that is whole.
 *
 * @param onDamaged  is told of one that is not, and that the one before it is taken
 * @throws           FlowDenoiseError BAD_CHECKPOINT when there is none
 */
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

function tensorsOf(arrays: CheckpointArrays): OptimizerTensors {
  const tensor = (name: (typeof NAMES)[number]) => tf.tensor1d(arrays[name]);
  return {
    parameters: tensor('parameters'),
    firstMoment: tensor('firstMoment'),
    secondMoment: tensor('secondMoment'),
    average: tensor('average'),
  };
}

/** What an optimizer goes on from, as tensors that the caller owns. */
export function checkpointTensors({ state, arrays, snapshot }: Checkpoint): {
  readonly tensors: OptimizerTensors;
  readonly before: { readonly counts: OptimizerCounts; readonly snapshot: OptimizerState };
} {
  return {
    tensors: tensorsOf(arrays),
    before: {
      counts: state.counts,
      snapshot: { tensors: tensorsOf(snapshot), counts: state.snapshotCounts },
    },
  };
}
