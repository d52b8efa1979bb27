// Keeps results on disk between runs, lists and prunes them. cacache writes atomically, verifies what it reads, and lets
// processes share a folder. Only our own entries count.

import { createHash } from 'node:crypto';
import { homedir } from 'node:os';
import { join } from 'node:path';
import findCacheDirectory from 'find-cache-directory';
import { messageOf } from '../core/errors.js';
import { sum } from '../core/metrics/index.js';
import { type CheckedNoiseOptions, isNoiseModel } from '../denoiser/noise/noise-options.js';
import type { ConvertOptions } from '../image/index.js';
import type { DenoisedBytes, PictureReport } from './encoded-picture.js';
import { packageVersion } from './package-version.js';

const NAME = 'flow-denoise';
const VERSION = packageVersion();

/** Loaded only if a cache is used: cacache and its dependencies are a sixth of all modules of a run. */
const loadCacache = async () => (await import('cacache')).default;

const KEY_START = `${NAME}:`;

/** @param folder  true: `node_modules/.cache/flow-denoise` of the project in the working folder */
export function openResultCache(folder: true | string) {
  const path = folder === true ? defaultCacheFolder() : folder;
  let hasWarned = false;
  const infoOf = async (key: string) => (await loadCacache()).get.info(path, key).catch(() => undefined);
  return {
    /** Whether there is a result; it may be damaged. */
    has: async (key: string): Promise<boolean> => Boolean(await infoOf(key)),
    /** The result; undefined if there is none or it is damaged. */
    async find(key: string): Promise<DenoisedBytes | undefined> {
      const entry = await infoOf(key);
      if (!entry) return undefined;
      const cacache = await loadCacache();
      try {
        const bytes = await cacache.get.byDigest(path, entry.integrity, { memoize: false });
        // cacache checks an entry's metadata too.
        const report: PictureReport = { ...(entry.metadata as PictureReport), isCached: true };
        return { bytes: bytes.length === 0 ? undefined : bytes, report };
      } catch {
        // Damaged or missing. cacache would not write the content again while the file exists.
        await cacache.rm.content(path, entry.integrity).catch(() => {});
        return undefined;
      }
    },
    /** Keeps a result. If the cache cannot be written, it warns once. */
    async keep(key: string, { bytes = Buffer.alloc(0), report }: DenoisedBytes): Promise<void> {
      try {
        await (await loadCacache()).put(path, key, bytes, { metadata: report });
      } catch (error) {
        const warning = `The cache ${path} cannot be written (${messageOf(error)}); results are not kept`;
        if (!hasWarned) process.emitWarning(warning, 'FlowDenoiseWarning');
        hasWarned = true;
      }
    },
  };
}

/** `node_modules/.cache/flow-denoise` of the project in the working folder; without a project, in the home folder. */
export function defaultCacheFolder(): string {
  return findCacheDirectory({ name: NAME }) ?? join(homedir(), '.cache', NAME);
}

/** A checksum over all that a result depends on, our version too; undefined for a noise model: it has functions. */
export function resultKey(
  bytes: Buffer,
  fingerprint: string,
  options: CheckedNoiseOptions,
  { format, quality }: ConvertOptions,
): string | undefined {
  if (isNoiseModel(options.noise)) return undefined;
  const keyed = Object.entries({ ...options, format, quality }).sort();
  const parts = JSON.stringify([VERSION, fingerprint, keyed]);
  const checksum = createHash('sha256').update(parts).update('\0').update(bytes).digest('hex');
  return `${KEY_START}${checksum}`;
}

export interface PruneOptions {
  /** Keeps results written since then. */
  readonly since?: Date | undefined;
  /** Keeps the newest results that fit. */
  readonly maxBytes?: number | undefined;
}

/** The newest first; empty if there is no cache. */
async function entriesOf(folder: string) {
  const all = Object.values(await (await loadCacache()).ls(folder));
  return all.filter(({ key }) => key.startsWith(KEY_START)).sort((a, b) => b.time - a.time);
}

/** How many results there are, their bytes, and when the oldest and the newest were written. */
export async function cacheContents(folder: string) {
  const entries = await entriesOf(folder);
  const [newest, oldest] = [entries[0], entries.at(-1)].map((entry) => entry && new Date(entry.time));
  return { results: entries.length, bytes: sum(entries.map(({ size }) => size)), oldest, newest };
}

/**
 * Removes results; without options, all. Returns how many, and their bytes. It is safe during a build, which computes missing
 * results again. Unlike cacache's `verify`, it does not read every byte, and leaves alone what a build is writing.
 */
export async function pruneCache(folder: string, { since, maxBytes }: PruneOptions) {
  const cacache = await loadCacache();
  const entries = await entriesOf(folder);
  const isAll = since === undefined && maxBytes === undefined;
  const [oldest, most] = [since?.getTime() ?? 0, maxBytes ?? Number.POSITIVE_INFINITY];
  /** Results with the same bytes are stored once. */
  const needed = new Set<string>();
  const removed: typeof entries = [];
  let bytes = 0;
  for (const entry of entries) {
    bytes += entry.size;
    if (!isAll && entry.time >= oldest && bytes <= most) needed.add(entry.integrity);
    else removed.push(entry);
  }
  // Its types lack the third parameter. Without it, a line stays in the index.
  const removeEntry: (...of: [string, string, { removeFully: boolean }]) => Promise<unknown> =
    cacache.rm.entry;
  for (const { key, integrity } of removed) {
    await removeEntry(folder, key, { removeFully: true });
    if (!needed.has(integrity)) await cacache.rm.content(folder, integrity);
  }
  return { results: removed.length, bytes: sum(removed.map(({ size }) => size)) };
}
