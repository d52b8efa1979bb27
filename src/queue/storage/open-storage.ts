// Opens the storage that the options name.

import { badOption } from '../../core/errors.js';
import { notBoth } from '../../denoiser/option-schema.js';
import type { StorageOptions } from '../worker-options.js';
import { openBucketStorage } from './bucket.js';
import { openFolderStorage } from './folder.js';
import type { Storage } from './storage.js';

/** @throws FlowDenoiseError BAD_OPTION; QUEUE_FAILED if a package is not installed */
export async function openStorage({ jobsDir, storage, endpoint }: StorageOptions): Promise<Storage> {
  if (jobsDir !== undefined && storage !== undefined) throw notBoth('jobsDir', 'storage');
  if (endpoint !== undefined && storage === undefined)
    throw badOption('Pass storage (s3://bucket/prefix) with endpoint');
  if (storage !== undefined) return openBucketStorage(storage, endpoint);
  return openFolderStorage(jobsDir ?? '.');
}
