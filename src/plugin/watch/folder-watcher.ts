// The watcher of one folder: owns what was opened for it, chokidar and the pictures in work, and gives all of it back.
// Events only say where to look; what is there decides. What happens to one picture is picture-job.ts's.
import { EventEmitter } from 'node:events';
import { join } from 'node:path';
import { FlowDenoiseError, messageOf } from '../../core/errors.js';
import { refuseSigma } from '../../denoiser/check-sigma.js';
import type { Denoiser } from '../../denoiser/denoiser.js';
import { openDenoiser } from '../../denoiser/open-denoiser.js';
import type { WatchEvents, WatchSummary } from './events.js';
import { listenToFolder } from './folder-events.js';
import { openFolder } from './open-folder.js';
import { type CheckedWatchOptions, denoiserOptionsOf, optionsHash } from './options.js';
import { type JobContext, OriginalChanged, type Outcome, workOnPicture } from './picture-job.js';
import { scanFolder } from './scan.js';
import { type Candidate, createSettling } from './settling.js';
import { isSameSnapshot, type Snapshot, snapshotOf } from './snapshot.js';

/** So many failures of the engine are the picture's fault where it is one picture, the engine's where it is several. */
const ENGINE_FAILURES = 3;

interface InWork {
  readonly candidate: Candidate;
  readonly stopping: AbortController;
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
  readonly #settling;
  readonly #inWork = new Map<string, InWork>();
  readonly #linksTold = new Set<string>();
  /** In the order to be undone. */
  readonly #closers: (() => Promise<void>)[] = [];
  readonly #summary = { done: 0, failed: 0, skipped: 0 };
  #context: JobContext | undefined;
  #denoiser: Promise<Denoiser> | undefined;
  /** Failures of the engine for each picture, since it last did one. */
  readonly #engineFailures = new Map<string, number>();
  #scans = 0;
  #isReady = false;
  #isIdle = false;
  #isClosing = false;
  #timer: NodeJS.Timeout | undefined;
  #failure: { readonly error: unknown } | undefined;
  #end: () => void = () => {};

  /** Use `watchFolder`. */
  constructor(options: CheckedWatchOptions) {
    super();
    this.#options = options;
    this.#settling = createSettling(options.settle);
    const { signal } = options;
    const onAbort = () => this.#fail(signal?.reason);
    signal?.addEventListener('abort', onAbort, { once: true });
    this.finished = this.#run().finally(() => signal?.removeEventListener('abort', onAbort));
  }

  /** Takes no more pictures, finishes those in work, and ends. */
  close(): Promise<WatchSummary> {
    this.#isClosing = true;
    this.#endIfOver();
    return this.finished;
  }

