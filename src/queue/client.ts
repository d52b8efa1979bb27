// The queue for programs that submit pictures: how many wait, which failed, the state of a job, and waiting for jobs.
import type { Job, QueueEvents } from 'bullmq';
import { badOption, type FlowDenoiseError } from '../core/errors.js';
import { connect, loadBullmq, queueAddress } from './connection.js';
import { type FailureReason, type JobData, type JobNames, reasonOf } from './job.js';
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

/** Its paths are those of the storage. */
export interface JobStatus extends JobNames {
  readonly state: 'waiting' | 'active' | 'delayed' | 'done' | 'failed';
  readonly tilesDone?: number | undefined;
  readonly tiles?: number | undefined;
  readonly result?: JobResult | undefined;
  readonly error?: FailureReason | undefined;
}

export interface SubmittedJob extends JobNames {
  /** The original's size. */
  readonly bytes: number;
  /** The job's state before it was submitted. */
  readonly before: 'new' | 'waiting' | 'done' | 'failed';
}

/** How a job ended: it has either `result` or `error`. */
export interface JobOutcome {
  readonly job: SubmittedJob;
  readonly result?: JobResult | undefined;
  readonly error?: FailureReason | undefined;
}

export type QueueClient = Awaited<ReturnType<typeof openQueueClient>>;

const PAGE = 200;
const ASK_EVERY_MS = 2000;
const ASK_AT_ONCE = 100;

/** Connects to a queue. @throws FlowDenoiseError BAD_OPTION, QUEUE_FAILED */
export async function openQueueClient(
  queue: string | undefined,
  name: string,
  signal?: AbortSignal,
  onLost?: (error: FlowDenoiseError) => void,
) {
  const address = queueAddress(queue);
  const bullmq = await loadBullmq();
  const connection = await connect(address, { isPatient: false, signal, onLost });
  const bull = new bullmq.Queue(name, { connection });
  // The connection reports faults of the server, and each call its own.
  bull.on('error', () => {});

  /** Undefined if the queue does not know the job. Paths are those of the storage. */
  async function job(id: string): Promise<JobStatus | undefined> {
    const found: Job | undefined = await bull.getJob(id);
    return found && statusOf(found, STATES[await found.getState()] ?? 'waiting');
  }

  /** The failed jobs, the newest first. */
  async function* failed(): AsyncGenerator<JobStatus> {
    for (let start = 0; ; start += PAGE) {
      const jobs = await bull.getFailed(start, start + PAGE - 1);
      for (const job of jobs) yield statusOf(job, 'failed');
      if (jobs.length < PAGE) return;
    }
  }

  return {
    bull,
    job,
    failed,
    waiting: async (): Promise<number> => (await bull.getJobCounts('wait')).wait ?? 0,
    /** Waits for jobs. Close it before the client. */
    track: (told: TrackerEvents) => trackJobs(new bullmq.QueueEvents(name, { connection }), job, told),
    async status(): Promise<QueueStatus> {
      const [counts, workers, putOff] = await Promise.all([
        bull.getJobCounts('wait', 'active', 'delayed', 'completed', 'failed'),
        bull.getWorkersCount().catch(() => undefined),
        bull.getDelayed(0, PAGE - 1),
      ]);
      const left: Record<string, number> = {};
      for (const { progress } of putOff) {
        const { left: why } = (progress ?? {}) as { readonly left?: string };
        if (why !== undefined) left[why] = (left[why] ?? 0) + 1;
      }
      const { wait: waiting = 0, active = 0, delayed = 0, completed: done = 0, failed = 0 } = counts;
      return { waiting, active, delayed, done, failed, workers, left };
    },
    /** Tries failed jobs again: these or all. @returns how many */
    async retry(given?: readonly string[]): Promise<number> {
      const ids = [...(given ?? [])];
      if (!given) for await (const { id } of failed()) ids.push(id);
      for (const id of ids) {
        const failure = await bull.getJob(id);
        if (!failure || (await failure.getState()) !== 'failed')
          throw badOption(`Expected the id of a failed job but received ${id}`);
        // A retry by hand restores all tries, including those spent on lost workers.
        await connection.hdel(bull.toKey(id), 'stc', 'defa');
        await failure.retry('failed', { resetAttemptsMade: true });
      }
      return ids.length;
    },
    async close(): Promise<void> {
      await bull.close().catch(() => {});
      connection.disconnect();
    },
  };
}

interface TrackerEvents {
  readonly onSettled: (outcome: JobOutcome) => void;
  /** Why a worker could not do a job. */
  readonly onLeft?: ((why: string) => void) | undefined;
}

/** Waits for events, and polls now and then, because a broken connection loses events. */
async function trackJobs(
  events: QueueEvents,
  statusOfJob: (id: string) => Promise<JobStatus | undefined>,
  { onSettled, onLeft }: TrackerEvents,
) {
  const pending = new Map<string, SubmittedJob>();
  let wake: () => void = () => {};
  events.on('error', () => {});

  function settle(id: string, outcome: Omit<JobOutcome, 'job'>): void {
    const job = pending.get(id);
    if (!job) return;
    pending.delete(id);
    onSettled({ job, ...outcome });
    if (pending.size === 0) wake();
  }
  events.on('completed', ({ jobId, returnvalue }) =>
    settle(jobId, { result: returnvalue as unknown as JobResult }),
  );
  events.on('failed', ({ jobId, failedReason }) => settle(jobId, { error: reasonOf(failedReason) }));
  events.on('progress', ({ jobId, data }) => {
    const { left } = (typeof data === 'object' ? data : {}) as { readonly left?: string };
    if (left !== undefined && pending.has(jobId)) onLeft?.(left);
  });
  await events.waitUntilReady();

  async function ask(id: string): Promise<void> {
    const job = await statusOfJob(id);
    if (!job) {
      const message =
        'the queue does not know it any more: it was removed, or the server lost it. Submit it again.';
      settle(id, { error: { code: 'QUEUE_FAILED', message } });
    } else if (job.state === 'done' || job.state === 'failed') {
      settle(id, { result: job.result, error: job.error });
    }
  }

  /** The ids to ask for next: jobs are polled in turn. */
  let turn: string[] = [];
  let isAsking = false;
  const timer = setInterval(async () => {
    if (isAsking) return;
    isAsking = true;
    if (turn.length === 0) turn = [...pending.keys()];
    await Promise.all(turn.splice(0, ASK_AT_ONCE).map(ask)).catch(() => {});
    isAsking = false;
  }, ASK_EVERY_MS);

  return {
    add(jobs: readonly SubmittedJob[]): void {
      for (const job of jobs) pending.set(job.id, job);
      // A job that had ended before it was added makes no event.
      const over = jobs.filter(({ before }) => before === 'done' || before === 'failed');
      turn = [...over.map(({ id }) => id), ...turn];
    },
    /** Resolves when no job is left to wait for. */
    async settled(): Promise<void> {
      if (pending.size === 0) return;
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    },
    async close(): Promise<void> {
      clearInterval(timer);
      await events.close().catch(() => {});
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
