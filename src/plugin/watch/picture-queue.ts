// Decides when each picture is processed: files wait until they have settled, are taken as there is room, and are dropped
// when they change. picture-job.ts does the work.
//
// chokidar's awaitWriteFinish does not apply to files found at the start (paulmillr/chokidar #594), compares the size only,
// and keeps a timer for every file.
import { join } from 'node:path';
import { codeOf } from '../../core/errors.js';
import { isSameSnapshot, type Original, type Snapshot, snapshotOf } from './originals.js';
import { OriginalChanged, type Outcome, type Tries, type WatchContext } from './picture-job.js';

/** After this many engine failures, one picture is at fault if all were its own, else the engine. */
const ENGINE_FAILURES = 3;

interface Candidate extends Original {
  /** When this snapshot was first seen, or last put back; milliseconds of `performance.now()`. */
  readonly since: number;
  /** When this snapshot first failed to decode; undefined if it was not tried. */
  readonly incompleteSince: number | undefined;
}

export interface QueueHooks {
  /** Does the work. `signal` is aborted with an OriginalChanged, or with the reason of `abandon`. */
  readonly work: (original: Original, tries: Tries, signal: AbortSignal) => Promise<Outcome>;
  /** A picture is finished and will not wait again. */
  readonly onOutcome: (outcome: Outcome) => void;
  /** Nothing is in work; called repeatedly while that is so. */
  readonly onRest: () => void;
}

export type PictureQueue = ReturnType<typeof createPictureQueue>;

/** Ends the watcher if the work throws, or the engine fails on every picture. */
export function createPictureQueue(
  { folders, options, onError }: WatchContext,
  { work, onOutcome, onRest }: QueueHooks,
) {
  const { settle, patience, concurrency } = options;
  /** All wait equally long, so they are due in the order in which they were added, and one timer is enough. */
  const waiting = new Map<string, Candidate>();
  const working = new Map<string, { readonly snapshot: Snapshot; readonly stopping: AbortController }>();
  /** Engine failures per picture since the engine last succeeded. */
  const engineFailures = new Map<string, number>();
  let isTaking = false;
  let timer: NodeJS.Timeout | undefined;

  function wait(original: Original, incompleteSince?: number): void {
    waiting.delete(original.path);
    waiting.set(original.path, { ...original, incompleteSince, since: performance.now() });
  }

  function see(path: string, snapshot: Snapshot): void {
    const busy = working.get(path);
    if (isSameSnapshot((busy ?? waiting.get(path))?.snapshot, snapshot)) return;
    if (busy) busy.stopping.abort(new OriginalChanged());
    else wait({ path, snapshot });
  }

  function turn(): void {
    clearTimeout(timer);
    for (const candidate of waiting.values()) {
      if (!isTaking || working.size >= concurrency) break;
      const milliseconds = candidate.since + settle - performance.now();
      if (milliseconds > 0) {
        timer = setTimeout(turn, Math.ceil(milliseconds));
        break;
      }
      waiting.delete(candidate.path);
      workOn(candidate).then(turn).catch(onError);
    }
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
    const look = () => snapshotOf(join(folders.input, path));
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
    const now = performance.now();
    const isLastToDecode = now - (incompleteSince ?? now) >= patience;
    if (incompleteSince !== undefined && !isLastToDecode) return wait(candidate, incompleteSince);
    const failures = engineFailures.get(path) ?? 0;
    const tries = { isLastToDecode, isLastOfEngine: failures >= ENGINE_FAILURES - 1 };
    const outcome = await work(candidate, tries, signal);
    if (outcome === 'incomplete') return wait(candidate, incompleteSince ?? performance.now());
    onOutcome(outcome);
    if (outcome === 'nothing') return;
    if (outcome.event === 'done') engineFailures.clear();
    if (outcome.event !== 'failed' || codeOf(outcome.told.error) !== 'ENGINE_FAILED') return;
    engineFailures.set(path, failures + 1);
    if (engineFailures.size >= ENGINE_FAILURES) onError(outcome.told.error);
  }

  /** Takes no more files; those in work go on. */
  function stop(): void {
    isTaking = false;
    turn();
  }

  return {
    waiting: () => waiting.size,
    isWorking: () => working.size > 0,
    /** The file exists, with this snapshot. One that already waits keeps its place unless it has changed. */
    see,
    miss(path: string): void {
      waiting.delete(path);
      working.get(path)?.stopping.abort(new OriginalChanged());
    },
    /** Starts taking files that are due. */
    start(): void {
      isTaking = true;
      turn();
    },
    stop,
    /** Takes no more files and stops those in work. */
    abandon(reason: unknown): void {
      for (const { stopping } of working.values()) stopping.abort(reason);
      stop();
    },
    /** Call it after `see` and `miss`: takes files that are due, or reports rest. */
    turn,
  };
}
