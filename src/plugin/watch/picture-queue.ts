// Decides when each picture is processed: files wait until they have settled, are taken as there is room, and are dropped
// when they change. picture-job.ts does the work.
import { join } from 'node:path';
import { type Candidate, createSettling } from './arrivals/settling.js';
import { isSameSnapshot, type Snapshot, snapshotOf } from './arrivals/snapshot.js';
import type { CheckedWatchOptions } from './options.js';
import { OriginalChanged, type Outcome, type Tries } from './picture-job.js';

/** After this many engine failures, one picture is at fault if all were its own, else the engine. */
const ENGINE_FAILURES = 3;

export interface QueueHooks {
  /** Does the work. `signal` is aborted with an OriginalChanged, or with the reason of `abandon`. */
  readonly work: (candidate: Candidate, tries: Tries, signal: AbortSignal) => Promise<Outcome>;
  /** A picture is finished and will not wait again. */
  readonly onOutcome: (path: string, outcome: Outcome) => void;
  /** The work threw, or the engine fails on every picture. */
  readonly onError: (error: unknown) => void;
  /** Nothing is in work; called repeatedly while that is so. */
  readonly onRest: () => void;
}

export interface PictureQueue {
  readonly waiting: () => number;
  readonly isWorking: () => boolean;
  /** The file exists, with this snapshot. */
  see(path: string, snapshot: Snapshot): void;
  miss(path: string): void;
  /** Starts taking files that are due. */
  start(): void;
  /** Takes no more files; those in work go on. */
  stop(): void;
  /** Takes no more files and stops those in work. */
  abandon(reason: unknown): void;
  /** Call it after `see` and `miss`: takes files that are due, or reports rest. */
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
  /** Engine failures per picture since the engine last succeeded. */
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
    // One timer for all files.
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
      // While it was in work, changes were not recorded here.
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
