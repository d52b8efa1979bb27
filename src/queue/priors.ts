// The priors of jobs: shipped ones by name, or a folder in the storage that a worker downloads once. A prior is identified by
// the checksum of model.json, which contains that of the weights.

import { hash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { cacheFolder } from '../core/engine/packages/tensorflow-package.js';
import { FlowDenoiseError } from '../core/errors.js';
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

/** The user's prior for jobs, and where it is here. @throws FlowDenoiseError BAD_PRIOR; BAD_OPTION outside the storage */
export async function priorForJobs(name: string, storage: Storage) {
  if (isShipped(name)) return { here: name, prior: { name, checksum: await priorChecksum(name) } };
  const path = await storage.pathOf(name);
  if (!isBucketAddress(name)) return { here: name, prior: { path, checksum: await priorChecksum(name) } };
  const checksum = hash('sha256', await storage.read(`${path}/${MODEL}`, { most: LIMITS.modelBytes }));
  return { here: await fetchPrior(path, checksum, storage), prior: { path, checksum } };
}

/** A job's prior here. @throws LeftToOthers if there is none; FlowDenoiseError BAD_PRIOR if it changed in the storage */
export async function priorOfJob(
  { name = DEFAULT_PRIOR, path, checksum }: JobPrior,
  storage: Storage,
  signal: AbortSignal,
): Promise<string> {
  if (path !== undefined) return fetchPrior(path, checksum, storage, signal);
  const own = isShipped(name) ? await priorChecksum(name) : undefined;
  if (own === checksum) return name;
  throw new LeftToOthers(
    own === undefined
      ? `this worker has no prior ${name}`
      : `this worker's prior ${name} differs from the job's (checksum ${own.slice(0, 12)})`,
  );
}

function isShipped(name: string): boolean {
  return name === AUTO_PRIOR || shippedPriors().includes(name);
}

/** Downloads into a folder named by the checksum. An existing download is checked, and repeated if it is damaged. */
async function fetchPrior(path: string, checksum: string, storage: Storage, signal?: AbortSignal) {
  if (!/^[0-9a-f]{64}$/.test(checksum)) throw differs(path, storage);
  const folder = join(cacheFolder(), 'priors', checksum);
  if (await isWhole(folder, checksum)) return folder;
  const model = await storage.read(`${path}/${MODEL}`, { most: LIMITS.modelBytes, signal });
  if (hash('sha256', model) !== checksum) throw differs(path, storage);
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
    await loadPrior(folder);
    return (await priorChecksum(folder)) === checksum;
  } catch {
    return false;
  }
}

function differs(path: string, storage: Storage): FlowDenoiseError {
  const message = `${storage.locationOf(path)}: is not the prior that the job was submitted with. Submit the pictures again.`;
  return new FlowDenoiseError('BAD_PRIOR', message);
}
