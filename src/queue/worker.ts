// A worker takes jobs from the queue until it is closed. BullMQ manages the queue; picture-work.ts does a job.
import { EventEmitter } from 'node:events';
import type { Worker as BullWorker, Job } from 'bullmq';
import { codeOf, FlowDenoiseError, messageOf } from '../core/errors.js';
import { packageVersion } from '../plugin/package-version.js';
import {
  connect,
  connectionFault,
  loadQueuePackages,
  type QueueAddress,
  queueAddress,
} from './connection.js';
import { openDenoisers } from './denoisers.js';
import { type JobData, LeftToOthers, MOST_LOST_WORKERS, parseJob, reasonOf, reasonText } from './job.js';
import { type LockKeeper, startLockKeeper } from './lock-keeper.js';
import { asLeft, isEngineFault, isFinal, type JobResult, type Workplace, workOnJob } from './picture-work.js';
import { openStorage } from './storage/open-storage.js';
import {
  type CheckedWorkerOptions,
  parseWorkerOptions,
  type WorkerEvents,
  type WorkerOptions,
  type WorkerSummary,
} from './worker-options.js';

const FIRST_LEAVE_MS = 1000;
const LONGEST_LEAVE_MS = 60_000;
const PROGRESS_EVERY_MS = 1000;
/** A job's lock is first renewed one turn of the event loop after it is taken. Load delays that, so the first lock is longer. */
const PICK_UP_LOCKS = 4;

/** Another worker took the job while it was in work here. */
class LockLost extends Error {
  override readonly name = 'LockLost';
}

/** The note that a job carries while it waits or is in work: its `progress`. */
interface JobNote {
  readonly tilesDone?: number;
  readonly tiles?: number;
  /** Why a worker could not do it. */
  readonly left?: string;
  /** The worker whose engine failed on it. */
  readonly failedOn?: string;
}

/** A started worker. Await `finished`; listen to the events in WorkerEvents. */
export class QueueWorker extends EventEmitter<WorkerEvents> {
  /** Resolves after `close()` or the signal, when everything is closed; rejects with the fault that ended it. */
  readonly finished: Promise<WorkerSummary>;

  readonly #options: CheckedWorkerOptions;
  readonly #address: QueueAddress;
  readonly #starting = new AbortController();
  readonly #inHand = new Map<string, AbortController>();
  readonly #summary = { done: 0, failed: 0 };
  readonly #closers: (() => unknown)[] = [];
  readonly #told = new Set<string>();
  #workersCount: () => Promise<number> = () => Promise.resolve(1);
  #end: (reason?: { readonly error: unknown }) => void = () => {};

  /** Use `startWorker`. */
  constructor(options: CheckedWorkerOptions, address: QueueAddress) {
    super();
    this.#options = options;
    this.#address = address;
    const over = new Promise<{ readonly error: unknown } | undefined>((resolve) => {
      this.#end = resolve;
    });
    const onAbort = () => void this.close();
    options.signal?.addEventListener('abort', onAbort, { once: true });
    this.finished = this.#run(over).finally(() => options.signal?.removeEventListener('abort', onAbort));
    this.finished.catch(() => {});
    if (options.signal?.aborted) onAbort();
  }

  /** Takes no more jobs, finishes those in hand, and ends. */
  close(): Promise<WorkerSummary> {
    this.#starting.abort(new FlowDenoiseError('CLOSED', 'The worker was closed'));
    this.#end();
    return this.finished;
  }

