// Priors of jobs: a shipped one by name, or a folder in the storage that a worker fetches once. The checksum of
// model.json, which holds that of the weights, identifies it.

import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder } from '../core/engine/packages/tensorflow-package.js';
import { FlowDenoiseError, messageOf } from '../core/errors.js';
import { writeFileAtomic } from '../core/files.js';
import { AUTO_PRIOR, DEFAULT_PRIOR, shippedPriors } from '../core/model/find-prior.js';
import { loadModel, loadPrior } from '../core/model/load-prior.js';
import { LIMITS } from '../core/model/model-json.js';
import { priorChecksum } from '../denoiser/fingerprint.js';
import { type JobPrior, LeftToOthers } from './job.js';
import { isBucketAddress } from './storage/bucket.js';
import type { Storage } from './storage/storage.js';

const MODEL = 'model.json';
/** Of a prior's weights. */
const MOST_BYTES = 2 ** 30;

/** A prior as the options of a denoiser name it, and as jobs do. */
interface NamedPrior {
  readonly prior: string;
  readonly named: JobPrior;
}

/**
 * The prior that a user names: a shipped one, or a folder in the storage.
 *
 * @throws FlowDenoiseError BAD_PRIOR; BAD_OPTION where its folder is not in the storage
 */
export async function priorForJobs(prior: string | undefined, storage: Storage): Promise<NamedPrior> {
  const name = prior ?? DEFAULT_PRIOR;
  if (name === AUTO_PRIOR || shippedPriors().includes(name))
    return { prior: name, named: { name, checksum: await priorChecksum(name) } };
  const path = await storage.pathOf(name);
  if (!isBucketAddress(name)) return { prior: name, named: { path, checksum: await priorChecksum(name) } };
  const model = await storage.read(`${path}/${MODEL}`, { most: LIMITS.modelBytes });
  const named = { path, checksum: sha256(model) };
  return { prior: await fetchPrior(path, named.checksum, storage), named };
}

/**
 * The prior of a job on this machine, as `openDenoiser` takes it.
 *
 * @throws  LeftToOthers where this machine has no such prior; FlowDenoiseError BAD_PRIOR where the storage's is
 *          another by now
 */
export async function priorOfJob(
  { name = DEFAULT_PRIOR, path, checksum }: JobPrior,
  storage: Storage,
  signal: AbortSignal,
): Promise<string> {
  if (path !== undefined) return fetchPrior(path, checksum, storage, signal);
  const isShipped = name === AUTO_PRIOR || shippedPriors().includes(name);
  const own = isShipped ? await priorChecksum(name) : undefined;
  if (own === checksum) return name;
  throw new LeftToOthers(
    own === undefined
      ? `this worker has no prior ${name}`
      : `this worker's prior ${name} is another than the job's (checksum ${own.slice(0, 12)})`,
  );
}

/** Fetched into a folder named by its checksum; what lies there is checked again, and fetched again if need be. */
async function fetchPrior(
  path: string,
  checksum: string,
  storage: Storage,
  signal?: AbortSignal,
): Promise<string> {
  if (!/^[0-9a-f]{64}$/.test(checksum)) throw differs(path, storage);
  const folder = join(cacheFolder(), 'priors', checksum);
  if (await isWhole(folder, checksum)) return folder;
  const model = await storage.read(`${path}/${MODEL}`, { most: LIMITS.modelBytes, signal });
  if (sha256(model) !== checksum) throw differs(path, storage);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  await writeFileAtomic(join(folder, MODEL), model, { signal });
  const { weights } = await loadModel(folder);
  const bytes = await storage.read(`${path}/${weights.file}`, { most: MOST_BYTES, signal });
  await writeFileAtomic(join(folder, weights.file), bytes, { signal });
  await loadPrior(folder);
  return folder;
}

async function isWhole(folder: string, checksum: string): Promise<boolean> {
  try {
    if ((await priorChecksum(folder)) !== checksum) return false;
    await loadPrior(folder);
    return true;
  } catch (error) {
    if (error instanceof FlowDenoiseError) return false;
    throw new FlowDenoiseError('BAD_PRIOR', `${folder}: ${messageOf(error)}`, { cause: error });
  }
}

function differs(path: string, storage: Storage): FlowDenoiseError {
  return new FlowDenoiseError(
    'BAD_PRIOR',
    `${storage.locationOf(path)}: is not the prior that the job was submitted with. Submit the pictures again.`,
  );
}

function sha256(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex');
}
