// A worker takes jobs from the queue until it is closed. BullMQ manages the queue; picture-work.ts does a job.
import { EventEmitter, once } from 'node:events';
import { hostname } from 'node:os';
import type { Worker as BullWorker, Job, Queue } from 'bullmq';
import { z } from 'zod';
import { codeOf, FlowDenoiseError, messageOf } from '../core/errors.js';
import { parseOptions } from '../denoiser/option-schema.js';
import { openingShape } from '../denoiser/options.js';
import { packageVersion } from '../plugin/package-version.js';
import { concurrencyOption, pictureShape } from '../plugin/stream-options.js';
import {
  connect,
  connectionFault,
  loadBullmq,
  type QueueAddress,
  queueAddress,
  queueShape,
} from './connection.js';
import {
  type FailureReason,
  type JobData,
  type JobNames,
  LeftToOthers,
  MOST_LOST_WORKERS,
  parseJob,
  reasonOf,
  reasonText,
} from './job.js';
import { type LockKeeper, startLockKeeper } from './lock-keeper.js';
import {
  type Denoisers,
  isEngineFault,
  isFinal,
  type JobResult,
  openDenoisers,
  workOnJob,
} from './picture-work.js';
import { openStorage, storageShape } from './storage/open-storage.js';
import type { Storage } from './storage/storage.js';

const { maxPixels, maxBytes, signal } = pictureShape;

const workerSchema = z.strictObject({
  ...queueShape,
  ...storageShape,
  /** The most pictures in hand. Default 2. */
  concurrency: concurrencyOption,
  engine: openingShape.engine,
  threads: openingShape.threads,
  /** Larger pictures fail before they are decoded. Default 200 million pixels. */
  maxPixels,
  /** Larger files fail before they are read. Default 2 GiB. */
  maxBytes,
  /** Ends the worker after the pictures in hand. */
  signal,
  /** The worker's name in reports about its jobs. Default: host name and process id. */
  workerName: z
    .string()
    .regex(/^[\w.:-]{1,100}$/)
    .default(() => `${hostname()}:${process.pid}`)
    .describe('a name of letters, digits, ".", ":", "_" and "-"'),
  /** A job goes to another worker if its own has not renewed the lock for this many milliseconds. Default 30000. */
  lockMs: z
    .int()
    .min(200)
    .max(3600_000)
    .default(30_000)
    .describe('a whole number of milliseconds from 200 to 3600000'),
});

export type WorkerOptions = z.input<typeof workerSchema>;
type CheckedWorkerOptions = z.output<typeof workerSchema>;

export interface WorkerEvents {
  ready: [{ readonly queue: string; readonly name: string; readonly storage: string }];
  done: [JobNames & JobResult];
  /** `isFinal`: it will not be tried again. */
  failed: [Omit<JobNames, 'output'> & { readonly error: FailureReason; readonly isFinal: boolean }];
  /** This worker cannot do it; another may. */
  left: [Omit<JobNames, 'output'> & { readonly why: string }];
  /** The queue went away, or another fault that passes. The worker goes on. */
  problem: [{ readonly error: Error }];
  back: [];
}

export interface WorkerSummary {
  readonly done: number;
  readonly failed: number;
}

const FIRST_LEAVE_MS = 1000;
const LONGEST_LEAVE_MS = 60_000;
const PROGRESS_EVERY_MS = 1000;
/** A job's lock is first renewed one turn of the event loop after it is taken. Load delays that, so the first lock is longer. */
const PICK_UP_LOCKS = 4;

/** Why a worker ends that is asked to. */
const CLOSED = new FlowDenoiseError('CLOSED', 'The worker was closed');

/** Another worker took the job while it was in work here. */
const lockLost = () => new Error('another worker has this job now');

/** The note that a job carries while it waits or is in work: its `progress`. */
interface JobNote {
  readonly tilesDone?: number;
  readonly tiles?: number;
  /** Why a worker could not do it. */
  readonly left?: string;
  /** The worker whose engine failed on it. */
  readonly failedOn?: string;
}

/** What is open while a worker takes jobs. */
interface Workplace {
  readonly storage: Storage;
  readonly denoisers: Denoisers;
  readonly keeper: LockKeeper;
  readonly queue: Queue;
  readonly bullmq: typeof import('bullmq');
  isConnected(): boolean;
}

/** A started worker. Await `finished`; listen to the events in WorkerEvents. */
export class QueueWorker extends EventEmitter<WorkerEvents> {
  /** Resolves after `close()` or the signal, when everything is closed; rejects with the fault that ended it. */
  readonly finished: Promise<WorkerSummary>;

