// Reads a prior from disk, and checks model.json and the weights before they are used.

import { createHash } from 'node:crypto';
import path from 'node:path';
import { z } from 'zod';
import { FlowDenoiseError, messageOf } from '../errors.js';
import { readRegularFile } from '../files.js';
import { parameterCount, parameterShapes } from '../flow/architecture.js';
import type { WeightArray, Weights } from '../flow/parameters.js';
import { FORMAT, LIMITS, modelSchema, type PriorModel, VERSION } from './model-json.js';
import { readSafetensors, type TensorData } from './safetensors.js';

export interface Prior {
  readonly model: PriorModel;
  /** Every parameter of the flow, float32, by the names in parameterShapes. */
  readonly weights: Weights;
  readonly folder: string;
}

function bad(file: string, what: string, cause?: unknown): FlowDenoiseError {
  // One line: JSON.parse quotes the text around an error, with its line breaks.
  return new FlowDenoiseError('BAD_PRIOR', `${file}: ${what.replaceAll(/\s+/g, ' ')}`, { cause });
}

async function read(file: string, most: number): Promise<Buffer> {
  try {
    return await readRegularFile(file, { most, code: 'BAD_PRIOR' });
  } catch (error) {
    if (error instanceof FlowDenoiseError) throw error;
    throw bad(
      file,
      `cannot be read (${messageOf(error)}); a prior is a folder with model.json and its weights`,
      error,
    );
  }
}

function parseModel(file: string, bytes: Buffer): PriorModel {
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw bad(file, `is not JSON (${messageOf(error)})`, error);
  }
  const { format, version } = (json ?? {}) as { format?: unknown; version?: unknown };
  if (format !== FORMAT) throw bad(file, `expected format "${FORMAT}" but found ${JSON.stringify(format)}`);
  if (version !== VERSION)
    throw bad(
      file,
      `is version ${JSON.stringify(version)}, this flow-denoise reads version ${VERSION}; update flow-denoise`,
    );
  const result = modelSchema.safeParse(json);
  if (!result.success) {
    const issue = result.error.issues[0];
    throw bad(file, `${issue?.path.join('.')}: ${issue?.message ?? z.prettifyError(result.error)}`);
  }
  const { data: model } = result;
  const parameters = parameterCount(model);
  if (parameters > LIMITS.parameters)
    throw bad(
      file,
      `levels: they have ${parameters} parameters, expected at most ${LIMITS.parameters}; take smaller widths`,
    );
  return model;
}

/** Bytes in the weights' header for a tensor's name, precision, shape and offsets: at most this. */
const HEADER_BYTES_OF_TENSOR = 500;
/** Bytes for the header's length and the file's metadata. */
const OTHER_HEADER_BYTES = 1e6;

/** The largest possible weights file of a prior: 8 bytes a parameter, and a header. */
function mostWeightsBytes(model: PriorModel): number {
  const tensors = Object.keys(parameterShapes(model)).length;
  return 8 * parameterCount(model) + HEADER_BYTES_OF_TENSOR * tensors + OTHER_HEADER_BYTES;
}

/**
 * Reads and checks a prior's model.json without its weights.
 *
 * @throws FlowDenoiseError BAD_PRIOR
 */
export async function loadModel(folder: string): Promise<PriorModel> {
  return parseModel(modelFile(folder), await readModelFile(folder));
}

/** The bytes of a prior's model.json, not checked. @throws FlowDenoiseError BAD_PRIOR */
export function readModelFile(folder: string): Promise<Buffer> {
  return read(modelFile(folder), LIMITS.modelBytes);
}

const modelFile = (folder: string) => path.join(folder, 'model.json');

/**
 * Reads and checks a prior: format, version, schema, checksum, tensor names, shapes, finite numbers.
 *
 * @param folder  holds model.json and the weights file that it names
 * @throws FlowDenoiseError BAD_PRIOR, in one line with the file and what is wrong
 */
export async function loadPrior(folder: string): Promise<Prior> {
  const model = await loadModel(folder);
  const weightsFile = path.join(folder, model.weights.file);
  const bytes = await read(weightsFile, mostWeightsBytes(model));
  const sha256 = createHash('sha256').update(bytes).digest('hex');
  if (sha256 !== model.weights.sha256)
    throw bad(
      weightsFile,
      `checksum ${sha256.slice(0, 12)}... differs from the one in model.json; the file is damaged, fetch it again`,
    );
  try {
    const weights = checkWeights(parameterShapes(model), readSafetensors(bytes));
    return { model, weights, folder };
  } catch (error) {
    throw bad(weightsFile, messageOf(error), error);
  }
}

/**
 * Checks that the tensors are the expected ones, and returns them as float32.
 *
 * @param shapes  the expected tensors, by name
 * @throws        Error with the name of a tensor that is missing, unexpected, not finite, or of another shape
 */
export function checkWeights(
  shapes: Readonly<Record<string, readonly number[]>>,
  tensors: ReadonlyMap<string, TensorData>,
): Weights {
  const weights = new Map<string, WeightArray>();
  for (const [name, shape] of Object.entries(shapes)) {
    const tensor = tensors.get(name);
    if (!tensor) throw new Error(`tensor ${name} is missing`);
    if (tensor.shape.join() !== shape.join())
      throw new Error(`tensor ${name} has shape [${tensor.shape}], model.json asks for [${shape}]`);
    if (!tensor.data.every(Number.isFinite))
      throw new Error(`tensor ${name} holds a number that is not finite`);
    weights.set(name, { shape, data: Float32Array.from(tensor.data) });
  }
  const unknown = [...tensors.keys()].find((name) => !weights.has(name));
  if (unknown !== undefined) throw new Error(`tensor ${unknown} is not part of this architecture`);
  return weights;
}
