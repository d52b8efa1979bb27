// Files that must stay unchanged for a while before they are taken. All wait equally long, so they are due in the order in
// which they were added: one map, no timers.
//
// chokidar's awaitWriteFinish does not apply to files found at the start (paulmillr/chokidar #594), compares the size only,
// and keeps a timer for every file.
import { isSameSnapshot, type Snapshot } from './snapshot.js';

export interface Candidate {
  /** Relative to the watched folder. */
  readonly path: string;
  readonly snapshot: Snapshot;
  /** When this snapshot was first seen, or last put back; milliseconds of `performance.now()`. */
  readonly since: number;
  /** When this snapshot first failed to decode; undefined if it was not tried. */
  readonly incompleteSince?: number | undefined;
}

export interface Settling {
  readonly size: () => number;
  /** Adds a file. A file already waiting keeps its place unless it has changed. */
  see(path: string, snapshot: Snapshot, now: number): void;
  /** Lets a file that does not decode wait again, with the same snapshot. */
  putBack(candidate: Candidate, now: number): void;
  forget(path: string): void;
  /** Removes and returns the first file that has waited long enough. */
  takeDue(now: number): Candidate | undefined;
  /** Milliseconds until the next is due, 0 for now; undefined if none waits. */
  dueIn(now: number): number | undefined;
}

/** @param settleMs  how long a file must stay unchanged */
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
