// The watcher of one folder: owns what was opened for it and gives all of it back, and tells what happens. Events of the
// file system only say where to look; what is there decides. Which picture is worked on is picture-queue.ts's, how it is
// picture-job.ts's.
import { EventEmitter } from 'node:events';
import { join } from 'node:path';
import { messageOf } from '../../core/errors.js';
import type { Denoiser } from '../../denoiser/denoiser.js';
import { checkSigma } from '../../denoiser/estimator.js';
import { openDenoiser } from '../../denoiser/open-denoiser.js';
import { listenToFolder } from './arrivals/folder-events.js';
import { scanFolder } from './arrivals/scan.js';
import { type Snapshot, snapshotOf } from './arrivals/snapshot.js';
import type { WatchEvents, WatchSummary } from './events.js';
import { type OpenFolder, openFolder } from './open-folder.js';
import {
  type CheckedWatchOptions,
  optionsHash,
  parseWatchOptions,
  type WatchFolderOptions,
} from './options.js';
import { type JobContext, type Outcome, workOnPicture } from './picture-job.js';
import { createPictureQueue, type PictureQueue } from './picture-queue.js';

/**
 * Listening stops where more pictures wait than the first, and begins again at the second. While many wait, none that
 * arrives is taken soon, and the walks find it; chokidar would look at all that wait whenever one of them leaves.
 */
const WAITING = { most: 100, few: 20 } as const;

