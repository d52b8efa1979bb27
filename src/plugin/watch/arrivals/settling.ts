// Files that were seen and must be left alone by others for a while before they are taken. All wait equally long, so
// the order in which they were put here is the order in which they are due: one map, no timers.
//
// chokidar's own awaitWriteFinish is not used: it does not apply to the files found at the start (paulmillr/chokidar
// #594), looks at the size alone, and keeps a timer for every file.
import { isSameSnapshot, type Snapshot } from './snapshot.js';

export interface Candidate {
  /** Relative to the watched folder. */
  readonly path: string;
  readonly snapshot: Snapshot;
  /** When this snapshot was first seen, or last put back; milliseconds of `performance.now()`. */
  readonly since: number;
  /** When this snapshot was first found not to decode; undefined where it was not tried. */
  readonly incompleteSince?: number | undefined;
}

export interface Settling {
  readonly size: () => number;
  /** A file was seen. What is already waiting unchanged goes on waiting; what has changed begins anew. */
  see(path: string, snapshot: Snapshot, now: number): void;
  /** Waits once more with the same snapshot, which does not decode yet. */
  putBack(candidate: Candidate, now: number): void;
  forget(path: string): void;
  /** Takes out the first that has waited long enough. */
  takeDue(now: number): Candidate | undefined;
  /** Milliseconds until the next is due, 0 for now; undefined where none waits. */
  dueIn(now: number): number | undefined;
}

/** @param settleMs  how long a file must be as it is */
export function createSettling(settleMs: number): Settling {
  const waiting = new Map<string, Candidate>();
  function first(): Candidate | undefined {
    return waiting.values().next().value;
  }
  function dueIn(now: number): number | undefined {
    const next = first();
    return next && Math.max(0, next.since + settleMs - now);
  }
  return {
    size: () => waiting.size,
    see(path, snapshot, now) {
      if (isSameSnapshot(waiting.get(path)?.snapshot, snapshot)) return;
      waiting.delete(path);
      waiting.set(path, { path, snapshot, since: now });
    },
    putBack(candidate, now) {
      if (!waiting.has(candidate.path)) waiting.set(candidate.path, { ...candidate, since: now });
    },
    forget: (path) => waiting.delete(path),
    takeDue(now) {
      const next = dueIn(now) === 0 ? first() : undefined;
      if (next) waiting.delete(next.path);
      return next;
    },
    dueIn,
  };
}
