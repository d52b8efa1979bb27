// Priors on disk for the tests of loading: a small fixture written anew with something changed, in a temporary
// folder of its own.
import { createHash } from 'node:crypto';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import * as assert from 'uvu/assert';
import { FlowDenoiseError } from '#src/core/errors.js';
import { loadPrior } from '#src/core/model/load-prior.js';
import { writeSafetensors } from '#src/core/model/safetensors.js';
import { fixtureFolder } from '../fixture.js';

export interface StoredTensor {
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** model.json as whatever a test makes of it. */
export type LooseModel = Record<string, unknown> & { weights: Record<string, unknown> };

export interface PriorFolder {
  readonly folder: string;
  readonly modelFile: string;
  readonly weightsFile: string;
  readModel(): Promise<LooseModel>;
  writeModel(model: unknown): Promise<void>;
  /** Writes other tensors and the checksum that belongs to them. */
  writeTensors(tensors: ReadonlyMap<string, StoredTensor>): Promise<void>;
  /** Writes other bytes as weights and the checksum that belongs to them. */
  writeWeights(bytes: Uint8Array): Promise<void>;
}

const made: string[] = [];

/** An empty temporary folder; `removeFolders` removes it. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(path.join(tmpdir(), 'flow-denoise-prior-'));
  made.push(folder);
  return folder;
}

export async function removeFolders(): Promise<void> {
  await Promise.all(made.splice(0).map((folder) => rm(folder, { recursive: true, force: true })));
}

/** A copy of the fixture `conditioned`. */
export async function copyOfFixture(): Promise<PriorFolder> {
  const folder = await temporaryFolder();
  await cp(fixtureFolder('conditioned'), folder, { recursive: true });
  const modelFile = path.join(folder, 'model.json');
  const weightsFile = path.join(folder, 'weights.safetensors');
  const readModel = async () => JSON.parse(await readFile(modelFile, 'utf8')) as LooseModel;
  const writeModel = (model: unknown) => writeFile(modelFile, JSON.stringify(model));
  const writeWeights = async (bytes: Uint8Array) => {
    const sha256 = createHash('sha256').update(bytes).digest('hex');
    await writeFile(weightsFile, bytes);
    const model = await readModel();
    await writeModel({ ...model, weights: { ...model.weights, sha256 } });
  };
  return {
    folder,
    modelFile,
    weightsFile,
    readModel,
    writeModel,
    writeTensors: (tensors) => writeWeights(writeSafetensors(tensors)),
    writeWeights,
  };
}

/** Loading fails with BAD_PRIOR and one line that names the file and matches every pattern. */
export async function refuses(folder: string, file: string, ...patterns: readonly RegExp[]): Promise<void> {
  let error: unknown;
  try {
    await loadPrior(folder);
  } catch (thrown) {
    error = thrown;
  }
  assert.instance(error, FlowDenoiseError);
  const { code, message } = error as FlowDenoiseError;
  assert.is(code, 'BAD_PRIOR');
  assert.ok(message.includes(file), `names ${file}: ${message}`);
  assert.not.match(message, /\n/);
  for (const pattern of patterns) assert.match(message, pattern);
}
