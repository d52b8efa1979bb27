// What a denoiser's results depend on besides the picture and the noise, for caches of results.
import { createHash } from 'node:crypto';
import { AUTO_PRIOR, DEFAULT_PRIOR, findPrior, shippedPriors } from '../core/model/find-prior.js';
import { readModelFile } from '../core/model/load-prior.js';
import type { OpeningOptions } from './options.js';
import { approachOf } from './preset.js';

/**
 * Text that is equal for two denoisers only if they give the same results. It covers the prior's checksum, the estimator, the
 * tiles and the engine: engines agree to 1e-4 RMS, which may round to another byte.
 *
 * @param options  checked
 * @throws         FlowDenoiseError BAD_PRIOR
 */
export async function fingerprintOf(options: OpeningOptions): Promise<string> {
  const { prior, engine, beta, tileSize, overlap } = options;
  const approach = approachOf(options);
  return JSON.stringify({ prior: await priorChecksum(prior), engine, ...approach, beta, tileSize, overlap });
}

/** A prior's checksum; with 'auto', that of all shipped priors. @throws  FlowDenoiseError BAD_PRIOR */
export async function priorChecksum(prior = DEFAULT_PRIOR): Promise<string> {
  const priors = prior === AUTO_PRIOR ? shippedPriors() : [prior];
  const files = await Promise.all(priors.map((each) => readModelFile(findPrior(each))));
  return files.map((bytes) => createHash('sha256').update(bytes).digest('hex')).join();
}
