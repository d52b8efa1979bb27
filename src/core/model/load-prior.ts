// Reads a prior and the noise network from disk, and checks descriptions and weights before they are used.
import { createHash } from 'node:crypto';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';
import { FlowDenoiseError, messageOf } from '../errors.js';
import { readRegularFile } from '../files.js';
import { parameterCount, parameterShapes } from '../flow/architecture.js';
import type { WeightArray, Weights } from '../flow/parameters.js';
import { noiseNetworkShapes } from '../noise/estimate/noise-network.js';
import { pictureHeadShapes } from '../noise/estimate/picture-head.js';
import { LIMITS, modelSchema, type PriorModel } from './model-json.js';
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

async function read(file: string, most = Number.POSITIVE_INFINITY): Promise<Buffer> {
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

const modelFile = (folder: string) => path.join(folder, 'model.json');

/** The bytes of a prior's model.json, not checked. @throws FlowDenoiseError BAD_PRIOR */
export function readModelFile(folder: string): Promise<Buffer> {
  return read(modelFile(folder), LIMITS.modelBytes);
}

/** @param remedy  ends the message of an error */
async function readJson<S extends z.ZodType>(file: string, schema: S, remedy = ''): Promise<z.output<S>> {
  const bytes = await read(file, LIMITS.modelBytes);
  let json: unknown;
  try {
    json = JSON.parse(bytes.toString('utf8'));
  } catch (error) {
    throw bad(file, `is not JSON (${messageOf(error)})${remedy}`, error);
  }
  const { data, error } = schema.safeParse(json);
  if (data) return data;
  const [issue] = error?.issues ?? [];
  throw bad(file, [issue?.path.join('.'), issue?.message].filter(Boolean).join(': ') + remedy);
}

/** Reads and checks a prior's model.json without its weights. @throws FlowDenoiseError BAD_PRIOR */
export async function loadModel(folder: string): Promise<PriorModel> {
  const file = modelFile(folder);
  const model = await readJson(file, modelSchema);
  // Not in the schema, which would count the parameters of a billion steps too.
  if (parameterCount(model) > LIMITS.parameters)
    throw bad(file, `levels: more than ${LIMITS.parameters} parameters; take smaller widths`);
  return model;
}

/** Room for the header of a weights file: 8 levels of 256 steps have 23,000 tensors. */
const MOST_HEADER_BYTES = 2e7;

/**
 * Reads and checks a prior: format, version, schema, checksum, tensor names, shapes, finite numbers.
 *
 * @param folder  holds model.json and the weights file that it names
 * @throws FlowDenoiseError BAD_PRIOR, in one line with the file and what is wrong
 */
export async function loadPrior(folder: string): Promise<Prior> {
  const model = await loadModel(folder);
  const most = 8 * parameterCount(model) + MOST_HEADER_BYTES;
  return { model, weights: await readWeights(folder, model.weights, parameterShapes(model), most), folder };
}

const NOISE_NETWORK = fileURLToPath(new URL('../../../models/noise-network/', import.meta.url));

const cardSchema = z.object({
  format: z.literal('flow-denoise-noise-network'),
  version: z.literal(1),
  weights: z.object({ file: z.literal('weights.safetensors'), sha256: z.string() }),
});

/** Reads and checks the shipped noise network as `loadPrior` does. Only tests pass a folder. @throws as `loadPrior` */
export async function loadNoiseNetwork(folder = NOISE_NETWORK): Promise<Weights> {
  const card = await readJson(path.join(folder, 'network.json'), cardSchema, '; install flow-denoise again');
  return readWeights(folder, card.weights, { ...noiseNetworkShapes(), ...pictureHeadShapes() });
}

/** @param shapes  the expected tensors, by name */
async function readWeights(
  folder: string,
  { file: name, sha256 }: PriorModel['weights'],
  shapes: Readonly<Record<string, readonly number[]>>,
  most?: number,
): Promise<Weights> {
  const file = path.join(folder, name);
  const bytes = await read(file, most);
  const found = createHash('sha256').update(bytes).digest('hex');
  if (found !== sha256)
    throw bad(
      file,
      `checksum ${found.slice(0, 12)}... differs from the one that belongs to it; the file is damaged, fetch it again`,
    );
  try {
    return checkWeights(shapes, readSafetensors(bytes));
  } catch (error) {
    throw bad(file, messageOf(error), error);
  }
}

/** A loop, since `every` takes ten times as long, and priors have millions of numbers. */
function areFinite(numbers: Float32Array | Float64Array): boolean {
  for (let i = 0; i < numbers.length; i++) if (!Number.isFinite(numbers[i])) return false;
  return true;
}

/** The tensors as float32. @throws  Error with the name of one that is missing, unexpected, not finite, or of another shape */
function checkWeights(
  shapes: Readonly<Record<string, readonly number[]>>,
  tensors: ReadonlyMap<string, TensorData>,
): Weights {
  const weights = new Map<string, WeightArray>();
  for (const [name, shape] of Object.entries(shapes)) {
    const tensor = tensors.get(name);
    if (!tensor) throw new Error(`tensor ${name} is missing`);
    if (tensor.shape.join() !== shape.join())
      throw new Error(`tensor ${name} has shape [${tensor.shape}], model.json asks for [${shape}]`);
    if (!areFinite(tensor.data)) throw new Error(`tensor ${name} holds a number that is not finite`);
    weights.set(name, { shape, data: new Float32Array(tensor.data) });
  }
  const unknown = [...tensors.keys()].find((name) => !weights.has(name));
  if (unknown !== undefined) throw new Error(`tensor ${unknown} is not part of this architecture`);
  return weights;
}
