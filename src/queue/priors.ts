// The priors of jobs: shipped ones by name, or a folder in the storage that a worker downloads once. A prior is identified by
// the checksum of model.json, which contains that of the weights.

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
/** The largest weights file. */
const MOST_BYTES = 2 ** 30;

interface NamedPrior {
  readonly prior: string;
  readonly named: JobPrior;
}

/**
 * Looks up the user's prior: a shipped one, or a folder in the storage.
 *
 * @throws FlowDenoiseError BAD_PRIOR; BAD_OPTION if its folder is not in the storage
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
 * A job's prior on this machine, for `openDenoiser`.
 *
 * @throws  LeftToOthers if this machine does not have it; FlowDenoiseError BAD_PRIOR if it has changed in the storage
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
      : `this worker's prior ${name} differs from the job's (checksum ${own.slice(0, 12)})`,
  );
}

/** Downloads into a folder named by the checksum. An existing download is checked, and repeated if it is damaged. */
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