interface Opened {
  readonly context: JobContext;
  readonly queue: PictureQueue;
}

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
  #open: Opened | undefined;
  #denoiser: Promise<Denoiser> | undefined;
  #scans = 0;
  /** What stops listening; undefined while too many wait. */
  #listening: Promise<(() => Promise<void>) | undefined> = Promise.resolve(undefined);
  #isListening = false;
  #isReady = false;
  #isIdle = false;
  #isClosing = false;
  #failure: { readonly error: unknown } | undefined;
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
    this.#open?.queue.stop();
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
    await this.#giveBack();
    if (this.#failure) throw this.#failure.error;
    return { ...this.#summary };
  }

  /** Everything up to 'ready', and the first pictures. */
  async #start(): Promise<void> {
    const { once, rescan } = this.#options;
    const { signal } = this.#stopping;
    const folder = await openFolder(this.#options, {
      onLost: (error) => this.#fail(error),
      onProblem: (error) => this.#tell(error),
      signal,
    });
    this.#closers.push(folder.close);
    const opened = this.#openQueue(folder);
    this.#open = opened;
    // With `once` there may be nothing to do; a watcher is to say at its start what is wrong.
    if (!once) this.#openDenoiser().catch(() => {});
    // Events first, so that nothing falls between the walk and them.
    if (!once) {
      this.#closers.unshift(async () => (await this.#listening)?.());
      await this.#setListening(opened, true);
    }
    signal.throwIfAborted();
    const { known, paths } = await this.#scan(opened, '');
    await folder.forgetWhatIsGone(paths);
    if (!once || opened.queue.waiting() > 0) await this.#openDenoiser();
    signal.throwIfAborted();
    if (!once) {
      const timer = setInterval(() => this.#rescan(opened), rescan);
      this.#closers.unshift(async () => clearInterval(timer));
    }
    this.emit('ready', { waiting: opened.queue.waiting(), known });
    this.#isReady = true;
    if (this.#isClosing) return;
    opened.queue.start();
    this.#listenWhileFewWait(opened);
  }

  #openQueue({ folders, ledger, outputs, checkLocks }: OpenFolder): Opened {
    const options = this.#options;
    const context: JobContext = {
      folders,
      options,
      optionsHash: optionsHash(options),
      ledger,
      outputs,
      openDenoiser: () => this.#openDenoiser(),
      checkLocks,
      stopping: this.#stopping.signal,
      onTaken: (path) => this.emit('taken', { input: join(options.input, path) }),
      onProblem: (error, path, retryInMs) => this.#tell(error, path, retryInMs),
    };
    const queue = createPictureQueue(folders.input, options, {
      work: (candidate, tries, signal) => {
        this.#isIdle = false;
        return workOnPicture(candidate, tries, signal, context);
      },
      onOutcome: (path, outcome) => this.#conclude(path, outcome),
      onError: (error) => this.#fail(error),
      onRest: () => this.#endIfOver(),
    });
    return { context, queue };
  }

  #listener(opened: Opened) {
    return {
      onPath: (path: string) => {
        this.#look(opened, path).catch((error: unknown) => this.#fail(error));
      },
      // Files that were made between chokidar's look into a new folder and its watching it are not told (#1471).
      onFolder: (path: string) => {
        setTimeout(() => this.#rescan(opened, path), this.#options.settle).unref();
      },
      onError: (error: unknown) => this.#fail(error),
    };
  }

  async #setListening({ context, queue }: Opened, isListening: boolean): Promise<void> {
    this.#isListening = isListening;
    this.#listening = this.#listening.then(async (stop) => {
      await stop?.();
      if (!isListening) return undefined;
      return listenToFolder(context.folders.input, this.#options.poll, this.#listener({ context, queue }));
    });
    await this.#listening;
  }

  /** After a picture came or went. */
  #turn(opened: Opened): void {
    opened.queue.turn();
    this.#listenWhileFewWait(opened);
  }

  #listenWhileFewWait(opened: Opened): void {
    if (this.#options.once || this.#isClosing || this.#stopping.signal.aborted) return;
    const waiting = opened.queue.waiting();
    const isListening = waiting <= (this.#isListening ? WAITING.most : WAITING.few);
    if (isListening === this.#isListening) return;
    this.#setListening(opened, isListening).then(
      () => isListening && this.#rescan(opened),
      (error: unknown) => this.#fail(error),
    );
  }

  #openDenoiser(): Promise<Denoiser> {
    this.#denoiser ??= this.#openOwnDenoiser();
    return this.#denoiser;
  }

  async #openOwnDenoiser(): Promise<Denoiser> {
    const { denoiser: given, opening, noise } = this.#options;
    const denoiser = given ?? (await openDenoiser(opening));
    if (given === undefined) this.#closers.unshift(() => denoiser.close());
    checkSigma(noise.sigma, denoiser);
    return denoiser;
  }

  async #scan({ context, queue }: Opened, below: string) {
    const paths = new Set<string>();
    let known = 0;
    const onProblem = (error: unknown, folder: string) => this.#tell(error, folder);
    this.#scans++;
    try {
      for await (const { path, snapshot } of scanFolder(context.folders.input, below, onProblem)) {
        this.#stopping.signal.throwIfAborted();
        paths.add(path);
        if (snapshot === undefined) this.#skipLink(path);
        else if (isOverWith(path, snapshot, context)) known++;
        else queue.see(path, snapshot);
      }
    } finally {
      this.#scans--;
    }
    return { known, paths };
  }

  #rescan(opened: Opened, below = ''): void {
    if (this.#isClosing || this.#stopping.signal.aborted || (below === '' && this.#scans > 0)) return;
    this.#scan(opened, below).then(
      () => this.#turn(opened),
      (error: unknown) => this.#fail(error),
    );
  }

  /** An event said that something is or was here. */
  async #look(opened: Opened, path: string): Promise<void> {
    const { context, queue } = opened;
    const snapshot = await snapshotOf(join(context.folders.input, path));
    if (this.#stopping.signal.aborted) return;
    if (snapshot) queue.see(path, snapshot);
    else queue.miss(path);
    this.#turn(opened);
  }

  #skipLink(path: string): void {
    if (this.#linksTold.has(path)) return;
    this.#linksTold.add(path);
    this.#summary.skipped++;
    this.emit('skipped', {
      input: join(this.#options.input, path),
      why: 'symbolic links are not followed: they may lead out of the folder',
    });
  }

  #conclude(path: string, outcome: Outcome): void {
    if (this.#open) this.#listenWhileFewWait(this.#open);
    const input = join(this.#options.input, path);
    switch (outcome.kind) {
      case 'done': {
        const { output, report, movedTo } = outcome;
        this.#summary.done++;
        this.emit('done', { input, output, report, movedTo });
        return;
      }
      case 'failed': {
        const { error, movedTo, isFinal } = outcome;
        this.#summary.failed++;
        this.emit('failed', { input, error, movedTo, isFinal });
        return;
      }
      case 'skipped':
        this.#summary.skipped++;
        this.emit('skipped', { input, why: outcome.why });
        return;
      case 'incomplete':
      case 'known':
      case 'changed':
        return;
      default:
        outcome satisfies never;
    }
  }

  #endIfOver(): void {
    const { queue } = this.#open ?? {};
    if (queue?.isWorking()) return;
    if (this.#isClosing || this.#stopping.signal.aborted) this.#end();
    else if (queue && this.#isReady && queue.waiting() === 0 && this.#scans === 0 && !this.#isIdle) {
      this.#isIdle = true;
      this.emit('idle', { ...this.#summary });
      if (this.#options.once) this.#end();
    }
  }

  #tell(error: unknown, path?: string, retryInMs?: number): void {
    const described = error instanceof Error ? error : new Error(messageOf(error));
    const input = path === undefined ? undefined : join(this.#options.input, path);
    this.emit('problem', { error: described, input, retryInMs });
  }

  /** Ends at once: what is in work is abandoned. The first reason counts. */
  #fail(error: unknown): void {
    this.#failure ??= { error };
    this.#stopping.abort(error);
    this.#open?.queue.abandon(error);
    this.#endIfOver();
  }

  async #giveBack(): Promise<void> {
    await this.#denoiser?.catch(() => undefined);
    for (const close of this.#closers) {
      await close().catch((error: unknown) => {
        this.#failure ??= { error };
      });
    }
  }
}

/** Whether the ledger knows the file as it is, and nothing is left to do with it. */
function isOverWith(path: string, { size, mtimeMs }: Snapshot, context: JobContext): boolean {
  const known = context.ledger.get(path);
  return (
    known?.size === size &&
    known.mtimeMs === mtimeMs &&
    known.options === context.optionsHash &&
    context.options.originals === 'keep'
  );
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
