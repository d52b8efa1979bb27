// Lists and prunes a cache of results. It counts and removes only our own entries.

import cacache from 'cacache';
import { sum } from '../core/metrics/index.js';
import { KEY_START } from './result-cache.js';

interface CacheContents {
  readonly results: number;
  readonly bytes: number;
  /** When the oldest and the newest entry were written; undefined in an empty cache. */
  readonly oldest: Date | undefined;
  readonly newest: Date | undefined;
}

export interface PruneOptions {
  /** Keeps results written since then. */
  readonly since?: Date | undefined;
  /** Keeps the newest results that fit. */
  readonly maxBytes?: number | undefined;
}

interface Pruned {
  readonly results: number;
  readonly bytes: number;
}

interface Entry {
  readonly key: string;
  readonly integrity: string;
  readonly size: number;
  readonly time: number;
}

/** The newest first; empty if there is no cache. */
async function entriesOf(folder: string): Promise<readonly Entry[]> {
  const all: readonly Entry[] = Object.values(await cacache.ls(folder));
  return all.filter(({ key }) => key.startsWith(KEY_START)).sort((a, b) => b.time - a.time);
}

export async function cacheContents(folder: string): Promise<CacheContents> {
  const entries = await entriesOf(folder);
  const [newest, oldest] = [entries[0], entries.at(-1)].map((entry) => entry && new Date(entry.time));
  return { results: entries.length, bytes: bytesOf(entries), oldest, newest };
}

/**
 * Removes results; without options, all. It is safe during a build, which computes missing results again. Unlike cacache's
 * `verify`, it does not read every byte, and leaves alone what a build is writing.
 */
export async function pruneCache(folder: string, { since, maxBytes }: PruneOptions): Promise<Pruned> {
  const entries = await entriesOf(folder);
  const isAll = since === undefined && maxBytes === undefined;
  const [oldest, most] = [since?.getTime() ?? 0, maxBytes ?? Number.POSITIVE_INFINITY];
  let bytes = 0;
  const isKept = ({ size, time }: Entry): boolean => {
    bytes += size;
    return !isAll && time >= oldest && bytes <= most;
  };
  const [kept, removed]: [Entry[], Entry[]] = [[], []];
  for (const entry of entries) (isKept(entry) ? kept : removed).push(entry);
  // Results with the same bytes are stored once.
  const needed = new Set(kept.map(({ integrity }) => integrity));
  for (const { key, integrity } of removed) {
    await removeEntry(folder, key, { removeFully: true });
    if (!needed.has(integrity)) await cacache.rm.content(folder, integrity);
  }
  return { results: removed.length, bytes: bytesOf(removed) };
}

/** Its types lack the third parameter. Without it, a line stays in the index. */
const removeEntry: (
  folder: string,
  key: string,
  options: { readonly removeFully: boolean },
) => Promise<unknown> = cacache.rm.entry;

function bytesOf(entries: readonly Entry[]): number {
  return sum(entries.map(({ size }) => size));
}
