// The queue for programs that submit pictures: how many wait, which failed, the state of a job.
import type { Job, Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import { badOption, type FlowDenoiseError } from '../core/errors.js';
import { connect, loadQueuePackages, type QueueAddress, queueAddress } from './connection.js';
import { type FailureReason, type JobData, reasonOf } from './job.js';
import type { JobResult } from './picture-work.js';

export interface QueueStatus {
  /** Jobs that a worker may take now. */
  readonly waiting: number;
  readonly active: number;
  /** Jobs that are tried again later, or that workers left to others. */
  readonly delayed: number;
  readonly done: number;
  readonly failed: number;
  /** Undefined if the server does not tell. */
  readonly workers: number | undefined;
  /** Why workers left jobs to others, with the number of jobs, among the first that are delayed. */
  readonly left: Readonly<Record<string, number>>;
}

export interface JobStatus {
  readonly id: string;
  readonly input: string;
  readonly output: string;
  readonly state: 'waiting' | 'active' | 'delayed' | 'done' | 'failed';
  readonly tilesDone?: number | undefined;
  readonly tiles?: number | undefined;
  readonly result?: JobResult | undefined;
  readonly error?: FailureReason | undefined;
}

export interface QueueClient {
  readonly address: QueueAddress;
  readonly name: string;
  readonly bull: Queue;
  readonly connection: Redis;
  /** Undefined if the queue does not know the job. Paths are those of the storage. */
  job(id: string): Promise<JobStatus | undefined>;
  status(): Promise<QueueStatus>;
  /** The failed jobs, the newest first. */
  failed(): AsyncIterable<JobStatus>;
  /** Tries failed jobs again: these or all. @returns how many */
  retry(ids?: readonly string[]): Promise<number>;
  close(): Promise<void>;
}

const PAGE = 200;

/**
 * Connects to a queue.
 *
 * @throws  FlowDenoiseError BAD_OPTION, QUEUE_FAILED
 */
export async function openQueueClient(
  queue: string | undefined,
  name: string,
  signal?: AbortSignal,
  onLost?: (error: FlowDenoiseError) => void,
): Promise<QueueClient> {
  const address = queueAddress(queue);
  const { bullmq } = await loadQueuePackages();
  const connection = await connect(address, { isPatient: false, signal, onLost });
  const bull = new bullmq.Queue(name, { connection });
  // The connection reports faults of the server, and each call its own.
  bull.on('error', () => {});

  async function* failed(): AsyncGenerator<JobStatus> {
    for (let start = 0; ; start += PAGE) {
      const jobs = await bull.getFailed(start, start + PAGE - 1);
      for (const job of jobs) yield statusOf(job, 'failed');
      if (jobs.length < PAGE) return;
    }
  }

  async function retryOne(id: string): Promise<number> {
    const job = await bull.getJob(id);
    if (!job || (await job.getState()) !== 'failed') {
      throw badOption(`Expected the id of a failed job but received ${id}`);
    }
    // A retry by hand restores all tries, including those spent on lost workers.
    await connection.hdel(bull.toKey(id), 'stc', 'defa');
    await job.retry('failed', { resetAttemptsMade: true });
    return 1;
  }

  return {
    address,
    name,
    bull,
    connection,
    failed,
    async job(id) {
      const job: Job | undefined = await bull.getJob(id);
      if (!job) return undefined;
      const state = await job.getState();
      return statusOf(job, STATES[state] ?? 'waiting');
    },
    async status() {
      const [counts, workers, delayed] = await Promise.all([
        bull.getJobCounts('wait', 'prioritized', 'active', 'delayed', 'completed', 'failed'),
        bull.getWorkersCount().catch(() => undefined),
        bull.getDelayed(0, PAGE - 1),
      ]);
      const left: Record<string, number> = {};
      for (const { progress } of delayed) {
        const { left: why } = (progress ?? {}) as { readonly left?: string };
        if (why !== undefined) left[why] = (left[why] ?? 0) + 1;
      }
      return {
        waiting: (counts.wait ?? 0) + (counts.prioritized ?? 0),
        active: counts.active ?? 0,
        delayed: counts.delayed ?? 0,
        done: counts.completed ?? 0,
        failed: counts.failed ?? 0,
        workers,
        left,
      };
    },
    async retry(ids) {
      let count = 0;
      if (ids) {
        for (const id of ids) count += await retryOne(id);
        return count;
      }
      const all: string[] = [];
      for await (const { id } of failed()) all.push(id);
      for (const id of all) count += await retryOne(id);
      return count;
    },
    async close() {
      await bull.close().catch(() => {});
      connection.disconnect();
    },
  };
}

const STATES: Readonly<Record<string, JobStatus['state']>> = {
  completed: 'done',
  failed: 'failed',
  active: 'active',
  delayed: 'delayed',
};

function statusOf(job: Job, state: JobStatus['state']): JobStatus {
  const { input = '', output = '' } = (job.data ?? {}) as Partial<JobData>;
  const { tilesDone, tiles } = (job.progress ?? {}) as Partial<JobStatus>;
  return {
    id: job.id ?? '',
    input,
    output,
    state,
    ...(state === 'active' && { tilesDone, tiles }),
    ...(state === 'done' && { result: job.returnvalue as JobResult }),
    ...(state === 'failed' && { error: reasonOf(job.failedReason) }),
  };
}