  readonly #options: CheckedWorkerOptions;
  readonly #address: QueueAddress;
  /** Aborted with CLOSED, or with the fault that ends the worker. */
  readonly #over = new AbortController();
  readonly #inHand = new Map<string, AbortController>();
  readonly #summary = { done: 0, failed: 0 };
  readonly #closers: (() => unknown)[] = [];
  readonly #told = new Set<string>();

  /** Use `startWorker`. */
  constructor(options: CheckedWorkerOptions, address: QueueAddress) {
    super();
    this.#options = options;
    this.#address = address;
    const onAbort = () => void this.close();
    options.signal?.addEventListener('abort', onAbort, { once: true });
    this.finished = this.#run().finally(() => options.signal?.removeEventListener('abort', onAbort));
    this.finished.catch(() => {});
    if (options.signal?.aborted) onAbort();
  }

  /** Takes no more jobs, finishes those in hand, and ends. */
  close(): Promise<WorkerSummary> {
    this.#over.abort(CLOSED);
    return this.finished;
  }

  async #run(): Promise<WorkerSummary> {
    const { signal } = this.#over;
    try {
      await this.#start();
      if (!signal.aborted) await once(signal, 'abort');
      signal.throwIfAborted();
    } catch (error) {
      if (error !== CLOSED) throw error;
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
      signal: this.#over.signal,
      onLost: (error) => this.emit('problem', { error }),
      onBack: () => this.emit('back'),
    });
    this.#closers.push(() => client.disconnect());
    const bullmq = await loadBullmq();
    const queue = new bullmq.Queue(name, { connection: client });
    queue.on('error', () => {});
    const keeper = await startLockKeeper(
      { address: this.#address, name, lockMs },
      queue,
      (id) => this.#inHand.get(id)?.abort(lockLost()),
      (error) => this.#over.abort(error),
    );
    this.#closers.push(() => keeper.close());
    const denoisers = openDenoisers();
    this.#closers.push(() => denoisers.close());
    this.#over.signal.throwIfAborted();

    const isConnected = () => client.status === 'ready';
    const place: Workplace = { storage, denoisers, keeper, queue, bullmq, isConnected };
    const processor = (job: Job, token = '') => this.#process(job, token, place);
    const worker: BullWorker = new bullmq.Worker(name, processor, {
      connection: client,
      name: workerName,
      concurrency,
      lockDuration: PICK_UP_LOCKS * lockMs,
      stalledInterval: lockMs,
      maxStalledCount: MOST_LOST_WORKERS,
      skipLockRenewal: true,
      runRetryDelay: 1000,
      autorun: false,
    });
    this.#closers.push(() => worker.close());
    this.#listen(worker, place);
    worker.run().catch((error: unknown) => this.#over.abort(error));
    this.emit('ready', { queue: this.#address.shown, name, storage: storage.shown });
  }

  #listen(worker: BullWorker, { storage }: Workplace): void {
    worker.on('completed', (job, result: JobResult) => {
      const { input, output } = job.data as JobData;
      this.#summary.done++;
      const places = { input: storage.locationOf(input), output: storage.locationOf(output) };
      this.emit('done', { id: job.id ?? '', ...places, ...result });
    });
    worker.on('failed', (job, { message }) => {
      if (!job) return;
      const isOver = job.finishedOn !== undefined;
      if (isOver) this.#summary.failed++;
      const told = { id: job.id ?? '', input: inputOf(job, storage) };
      this.emit('failed', { ...told, error: reasonOf(message), isFinal: isOver });
    });
    worker.on('error', (error) => {
      // The connection reports a server that is away, and each job its own faults. Both have a code.
      if (codeOf(error) !== undefined || PASSING.test(messageOf(error))) return;
      const fault = connectionFault(error, this.#address);
      if (!this.#told.has(fault.message)) this.emit('problem', { error: fault });
      this.#told.add(fault.message);
    });
  }

  async #process(job: Job, token: string, place: Workplace): Promise<JobResult> {
    const { storage, denoisers, keeper } = place;
    const id = job.id ?? '';
    limitRecording(job, place, this.#options.lockMs);
    const controller = new AbortController();
    const { signal } = controller;
    this.#inHand.set(id, controller);
    const checkLock = async () => {
      if (!(await keeper.hold(id, token))) throw lockLost();
      signal.throwIfAborted();
    };
    try {
      await checkLock();
      const data = parseJob(job.data, packageVersion(), storage.id);
      await this.#leaveWhereItFailed(job, place);
      const isAgain = job.attemptsStarted > 1 || job.stalledCounter > 0;
      let told = performance.now();
      const onProgress = (progress: JobNote) => {
        if (performance.now() - told < PROGRESS_EVERY_MS) return;
        told = performance.now();
        void note(job, progress);
      };
      const turn = { id, isAgain, signal, checkLock, onProgress };
      return await workOnJob(data, turn, storage, denoisers, this.#options);
    } catch (error) {
      if (error instanceof LeftToOthers) {
        await this.#leave(job, token, error.message, storage);
        throw new place.bullmq.DelayedError();
      }
      if (isEngineFault(error)) await note(job, { failedOn: this.#options.workerName });
      if (isFinal(error)) throw new place.bullmq.UnrecoverableError(reasonText(error));
      throw new Error(reasonText(error));
    } finally {
      // The lock lasts while BullMQ records the outcome. If that is lost with a connection, others take the job up again.
      keeper.release(id, token);
      if (this.#inHand.get(id) === controller) this.#inHand.delete(id);
    }
  }

  /** If this worker's engine failed on a job, it leaves it to another worker, if there is one. */
  async #leaveWhereItFailed(job: Job, { queue }: Workplace): Promise<void> {
    const { failedOn } = (job.progress ?? {}) as JobNote;
    const turnsLeft = job.attemptsStarted - job.attemptsMade - 1;
    if (failedOn !== this.#options.workerName || turnsLeft >= MOST_TURNS_LEFT) return;
    // Not every server tells who is connected.
    const workers = await queue.getWorkersCount().catch(() => 1);
    if (workers > 1) throw new LeftToOthers('its engine failed on it here');
  }

  /** Puts the job back for others. It returns after ever longer delays, since there may be no others. */
  async #leave(job: Job, token: string, why: string, storage: Storage): Promise<void> {
    const turns = Math.min(job.attemptsStarted - 1, 10);
    const wait = Math.min(FIRST_LEAVE_MS * 2 ** turns, LONGEST_LEAVE_MS);
    const { failedOn } = (job.progress ?? {}) as JobNote;
    await note(job, { left: why, ...(failedOn !== undefined && { failedOn }) });
    await job.moveToDelayed(Date.now() + wait, token);
    this.emit('left', { id: job.id ?? '', input: inputOf(job, storage), why });
  }
}

/**
 * If the call that records an outcome is lost with a connection, BullMQ waits for its answer for ever. Here it fails when the
 * server has been there for two locks, so that the worker has its place back; others have the job by then.
 */
function limitRecording(job: Job, { isConnected }: Workplace, lockMs: number): void {
  for (const name of ['moveToCompleted', 'moveToFailed'] as const) {
    const record = job[name].bind(job) as (...told: unknown[]) => ReturnType<Job['moveToFailed']>;
    job[name] = async (...told: unknown[]) => {
      let [locks, timer]: [number, NodeJS.Timeout | undefined] = [0, undefined];
      const lost = new Promise<never>((_, reject) => {
        timer = setInterval(() => {
          if (isConnected() && ++locks === 2)
            reject(new FlowDenoiseError('QUEUE_FAILED', 'An outcome was lost'));
        }, lockMs);
      });
      return Promise.race([record(...told), lost]).finally(() => clearInterval(timer));
    };
  }
}

/** How often a worker leaves a job on which its engine failed before it tries again itself. */
const MOST_TURNS_LEFT = 4;

async function note(job: Job, progress: JobNote): Promise<void> {
  // A failed note must not fail the job.
  await job.updateProgress({ ...progress }).catch(() => {});
}

/** Faults of the connection without a code. */
const PASSING = /Connection is closed|LOADING|UNBLOCKED/;

/** For users; '' if the job has none. */
function inputOf({ data }: Job, storage: Storage): string {
  const input: unknown = data?.input;
  return typeof input === 'string' ? storage.locationOf(input) : '';
}

/**
 * Starts a worker: it takes jobs, denoises their pictures and writes the results until it is closed. It waits for a server
 * that is away. It keeps renewing its jobs' locks; if it dies, another worker takes them.
 *
 * @returns  at once; listen to its events, and await `finished`
 * @throws   FlowDenoiseError BAD_OPTION, at once; `finished` rejects if storage or credentials are wrong
 */
export function startWorker(options: WorkerOptions = {}): QueueWorker {
  const checked = parseOptions(workerSchema, options, 'startWorker');
  return new QueueWorker(checked, queueAddress(checked.queue));
}