  async #run(over: Promise<{ readonly error: unknown } | undefined>): Promise<WorkerSummary> {
    try {
      await this.#start();
      const reason = await over;
      if (reason) throw reason.error;
    } catch (error) {
      if (!this.#starting.signal.aborted || error !== this.#starting.signal.reason) throw error;
    } finally {
      for (const close of this.#closers.reverse()) await close();
    }
    return this.#summary;
  }

  async #start(): Promise<void> {
    const { name, concurrency, lockMs, workerName } = this.#options;
    const storage = await openStorage(this.#options);
    this.#closers.push(() => storage.close());
    const client = await connect(this.#address, {
      isPatient: true,
      signal: this.#starting.signal,
      onLost: (error) => this.emit('problem', { error }),
      onBack: () => this.emit('back'),
    });
    this.#closers.push(() => client.disconnect());
    const keeper = await startLockKeeper({ address: this.#address, name, lockMs }, (id) =>
      this.#inHand.get(id)?.abort(new LockLost('another worker has this job now')),
    );
    let isClosing = false;
    this.#closers.push(() => {
      isClosing = true;
      return keeper.close();
    });
    keeper.ended.then(() => {
      const error = new FlowDenoiseError(
        'QUEUE_FAILED',
        'The thread that keeps the locks of jobs has ended.',
      );
      if (!isClosing) this.#end({ error });
    });
    const denoisers = openDenoisers();
    this.#closers.push(() => denoisers.close());
    this.#starting.signal.throwIfAborted();

