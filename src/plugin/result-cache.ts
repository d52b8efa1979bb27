// Keeps results on disk between runs. cacache writes atomically, verifies what it reads, and lets processes share a folder.

import { createHash } from 'node:crypto';
import { homedir } from 'node:os';
import { join } from 'node:path';
import findCacheDirectory from 'find-cache-directory';
import { messageOf } from '../core/errors.js';
import { type CheckedNoiseOptions, isNoiseModel } from '../denoiser/noise/noise-options.js';
import type { ConvertOptions } from '../image/index.js';
import type { DenoisedBytes, PictureReport } from './encoded-picture.js';
import { packageVersion } from './package-version.js';

const NAME = 'flow-denoise';

/** Loaded only if a cache is used: cacache and its dependencies are a sixth of all modules of a run. */
const loadCacache = async () => (await import('cacache')).default;

export const KEY_START = `${NAME}:`;

interface ResultCache {
  /** Whether there is a result; it may be damaged. */
  readonly has: (key: string) => Promise<boolean>;
  /** The result; undefined if there is none or it is damaged. */
  readonly find: (key: string) => Promise<DenoisedBytes | undefined>;
  /** Keeps a result. If the cache cannot be written, it warns once. */
  readonly keep: (key: string, result: DenoisedBytes) => Promise<void>;
}

/** @param folder  true: `node_modules/.cache/flow-denoise` of the project in the working folder */
export function openResultCache(folder: true | string): ResultCache {
  const path = folder === true ? defaultCacheFolder() : folder;
  let hasWarned = false;
  return {
    has: async (key) => Boolean(await (await loadCacache()).get.info(path, key).catch(() => undefined)),
    async find(key) {
      const cacache = await loadCacache();
      const entry = await cacache.get.info(path, key).catch(() => undefined);
      if (!entry) return undefined;
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
    async keep(key, { bytes = Buffer.alloc(0), report }) {
      try {
        const cacache = await loadCacache();
        await cacache.put(path, key, bytes, { metadata: report });
      } catch (error) {
        if (!hasWarned)
          process.emitWarning(
            `The cache ${path} cannot be written (${messageOf(error)}); results are not kept`,
            'FlowDenoiseWarning',
          );
        hasWarned = true;
      }
    },
  };
}

/** `node_modules/.cache/flow-denoise` of the project in the working folder; without a project, in the home folder. */
export function defaultCacheFolder(): string {
  return findCacheDirectory({ name: NAME }) ?? join(homedir(), '.cache', NAME);
}

/**
 * A result's key: a checksum over everything that it depends on, including this package's version.
 *
 * @param fingerprint  the denoiser's
 * @returns            undefined for a custom noise model, whose functions cannot be compared
 */
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

const VERSION = packageVersion();
