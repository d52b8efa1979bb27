// The packages that a queue needs: the user's to install, and imported only when a queue is used.
import { codeOf, FlowDenoiseError } from '../core/errors.js';

/** BullMQ and its Redis client. @throws FlowDenoiseError QUEUE_FAILED: what to install */
export async function loadQueuePackages(): Promise<{
  readonly bullmq: typeof import('bullmq');
  readonly Redis: typeof import('ioredis').Redis;
}> {
  try {
    const [bullmq, { Redis }] = await Promise.all([import('bullmq'), import('ioredis')]);
    return { bullmq, Redis };
  } catch (error) {
    throw notInstalled(error, 'A queue', 'bullmq ioredis');
  }
}

/** @throws FlowDenoiseError QUEUE_FAILED: what to install */
export async function loadBucketPackage(): Promise<typeof import('@aws-sdk/client-s3')> {
  try {
    return await import('@aws-sdk/client-s3');
  } catch (error) {
    throw notInstalled(error, 'Storage in a bucket', '@aws-sdk/client-s3');
  }
}

/** What an import failed with: a package that is not there, in words; anything else as it is. */
export function notInstalled(error: unknown, what: string, packages: string): unknown {
  const code = codeOf(error);
  if (code !== 'ERR_MODULE_NOT_FOUND' && code !== 'MODULE_NOT_FOUND') return error;
  return new FlowDenoiseError(
    'QUEUE_FAILED',
    `${what} needs packages that are not installed. Run npm install ${packages}`,
    { cause: error },
  );
}
