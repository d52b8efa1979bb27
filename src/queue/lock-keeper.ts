// Renews the locks of the jobs in hand, in a thread (lock-keeper-thread.ts). A job whose lock is lost belongs to another
// worker.
import { Worker } from 'node:worker_threads';
import type { Queue } from 'bullmq';
import { FlowDenoiseError } from '../core/errors.js';
import type { QueueAddress } from './connection.js';

export interface KeeperData {
  readonly address: QueueAddress;
  /** The queue's. */
  readonly name: string;
  readonly lockMs: number;
}

/** A job to keep, or to keep no longer. The token proves our lock: a job may be lost and taken again. */
export interface KeeperMessage {
  readonly id: string;
  readonly token: string;
  readonly isHeld: boolean;
}

export type KeeperReport = 'ready' | { readonly lost: string };

/** @returns the ids of the jobs that are no longer ours */
export async function extendLocks(
  queue: Queue,
  locks: readonly Pick<KeeperMessage, 'id' | 'token'>[],
  lockMs: number,
): Promise<readonly string[]> {
  const [ids, tokens] = [locks.map(({ id }) => id), locks.map(({ token }) => token)];
  return queue.getBackend().extendLocks(ids, tokens, lockMs);
}

export type LockKeeper = Awaited<ReturnType<typeof startLockKeeper>>;

/**
 * @param onLost  called once for every job that is no longer ours
 * @param onFail  called if the thread ends before `close`
 */
export async function startLockKeeper(
  data: KeeperData,
  queue: Queue,
  onLost: (id: string) => void,
  onFail: (error: FlowDenoiseError) => void,
) {
  const thread = new Worker(new URL('./lock-keeper-thread.js', import.meta.url), { workerData: data });
  let isClosing = false;
  const ended = new Promise<void>((resolve) => thread.once('exit', () => resolve()));
  await new Promise<void>((resolve, reject) => {
    thread.once('error', reject);
    thread.once('exit', () => {
      const error = new FlowDenoiseError('QUEUE_FAILED', "The thread that keeps the jobs' locks has ended.");
      reject(error);
      if (!isClosing) onFail(error);
    });
    thread.on('message', (report: KeeperReport) => {
      if (report === 'ready') resolve();
      else onLost(report.lost);
    });
  });
  const tell = (message: KeeperMessage) => thread.postMessage(message);
  const release = (id: string, token: string) => tell({ id, token, isHeld: false });
  return {
    /** Extends the lock now and regularly. @returns whether the job is still ours */
    async hold(id: string, token: string): Promise<boolean> {
      tell({ id, token, isHeld: true });
      const lost = await extendLocks(queue, [{ id, token }], data.lockMs).catch(() => [id]);
      if (lost.length > 0) release(id, token);
      return lost.length === 0;
    },
    release,
    async close(): Promise<void> {
      isClosing = true;
      thread.postMessage('close');
      await ended;
    },
  };
}