  async #run(): Promise<WatchSummary> {
    const over = new Promise<void>((resolve) => {
      this.#end = resolve;
    });
    try {
      this.#options.signal?.throwIfAborted();
      const known = await this.#open();
      this.emit('ready', { waiting: this.#settling.size(), known });
      this.#isReady = true;
      this.#pump();
      await over;
    } catch (error) {
      this.#fail(error);
    }
    await this.#giveBack();
    if (this.#failure) throw this.#failure.error;
    return { ...this.#summary };
  }

  /**
   * Everything from the folders to 'ready'.
   *
   * @returns  how many pictures are over with already
   */
  async #open(): Promise<number> {
    const { input, once, rescan, poll } = this.#options;
    const { signal } = this.#stopping;
    const folder = await openFolder(this.#options, {
      onLost: (error) => this.#fail(error),
      onProblem: (error) => this.#tell(error),
      signal,
    });
    const { folders, ledger, outputs, checkLocks } = folder;
    this.#closers.push(folder.close);
    this.#context = {
      folders,
      options: this.#options,
      optionsHash: optionsHash(this.#options),
      ledger,
      outputs,
      openDenoiser: () => this.#openDenoiser(),
      checkLocks,
      stopping: signal,
      onTaken: (path) => this.emit('taken', { input: join(input, path) }),
      onProblem: (error, path, retryInMs) => this.#tell(error, path, retryInMs),
    };
    // With `once` there may be nothing to do; a watcher is to say at its start what is wrong.
    if (!once) this.#openDenoiser().catch(() => {});
    // Events first, so that nothing falls between the walk and them.
    if (!once) this.#closers.unshift(await listenToFolder(folders.input, poll, this.#listener()));
    signal.throwIfAborted();
    const { known, paths } = await this.#scan('');
    await folder.forgetWhatIsGone(paths);
    if (!once || this.#settling.size() > 0) await this.#openDenoiser();
    signal.throwIfAborted();
    if (!once) {
      const timer = setInterval(() => this.#rescan(), rescan);
      this.#closers.unshift(async () => clearInterval(timer));
    }
    return known;
  }

  #listener() {
    return {
      onPath: (path: string) => {
        this.#look(path).catch((error: unknown) => this.#fail(error));
      },
      // Files that were made between chokidar's look into a new folder and its watching it are not told (#1471).
      onFolder: (path: string) => {
        setTimeout(() => this.#rescan(path), this.#options.settle).unref();
      },
      onError: (error: unknown) => this.#fail(error),
    };
  }

  #openDenoiser(): Promise<Denoiser> {
    this.#denoiser ??= this.#openOwnDenoiser();
    return this.#denoiser;
  }

  async #openOwnDenoiser(): Promise<Denoiser> {
    const { denoiser: given, sigma } = this.#options;
    const denoiser = given ?? (await openDenoiser(denoiserOptionsOf(this.#options)));
    if (given === undefined) this.#closers.unshift(() => denoiser.close());
    refuseSigma(sigma, denoiser);
    return denoiser;
  }

  async #scan(below: string): Promise<{ known: number; paths: ReadonlySet<string> }> {
    const { folders } = this.#context ?? {};
    const paths = new Set<string>();
    let known = 0;
    if (folders === undefined) return { known, paths };
    this.#scans++;
    try {
      for await (const { path, snapshot } of scanFolder(folders.input, below, (error, folder) =>
        this.#tell(error, folder),
      )) {
        this.#stopping.signal.throwIfAborted();
        paths.add(path);
        if (this.#isKnown(path, snapshot)) known++;
        else this.#see(path, snapshot);
      }
    } finally {
      this.#scans--;
    }
    return { known, paths };
  }

  #rescan(below = ''): void {
    if (this.#isClosing || this.#stopping.signal.aborted || (below === '' && this.#scans > 0)) return;
    this.#scan(below).then(
      () => this.#pump(),
      (error: unknown) => this.#fail(error),
    );
  }

  /** Whether the ledger knows the file as it is, and nothing is left to do with it. */
  #isKnown(path: string, snapshot: Snapshot | undefined): boolean {
    const known = this.#context?.ledger.get(path);
    return (
      known !== undefined &&
      known.size === snapshot?.size &&
      known.mtimeMs === snapshot.mtimeMs &&
      known.options === this.#context?.optionsHash &&
      this.#options.originals === 'keep'
    );
  }

  /** An event said that something is or was here. */
  async #look(path: string): Promise<void> {
    const { folders } = this.#context ?? {};
    if (folders === undefined || this.#stopping.signal.aborted) return;
    const snapshot = await snapshotOf(join(folders.input, path));
    if (snapshot) {
      this.#see(path, snapshot);
    } else {
      this.#settling.forget(path);
      this.#inWork.get(path)?.stopping.abort(new OriginalChanged());
    }
    this.#pump();
  }

  #see(path: string, snapshot: Snapshot | undefined): void {
    if (snapshot === undefined) {
      this.#skipLink(path);
      return;
    }
    const working = this.#inWork.get(path);
    if (working === undefined) this.#settling.see(path, snapshot, performance.now());
    else if (!isSameSnapshot(working.candidate.snapshot, snapshot))
      working.stopping.abort(new OriginalChanged());
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

  /** Takes what is due while there is room, and sets the one timer for what is due next. */
  #pump(): void {
    clearTimeout(this.#timer);
    if (this.#isOpen() && this.#context) this.#takeDue(this.#context);
    this.#endIfOver();
  }

  #isOpen(): boolean {
    return this.#isReady && !this.#isClosing && !this.#stopping.signal.aborted;
  }

  #takeDue(context: JobContext): void {
    while (this.#inWork.size < this.#options.concurrency) {
      const candidate = this.#settling.takeDue(performance.now());
      if (candidate === undefined) break;
      this.#work(candidate, context).catch((error: unknown) => this.#fail(error));
    }
    if (this.#inWork.size < this.#options.concurrency) {
      const wait = this.#settling.dueIn(performance.now());
      if (wait !== undefined) this.#timer = setTimeout(() => this.#pump(), Math.ceil(wait));
    }
  }

  async #work(candidate: Candidate, context: JobContext): Promise<void> {
    const { path, snapshot } = candidate;
    const working = { candidate, stopping: new AbortController() };
    this.#inWork.set(path, working);
    const look = () => snapshotOf(join(context.folders.input, path));
    try {
      const signal = AbortSignal.any([working.stopping.signal, context.stopping]);
      if (isSameSnapshot(await look(), snapshot)) await this.#workOnUnchanged(candidate, signal, context);
    } finally {
      const now = await look();
      this.#inWork.delete(path);
      // What happened to the file meanwhile was told to the work, not to those who wait.
      if (now && !isSameSnapshot(now, snapshot)) this.#see(path, now);
    }
    this.#pump();
  }

