// What the results of a denoiser depend on beside the picture and the noise: for whoever keeps results.
import { createHash } from 'node:crypto';
import { AUTO_PRIOR, DEFAULT_PRIOR, findPrior, shippedPriors } from '../core/model/find-prior.js';
import { readModelFile } from '../core/model/load-prior.js';
import type { OpeningOptions } from './options.js';
import { approachOf } from './preset.js';

/**
 * Text that two denoisers share only if they give the same results: the prior's checksum, the estimator, the tiles, and
 * the engine asked for (engines agree to 1e-4 RMS, which may round to another byte). Weights are not read: model.json
 * has their checksum.
 *
 * @param options  checked ones
 * @throws         FlowDenoiseError BAD_PRIOR
 */
export async function fingerprintOf(options: OpeningOptions): Promise<string> {
  const { prior, engine, beta, tileSize, overlap } = options;
  const approach = approachOf(options);
  return JSON.stringify({ prior: await priorChecksum(prior), engine, ...approach, beta, tileSize, overlap });
}

/**
 * The checksum of a prior, which two folders share only if they hold the same prior; with 'auto', of all that may be chosen.
 *
 * @throws  FlowDenoiseError BAD_PRIOR
 */
export async function priorChecksum(prior = DEFAULT_PRIOR): Promise<string> {
  const priors = prior === AUTO_PRIOR ? shippedPriors() : [prior];
  return (await Promise.all(priors.map(checksumOf))).join();
}

async function checksumOf(prior: string): Promise<string> {
  return createHash('sha256')
    .update(await readModelFile(findPrior(prior)))
    .digest('hex');
}
