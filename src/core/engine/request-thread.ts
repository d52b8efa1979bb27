// A worker thread that answers requests: the caller's side, and the thread's. Buffers move between them, they are not copied.
import { parentPort, Worker } from 'node:worker_threads';
import { messageOf } from '../errors.js';

type Request<Task> = { readonly id: number; readonly task: Task } | 'close';
type Reply<Result> =
  | { readonly id: number; readonly result: Result }
  | { readonly id: number; readonly reason: string };

export interface RequestThread<Task, Result> {
  /** How many requests are in flight. */
  readonly waiting: number;
  readonly isAlive: boolean;
  /** @param samples  their buffers move to the thread */
  ask(task: Task, samples?: readonly Float32Array[]): Promise<Result>;
  /**
   * Rejects what is in flight and resolves when the thread has ended. It does not use `terminate()`: ONNX Runtime aborts the
   * process if its thread dies at work.
   */
  close(reason: Error): Promise<void>;
}

/** Starts a thread; requests may be sent at once. `failed` makes the error of a request that the thread could not answer. */
export function startThread<Task, Result>(
  program: URL,
  failed: (reason: string) => Error,
  workerData?: unknown,
): RequestThread<Task, Result> {
  // The handlers live as long as the thread, so they must not hold `workerData`: it has a prior's weights.
  const worker = new Worker(program, { workerData, execArgv: [] });
  const waiting = new Map<number, { resolve(result: Result): void; reject(error: Error): void }>();
  let nextId = 0;
  let isClosing = false;
  const rejectAll = (error: Error) => {
    for (const { reject } of waiting.values()) reject(error);
    waiting.clear();
  };
  worker.on('error', (error) => rejectAll(failed(messageOf(error))));
  worker.on('exit', (code) => rejectAll(failed(`its thread ended with code ${code}`)));
  worker.on('message', (reply: Reply<Result>) => {
    const asked = waiting.get(reply.id);
    waiting.delete(reply.id);
    // An idle thread does not keep the process alive. A busy one does, and one that is closing.
    if (waiting.size === 0 && !isClosing) worker.unref();
    if ('result' in reply) asked?.resolve(reply.result);
    else asked?.reject(failed(reply.reason));
  });
  return {
    get waiting() {
      return waiting.size;
    },
    get isAlive() {
      return worker.threadId !== -1;
    },
    ask: (task, samples = []) =>
      new Promise((resolve, reject) => {
        const id = nextId++;
        waiting.set(id, { resolve, reject });
        worker.ref();
        const buffers = new Set(samples.map(({ buffer }) => buffer as ArrayBuffer));
        worker.postMessage({ id, task } satisfies Request<Task>, [...buffers]);
      }),
    async close(reason) {
      isClosing = true;
      rejectAll(reason);
      if (worker.threadId === -1) return;
      const ended = new Promise((resolve) => worker.once('exit', resolve));
      worker.ref();
      worker.postMessage('close' satisfies Request<Task>);
      await ended;
    },
  };
}

/** The thread's side. An error before it is called ends the thread. A serial one answers one request after the other. */
export function answerRequests<Task, Result extends object>(
  answer: (task: Task) => Promise<Result> | Result,
  isSerial: boolean,
  close?: () => Promise<void>,
): void {
  const port = parentPort;
  if (!port) throw new Error('this program runs in a worker thread only');
  let previous: Promise<unknown> = Promise.resolve();
  async function reply(id: number, task: Task): Promise<void> {
    try {
      const result = await answer(task);
      const samples = result instanceof Float32Array ? [result] : Object.values(result);
      const buffers = samples.flatMap((data) => (data instanceof Float32Array ? [data.buffer] : []));
      port?.postMessage({ id, result } satisfies Reply<Result>, buffers as ArrayBuffer[]);
    } catch (error) {
      port?.postMessage({ id, reason: messageOf(error) } satisfies Reply<Result>);
    }
  }
  port.on('message', (request: Request<Task>) => {
    if (request === 'close') previous = previous.then(close).finally(() => port.close());
    else if (isSerial) previous = previous.then(() => reply(request.id, request.task));
    else void reply(request.id, request.task);
  });
}
