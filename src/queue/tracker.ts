// Waits for jobs by their events, and polls now and then, because a broken connection loses events.
import type { QueueClient } from './client.js';
import { loadQueuePackages } from './connection.js';
import { type FailureReason, reasonOf } from './job.js';
import type { JobResult } from './picture-work.js';

export interface SubmittedJob {
  readonly id: string;
  readonly input: string;
  readonly output: string;
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

interface JobTracker {
  add(jobs: readonly SubmittedJob[]): void;
  /** Resolves when no job is left to wait for. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

const ASK_EVERY_MS = 2000;
const ASK_AT_ONCE = 100;

interface TrackerEvents {
  readonly onSettled: (outcome: JobOutcome) => void;
  /** Why a worker could not do a job. */
  readonly onLeft?: ((why: string) => void) | undefined;
}

export async function trackJobs(
  client: QueueClient,
  { onSettled, onLeft }: TrackerEvents,
): Promise<JobTracker> {
  const pending = new Map<string, SubmittedJob>();
  let wake: () => void = () => {};
  const { bullmq } = await loadQueuePackages();
  const events = new bullmq.QueueEvents(client.name, { connection: client.connection });
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
    const job = await client.job(id);
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
    add(jobs) {
      for (const job of jobs) pending.set(job.id, job);
      // A job that had ended before it was added makes no event.
      const over = jobs.filter(({ before }) => before === 'done' || before === 'failed');
      turn = [...over.map(({ id }) => id), ...turn];
    },
    async settled() {
      while (pending.size > 0)
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
    },
    async close() {
      clearInterval(timer);
      wake();
      await events.close().catch(() => {});
    },
  };
}
