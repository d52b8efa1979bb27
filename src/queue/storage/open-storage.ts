// The options that name a storage, and opening it.
import { z } from 'zod';
import { badOption } from '../../core/errors.js';
import { notBoth } from '../../denoiser/option-schema.js';
import { openBucketStorage } from './bucket.js';
import { openFolderStorage } from './folder.js';
import type { Storage } from './storage.js';

export const storageShape = {
  /** A folder that all workers see. Default: the working folder. */
  jobsDir: z.string().min(1).optional().describe('a folder'),
  /** A bucket and a prefix in it, s3://bucket/prefix. */
  storage: z.string().startsWith('s3://').optional().describe('s3://bucket/prefix'),
  /** The bucket's server, unless it is AWS. */
  endpoint: z.string().min(1).optional().describe('a URL'),
};

/** The storage: one of the two at most. */
export type StorageOptions = z.input<z.ZodObject<typeof storageShape>>;

/** @throws FlowDenoiseError BAD_OPTION; QUEUE_FAILED if a package is not installed */
export async function openStorage({ jobsDir, storage, endpoint }: StorageOptions): Promise<Storage> {
  if (jobsDir !== undefined && storage !== undefined) throw notBoth('jobsDir', 'storage');
  if (endpoint !== undefined && storage === undefined)
    throw badOption('Pass storage (s3://bucket/prefix) with endpoint');
  if (storage !== undefined) return openBucketStorage(storage, endpoint);
  return openFolderStorage(jobsDir ?? '.');
}