  async #workOnUnchanged(candidate: Candidate, signal: AbortSignal, context: JobContext): Promise<void> {
    const { incompleteSince } = candidate;
    const waited = incompleteSince === undefined ? 0 : performance.now() - incompleteSince;
    const isLastToDecode = waited >= this.#options.patience;
    if (incompleteSince !== undefined && !isLastToDecode) {
      this.#settling.putBack(candidate, performance.now());
      return;
    }
    this.#isIdle = false;
    const tries = { isLastToDecode, isLastOfEngine: this.#failuresOf(candidate) >= ENGINE_FAILURES - 1 };
    this.#conclude(candidate, await workOnPicture(candidate, tries, signal, context));
  }

  #failuresOf({ path }: Candidate): number {
    return this.#engineFailures.get(path) ?? 0;
  }

  #conclude(candidate: Candidate, outcome: Outcome): void {
    const input = join(this.#options.input, candidate.path);
    switch (outcome.kind) {
      case 'done': {
        const { output, report, movedTo } = outcome;
        this.#summary.done++;
        this.#engineFailures.clear();
        this.emit('done', { input, output, report, movedTo });
        return;
      }
      case 'failed': {
        const { error, movedTo, isFinal } = outcome;
        this.#summary.failed++;
        this.emit('failed', { input, error, movedTo, isFinal });
        if (!(error instanceof FlowDenoiseError && error.code === 'ENGINE_FAILED')) return;
        this.#engineFailures.set(candidate.path, this.#failuresOf(candidate) + 1);
        if (this.#engineFailures.size >= ENGINE_FAILURES) this.#fail(error);
        return;
      }
      case 'skipped':
        this.#summary.skipped++;
        this.emit('skipped', { input, why: outcome.why });
        return;
      case 'incomplete': {
        const now = performance.now();
        this.#settling.putBack({ ...candidate, incompleteSince: candidate.incompleteSince ?? now }, now);
        return;
      }
      case 'known':
      case 'changed':
        return;
      default:
        outcome satisfies never;
    }
  }

  #endIfOver(): void {
    if (this.#inWork.size > 0) return;
    if (this.#isClosing || this.#stopping.signal.aborted) this.#end();
    if (!this.#isOpen() || this.#settling.size() > 0 || this.#scans > 0 || this.#isIdle) return;
    this.#isIdle = true;
    this.emit('idle', { ...this.#summary });
    if (this.#options.once) this.#end();
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
    this.#endIfOver();
  }

  async #giveBack(): Promise<void> {
    clearTimeout(this.#timer);
    await this.#denoiser?.catch(() => undefined);
    for (const close of this.#closers) {
      await close().catch((error: unknown) => {
        this.#failure ??= { error };
      });
    }
  }
}
