// The watcher of one folder: owns what was opened for it and gives all of it back, and tells what happens. arrivals.ts finds
// the pictures, picture-queue.ts decides when each is worked on, picture-job.ts does the work.
import { EventEmitter } from 'node:events';
import { join } from 'node:path';
import { checkSigma } from '../../denoiser/estimator.js';
import { asError } from '../encoded-picture.js';
import { pictureDenoiser } from '../picture-denoiser.js';
import { type Arrivals, findArrivals } from './arrivals.js';
import type { WatchEvents, WatchSummary } from './events.js';
import { lockFolders } from './folder-lock.js';
import { openFolders, STATE_FOLDER } from './folders.js';
import { openLedger } from './ledger.js';
import { type CheckedWatchOptions, parseWatchOptions, type WatchFolderOptions } from './options.js';
import { openOutputs } from './outputs.js';
import { type Outcome, type WatchContext, workOnPicture } from './picture-job.js';
import { createPictureQueue, type PictureQueue } from './picture-queue.js';

/** A folder that is being watched. `finished` tells the end; the events (see WatchEvents) tell the way there. */
export class FolderWatcher extends EventEmitter<WatchEvents> {
  /**
   * Resolves when all is done (`once`) or after `close()`; rejects with a FlowDenoiseError or the system's error that
   * ended it, or with the signal's reason. By then nothing is open and no temporary file is left.
   */
  readonly finished: Promise<WatchSummary>;

  readonly #options: CheckedWatchOptions;
  readonly #stopping = new AbortController();
  readonly #linksTold = new Set<string>();
  /** In the order to be undone. */
  readonly #closers: (() => Promise<void>)[] = [];
  readonly #summary = { done: 0, failed: 0, skipped: 0 };
  #queue: PictureQueue | undefined;
  #arrivals: Arrivals | undefined;
  #isReady = false;
  #isIdle = false;
  #isClosing = false;
  #end: () => void = () => {};

  /** Use `watchFolder`. */
  constructor(options: CheckedWatchOptions) {
    super();
    this.#options = options;
    const { signal } = options;
    const onAbort = () => this.#fail(signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    this.finished = this.#run().finally(() => signal?.removeEventListener('abort', onAbort));
  }

  /** Takes no more pictures, finishes those in work, and ends. */
  close(): Promise<WatchSummary> {
    this.#isClosing = true;
    this.#arrivals?.stop();
    this.#queue?.stop();
    this.#endIfOver();
    return this.finished;
  }

  async #run(): Promise<WatchSummary> {
    const over = new Promise<void>((resolve) => {
      this.#end = resolve;
    });
    try {
      this.#options.signal?.throwIfAborted();
      await this.#start();
      await over;
    } catch (error) {
      this.#fail(error);
    }
    for (const close of this.#closers) await close().catch((error: unknown) => this.#fail(error));
    this.#stopping.signal.throwIfAborted();
    return { ...this.#summary };
  }

  /** Everything up to 'ready', and the first pictures. */
  async #start(): Promise<void> {
    const options = this.#options;
    const { signal: stopping } = this.#stopping;
    const onError = (error: unknown) => this.#fail(error);

    const folders = await openFolders(options.input, options.output);
    const isInputNeeded = options.originals === 'move';
    const locks = await lockFolders(folders, { isInputNeeded, onLost: onError, signal: stopping });
    this.#closers.push(locks.release);
    const ledger = await openLedger(join(folders.output, STATE_FOLDER, 'ledger.jsonl'), (copy) =>
      this.#tell(new Error(`Some lines of the ledger could not be read; the file as it was is ${copy}`)),
    );
    const outputs = await openOutputs(folders, ledger);
    const { denoise, open, close } = pictureDenoiser(options);
    this.#closers.unshift(close);
    const context: WatchContext = {
      folders,
      options,
      ledger,
      outputs,
      denoise,
      checkLocks: locks.check,
      stopping,
      onTaken: (path) => this.emit('taken', { input: join(options.input, path) }),
      onProblem: (...problem) => this.#tell(...problem),
      onError,
    };
    const queue = createPictureQueue(context, {
      work: (...picture) => {
        this.#isIdle = false;
        return workOnPicture(...picture, context);
      },
      onOutcome: (outcome) => {
        arrivals.listenWhileFewWait();
        this.#conclude(outcome);
      },
      onRest: () => this.#endIfOver(),
    });
    const arrivals = findArrivals(context, queue, (path) => this.#skipLink(path));
    this.#closers.unshift(arrivals.close);
    this.#queue = queue;
    this.#arrivals = arrivals;

    // With `once` there may be nothing to do; a watcher is to say at its start what is wrong.
    const openSuited = async () => checkSigma(options.noise.sigma, await open());
    if (!options.once) openSuited().catch(() => {});
    const { known, paths } = await arrivals.start();
    await outputs.forgetWhatIsGone(paths);
    if (!options.once || queue.waiting() > 0) await openSuited();
    stopping.throwIfAborted();
    this.emit('ready', { waiting: queue.waiting(), known });
    this.#isReady = true;
    if (this.#isClosing) return;
    queue.start();
    arrivals.listenWhileFewWait();
  }

  #skipLink(path: string): void {
    if (this.#linksTold.has(path)) return;
    this.#linksTold.add(path);
    const why = 'symbolic links are not followed: they may lead out of the folder';
    this.#conclude({ event: 'skipped', told: { input: join(this.#options.input, path), why } });
  }

  #conclude(outcome: Outcome): void {
    if (typeof outcome === 'string') return;
    this.#summary[outcome.event]++;
    // The type does not know that the event and what it tells belong together.
    (this as EventEmitter).emit(outcome.event, outcome.told);
  }

  #endIfOver(): void {
    const queue = this.#queue;
    if (queue?.isWorking()) return;
    if (this.#isClosing || this.#stopping.signal.aborted) this.#end();
    else if (this.#isReady && queue?.waiting() === 0 && !this.#arrivals?.isWalking() && !this.#isIdle) {
      this.#isIdle = true;
      this.emit('idle', { ...this.#summary });
      if (this.#options.once) this.#end();
    }
  }

  #tell(error: unknown, path?: string, retryInMs?: number): void {
    const input = path === undefined ? undefined : join(this.#options.input, path);
    this.emit('problem', { error: asError(error), input, retryInMs });
  }

  /** Ends at once: what is in work is abandoned. The first reason counts. */
  #fail(error: unknown): void {
    this.#stopping.abort(error);
    this.#arrivals?.stop();
    this.#queue?.abandon(error);
    this.#endIfOver();
  }
}

/**
 * Watches a folder: every picture that appears in it, at any depth, is denoised into another.
 *
 * A picture is taken when it has been left alone for `settle` milliseconds and decodes. Its result appears whole and
 * under a name that nothing else has. What was done is written down in the output folder's `.flow-denoise`, so that a
 * restart, after whatever end, neither repeats a picture nor forgets one.
 *
 * @returns  at once; listen to its events, and await `finished`
 * @throws   FlowDenoiseError BAD_OPTION, at once, for a wrong option; what is wrong with the folders, prior or engine
 *           is what `finished` rejects with
 */
export function watchFolder(options: WatchFolderOptions): FolderWatcher {
  return new FolderWatcher(parseWatchOptions(options));
}
