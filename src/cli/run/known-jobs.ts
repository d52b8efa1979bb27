// `--cache`: which pictures need no engine, because their results are kept. Costs reading and hashing them.
import { stat } from 'node:fs/promises';
import { readRegularFile } from '../../core/files.js';
import { pictureDenoiser } from '../../plugin/picture-denoiser.js';
import { mapInOrder } from '../../tile/in-order.js';
import type { CommandArguments } from '../arguments.js';
import type { Job } from './inputs.js';

/** Those whose results are in the cache; none where the method is yet to be chosen, or a map of sigma says the noise. */
export async function knownJobs(jobs: readonly Job[], args: CommandArguments): Promise<ReadonlySet<Job>> {
  const known = new Set<Job>();
  if (args.cache === false || args.sigmaMap !== undefined || args.timeBudget !== undefined) return known;
  const { isKnown } = pictureDenoiser(args);
  const look = async ({ input }: Job): Promise<boolean> => {
    // What cannot be read is the work's to tell.
    const size = (await stat(input).catch(() => undefined))?.size ?? Number.POSITIVE_INFINITY;
    if (size > args.file.maxBytes) return false;
    const bytes = await readRegularFile(input).catch(() => undefined);
    return bytes !== undefined && isKnown(bytes);
  };
  const looks = mapInOrder(jobs, args.concurrency, async (job) => ({ job, isThere: await look(job) }));
  for await (const { job, isThere } of looks) if (isThere) known.add(job);
  return known;
}