    const { engine, threads, maxPixels, maxBytes } = this.#options;
    const place = { storage, denoisers, opening: { engine, threads }, maxPixels, maxBytes };
    const { bullmq } = await loadQueuePackages();
    const queue = new bullmq.Queue(name, { connection: client });
    queue.on('error', () => {});
    // Not every server tells who is connected.
    this.#workersCount = () => queue.getWorkersCount().catch(() => 1);
    const worker: BullWorker = new bullmq.Worker(
      name,
      (job: Job, token?: string) => this.#process(job, token ?? '', place, keeper, bullmq),
      {
        connection: client,
        name: workerName,
        concurrency,
        lockDuration: PICK_UP_LOCKS * lockMs,
        stalledInterval: lockMs,
        maxStalledCount: MOST_LOST_WORKERS,
        skipLockRenewal: true,
        runRetryDelay: 1000,
        autorun: false,
      },
    );
    this.#closers.push(() => worker.close());
    this.#listen(worker, keeper, place);
    worker.run().catch((error: unknown) => this.#end({ error }));
    this.emit('ready', { queue: this.#address.shown, name, storage: storage.shown });
  }

  #listen(worker: BullWorker, keeper: LockKeeper, { storage }: Workplace): void {
    const locationOf = (path: unknown) => (typeof path === 'string' ? storage.locationOf(path) : '');
    worker.on('completed', (job, result: JobResult) => {
      const { input, output } = job.data as JobData;
      keeper.release(job.id ?? '', job.token ?? '');
      this.#summary.done++;
      this.emit('done', {
        id: job.id ?? '',
        input: locationOf(input),
        output: locationOf(output),
        ...result,
      });
    });
    worker.on('failed', (job, { message }) => {
      if (!job) return;
      keeper.release(job.id ?? '', job.token ?? '');
      const isOver = job.finishedOn !== undefined;
      if (isOver) this.#summary.failed++;
      const input = locationOf((job.data as Partial<JobData>)?.input);
      this.emit('failed', { id: job.id ?? '', input, error: reasonOf(message), isFinal: isOver });
    });
    worker.on('error', (error) => {
      // The connection reports a server that is away. If another worker has the job, nothing was lost.
      if (isConnectionTrouble(error) || /Missing lock|is not in the active state/.test(messageOf(error)))
        return;
      this.#tellOnce(connectionFault(error, this.#address));
    });
  }

  async #process(
    job: Job,
    token: string,
    place: Workplace,
    keeper: LockKeeper,
    { DelayedError, UnrecoverableError }: typeof import('bullmq'),
  ): Promise<JobResult> {
    const id = job.id ?? '';
    const controller = new AbortController();
    const { signal } = controller;
    this.#inHand.set(id, controller);
    const checkLock = async () => {
      if (!(await keeper.hold(id, token))) throw new LockLost('another worker has this job now');
      signal.throwIfAborted();
    };
    try {
      await checkLock();
      const data = parseJob(job.data, packageVersion(), place.storage.id);
      await this.#leaveWhereItFailed(job);
      const isAgain = job.attemptsStarted > 1 || job.stalledCounter > 0;
      return await workOnJob(
        data,
        { id, isAgain, signal, checkLock, onProgress: throttled((progress) => note(job, progress)) },
        place,
      );
    } catch (cause) {
      const error = asLeft(cause);
      if (error instanceof LeftToOthers) {
        await this.#leave(job, token, error.message, place);
        keeper.release(id, token);
        throw new DelayedError();
      }
      if (isEngineFault(error)) await note(job, { failedOn: this.#options.workerName });
      if (isFinal(error)) throw new UnrecoverableError(reasonText(error));
      throw new Error(reasonText(error));
    } finally {
      if (this.#inHand.get(id) === controller) this.#inHand.delete(id);
    }
  }

  /** If this worker's engine failed on a job, it leaves it to another worker, if there is one. */
  async #leaveWhereItFailed({ progress, attemptsStarted, attemptsMade }: Job): Promise<void> {
    const { failedOn } = (progress ?? {}) as JobNote;
    const turnsLeft = attemptsStarted - attemptsMade - 1;
    if (failedOn !== this.#options.workerName || turnsLeft >= MOST_TURNS_LEFT) return;
    if ((await this.#workersCount()) > 1) throw new LeftToOthers('its engine failed on it here');
  }

  /** Puts the job back for others. It returns after ever longer delays, since there may be no others. */
  async #leave(job: Job, token: string, why: string, { storage }: Workplace): Promise<void> {
    const turns = Math.min(job.attemptsStarted - 1, 10);
    const wait = Math.min(FIRST_LEAVE_MS * 2 ** turns, LONGEST_LEAVE_MS);
    const { failedOn } = (job.progress ?? {}) as JobNote;
    await note(job, { left: why, ...(failedOn !== undefined && { failedOn }) });
    await job.moveToDelayed(Date.now() + wait, token);
    const { input } = (job.data ?? {}) as Partial<JobData>;
    this.emit('left', { id: job.id ?? '', input: input === undefined ? '' : storage.locationOf(input), why });
  }

  #tellOnce(error: FlowDenoiseError): void {
    if (this.#told.has(error.message)) return;
    this.#told.add(error.message);
    this.emit('problem', { error });
  }
}

/** How often a worker leaves a job on which its engine failed before it tries again itself. */
const MOST_TURNS_LEFT = 4;

async function note(job: Job, progress: JobNote): Promise<void> {
  // A failed note must not fail the job.
  await job.updateProgress({ ...progress }).catch(() => {});
}

function throttled<T>(tell: (value: T) => unknown): (value: T) => void {
  let last = performance.now();
  return (value) => {
    if (performance.now() - last < PROGRESS_EVERY_MS) return;
    last = performance.now();
    void tell(value);
  };
}

const CONNECTION_CODES: readonly string[] = [
  'ECONNREFUSED',
  'ECONNRESET',
  'EPIPE',
  'ENOTFOUND',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EAI_AGAIN',
];

function isConnectionTrouble(error: unknown): boolean {
  return (
    CONNECTION_CODES.includes(codeOf(error) ?? '') ||
    /Connection is closed|LOADING|UNBLOCKED/.test(messageOf(error))
  );
}

/**
 * Starts a worker: it takes jobs, denoises their pictures and writes the results until it is closed. It waits for a server
 * that is away. It keeps renewing its jobs' locks; if it dies, another worker takes them.
 *
 * @returns  at once; listen to its events, and await `finished`
 * @throws   FlowDenoiseError BAD_OPTION, at once; `finished` rejects if storage or credentials are wrong
 */
export function startWorker(options: WorkerOptions = {}): QueueWorker {
  const checked = parseWorkerOptions(options);
  return new QueueWorker(checked, queueAddress(checked.queue));
}
