// The queue for a program with one picture at a time, such as a server: open it once, submit and ask as often as you like.
import { z } from 'zod';
import { badOption, FlowDenoiseError } from '../core/errors.js';
import { parseOptions } from '../denoiser/option-schema.js';
import { openQueueClient, type QueueClient } from './client.js';
import { type JobOptions, parseJobOptions } from './job.js';
import { openStorage } from './storage/open-storage.js';
import { addJobs, jobMaker, type PictureJobOptions } from './submit.js';
import type { SubmittedJob } from './tracker.js';
import { type QueueOptions, queueShape, type StorageOptions, storageShape } from './worker-options.js';

export interface OpenQueueOptions extends QueueOptions, StorageOptions {
  /** If this many jobs wait, `submit` refuses more. Default 1000. */
  readonly maxWaiting?: number | undefined;
}

export interface PictureRequest extends PictureJobOptions {
  /** The picture in the storage: a path below `jobsDir`, or s3://bucket/key. */
  readonly input: string;
  /** The result's folder, likewise. */
  readonly output: string;
  /** As in `submit`. Default 'id'. */
  readonly names?: 'path' | 'id' | undefined;
}

export interface PictureQueue extends Pick<QueueClient, 'job' | 'status' | 'failed' | 'retry' | 'close'> {
  /** @throws FlowDenoiseError BAD_OPTION, BAD_IMAGE if it does not exist; QUEUE_FAILED if too many jobs wait */
  submit(request: PictureRequest): Promise<SubmittedJob>;
}

const openSchema = z.strictObject({
  ...queueShape,
  ...storageShape,
  maxWaiting: z.int().min(1).max(1e7).default(1000).describe('a whole number from 1 to 10000000'),
});

/** @throws FlowDenoiseError BAD_OPTION; QUEUE_FAILED if the server cannot be reached */
export async function openQueue(options: OpenQueueOptions = {}): Promise<PictureQueue> {
  const { queue, name, maxWaiting, ...places } = parseOptions(openSchema, options, 'openQueue');
  const storage = await openStorage(places);
  const client = await openQueueClient(queue, name).catch((error: unknown) => {
    storage.close();
    throw error;
  });

  async function refuseWhenFull(): Promise<void> {
    const { wait = 0 } = await client.bull.getJobCounts('wait');
    if (wait < maxWaiting) return;
    throw new FlowDenoiseError(
      'QUEUE_FAILED',
      `${wait} jobs wait, expected fewer than ${maxWaiting}. Try again later.`,
    );
  }

  return {
    async submit({ input, output, names = 'id', prior, ...rest }) {
      const options = parseJobOptions(rest as JobOptions);
      const maker = await jobMaker(storage, prior, options, output, names);
      const path = await storage.pathOf(input);
      const found = (async function* () {
        yield { picture: await storage.find(path), below: path };
      })();
      for await (const made of maker.jobsOf(found)) {
        const [submitted] = await addJobs(client, [made], storage, refuseWhenFull);
        if (submitted) return submitted;
      }
      throw badOption(`${input}: expected a picture file outside the output ${output}`);
    },
    job: client.job,
    status: client.status,
    failed: client.failed,
    retry: client.retry,
    async close() {
      await client.close();
      storage.close();
    },
  };
}
