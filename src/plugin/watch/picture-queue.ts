// Which picture is worked on, and when: files wait until they are settled, are taken as far as there is room, and are
// let go of when they change. What the work is, and what its outcome means to others, is not known here.
import { join } from 'node:path';
import { type Candidate, createSettling } from './arrivals/settling.js';
import { isSameSnapshot, type Snapshot, snapshotOf } from './arrivals/snapshot.js';
import type { CheckedWatchOptions } from './options.js';
import { OriginalChanged, type Outcome, type Tries } from './picture-job.js';

/** So many failures of the engine are the picture's fault where it is one picture, the engine's where it is several. */
const ENGINE_FAILURES = 3;

export interface QueueHooks {
  /** Does the work; `signal` is aborted with an OriginalChanged, or with the reason of `abandon`. */
  readonly work: (candidate: Candidate, tries: Tries, signal: AbortSignal) => Promise<Outcome>;
  /** A picture's work is over, and it does not wait again. */
  readonly onOutcome: (path: string, outcome: Outcome) => void;
  /** The work threw, or the engine fails on whatever it is given. */
  readonly onError: (error: unknown) => void;
  /** Nothing is in work; called again and again while that is so. */
  readonly onRest: () => void;
}

export interface PictureQueue {
  readonly waiting: () => number;
  readonly isWorking: () => boolean;
  /** The file is there, as it is. */
  see(path: string, snapshot: Snapshot): void;
  /** The file is not there any more. */
  miss(path: string): void;
  /** Takes what is due, from now on. */
  start(): void;
  /** Takes no more; what is in work goes on. */
  stop(): void;
  /** Takes no more, and stops what is in work. */
  abandon(reason: unknown): void;
  /** Looks whether something is due, or nothing is to be done: after seeing. */
  turn(): void;
}

/** @param root  the folder that paths are relative to */
export function createPictureQueue(
  root: string,
  { settle, patience, concurrency }: Pick<CheckedWatchOptions, 'settle' | 'patience' | 'concurrency'>,
  { work, onOutcome, onError, onRest }: QueueHooks,
): PictureQueue {
  const settling = createSettling(settle);
  const working = new Map<string, { readonly snapshot: Snapshot; readonly stopping: AbortController }>();
  /** Failures of the engine for each picture, since it last did one. */
  const engineFailures = new Map<string, number>();
  let isTaking = false;
  let timer: NodeJS.Timeout | undefined;

  function see(path: string, snapshot: Snapshot): void {
    const busy = working.get(path);
    if (busy === undefined) settling.see(path, snapshot, performance.now());
    else if (!isSameSnapshot(busy.snapshot, snapshot)) busy.stopping.abort(new OriginalChanged());
  }

  function turn(): void {
    clearTimeout(timer);
    while (isTaking && working.size < concurrency) {
      const candidate = settling.takeDue(performance.now());
      if (candidate === undefined) break;
      workOn(candidate).then(turn).catch(onError);
    }
    const wait = working.size < concurrency ? settling.dueIn(performance.now()) : undefined;
    // One timer, however many wait.
    if (isTaking && wait !== undefined) timer = setTimeout(turn, Math.ceil(wait));
    if (working.size > 0) return;
    try {
      onRest();
    } catch (error) {
      onError(error);
    }
  }

  async function workOn(candidate: Candidate): Promise<void> {
    const { path, snapshot } = candidate;
    const stopping = new AbortController();
    working.set(path, { snapshot, stopping });
    const look = () => snapshotOf(join(root, path));
    try {
      if (isSameSnapshot(await look(), snapshot)) await workOnUnchanged(candidate, stopping.signal);
    } finally {
      const now = await look();
      working.delete(path);
      // What happened to the file meanwhile was told to the work, not to those who wait.
      if (now && !isSameSnapshot(now, snapshot)) see(path, now);
    }
  }

  async function workOnUnchanged(candidate: Candidate, signal: AbortSignal): Promise<void> {
    const { path, incompleteSince } = candidate;
    const waited = incompleteSince === undefined ? 0 : performance.now() - incompleteSince;
    const isLastToDecode = waited >= patience;
    if (incompleteSince !== undefined && !isLastToDecode) {
      settling.putBack(candidate, performance.now());
      return;
    }
    const failures = engineFailures.get(path) ?? 0;
    const tries = { isLastToDecode, isLastOfEngine: failures >= ENGINE_FAILURES - 1 };
    const outcome = await work(candidate, tries, signal);
    if (outcome.kind === 'incomplete') {
      const now = performance.now();
      settling.putBack({ ...candidate, incompleteSince: incompleteSince ?? now }, now);
      return;
    }
    onOutcome(path, outcome);
    if (outcome.kind === 'done') engineFailures.clear();
    if (outcome.kind !== 'failed' || !outcome.isEngineFault) return;
    engineFailures.set(path, failures + 1);
    if (engineFailures.size >= ENGINE_FAILURES) onError(outcome.error);
  }

  function stop(): void {
    isTaking = false;
    turn();
  }

  return {
    waiting: settling.size,
    isWorking: () => working.size > 0,
    see,
    miss(path) {
      settling.forget(path);
      working.get(path)?.stopping.abort(new OriginalChanged());
    },
    start() {
      isTaking = true;
      turn();
    },
    stop,
    abandon(reason) {
      for (const { stopping } of working.values()) stopping.abort(reason);
      stop();
    },
    turn,
  };
}
