// Renews the locks of the jobs in hand, in a thread (lock-keeper-thread.ts). A job whose lock is lost belongs to another
// worker.
import { Worker } from 'node:worker_threads';
import { FlowDenoiseError } from '../core/errors.js';
import type { QueueAddress } from './connection.js';

export interface KeeperData {
  readonly address: QueueAddress;
  /** The queue's. */
  readonly name: string;
  readonly lockMs: number;
}

export type KeeperMessage =
  | { readonly id: string; readonly token: string; readonly question: number }
  | { readonly id: string; readonly token: string; readonly release: true }
  | { readonly close: true };

export type KeeperReport =
  | { readonly ready: true }
  | { readonly lost: string }
  | { readonly answer: number; readonly isHeld: boolean };

export interface LockKeeper {
  /** Extends the lock now and regularly. @returns whether the job is still ours */
  hold(id: string, token: string): Promise<boolean>;
  release(id: string, token: string): void;
  /** Resolves when the thread has ended; before `close`, that is a failure. */
  readonly ended: Promise<void>;
  close(): Promise<void>;
}

/** @param onLost  called once for every job that is no longer ours */
export async function startLockKeeper(data: KeeperData, onLost: (id: string) => void): Promise<LockKeeper> {
  const thread = new Worker(new URL('./lock-keeper-thread.js', import.meta.url), { workerData: data });
  const questions = new Map<number, (isHeld: boolean) => void>();
  let asked = 0;
  const ended = new Promise<void>((resolve) => thread.once('exit', () => resolve()));
  const ready = new Promise<void>((resolve, reject) => {
    thread.once('error', reject);
    ended.then(() => reject(new FlowDenoiseError('QUEUE_FAILED', 'The thread that keeps locks has ended')));
    thread.on('message', (report: KeeperReport) => {
      if ('ready' in report) resolve();
      else if ('lost' in report) onLost(report.lost);
      else {
        questions.get(report.answer)?.(report.isHeld);
        questions.delete(report.answer);
      }
    });
  });
  const send = (message: KeeperMessage) => thread.postMessage(message);
  let isOver = false;
  ended.then(() => {
    isOver = true;
    for (const answer of questions.values()) answer(false);
  });
  await ready;
  return {
    ended,
    hold(id, token) {
      if (isOver) return Promise.resolve(false);
      const question = asked++;
      return new Promise((resolve) => {
        questions.set(question, resolve);
        send({ id, token, question });
      });
    },
    release: (id, token) => send({ id, token, release: true }),
    async close() {
      send({ close: true });
      await ended;
    },
  };
}
