// Writes results to the output folder: to a temporary file on the same file system, flushed, then linked to the final name.
// A link fails if the name exists, so nothing of the user's is replaced, and no incomplete picture appears.

import { createHash, randomUUID } from 'node:crypto';
import { createReadStream } from 'node:fs';
import { link, lstat, mkdir, realpath, rename, rm } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { FlowDenoiseError, messageOf } from '../../../core/errors.js';
import { syncFolder, writeFileAtomic } from '../../../core/files.js';
import { printable } from '../../../core/printable.js';
import { type Folders, isInside } from '../folders.js';
import { versionedPath } from '../names.js';
import type { Begun, Ledger } from './ledger.js';

export interface Outputs {
  /**
   * Publishes a result.
   *
   * @param picture    the input, for the ledger
   * @param mayReplace whether it may replace the result of an earlier version of the same input
   * @param check      called just before the result appears; throws to prevent it
   * @returns          the output, relative to the output folder; the ledger has it as begun
   * @throws           FlowDenoiseError WRITE_FAILED, with the system's error as its cause
   */
  publish(bytes: Uint8Array, picture: KnownInput, options: PublishOptions): Promise<Begun>;
  /** Whether a result is still there, unchanged. */
  isAsWritten(output: string, outputHash: string | undefined): Promise<boolean>;
  exists(output: string): Promise<boolean>;
}

/** What the ledger knows of an input without a result. */
type KnownInput = Omit<Begun, 'state' | 'output' | 'outputHash'>;

export interface PublishOptions {
  readonly mayReplace: boolean;
  readonly check: () => Promise<void>;
  readonly signal: AbortSignal;
}

/**
 * Opens the output folder. Removes the temporary files of a process that died, and settles what it had begun.
 *
 * @param temporary  a folder only for our temporary files, on the output folder's file system
 */
export async function openOutputs(folders: Folders, temporary: string, ledger: Ledger): Promise<Outputs> {
  await rm(temporary, { recursive: true, force: true });
  await mkdir(temporary, { recursive: true });
  const pathOf = (output: string): string => join(folders.output, output);

  async function isAsWritten(output: string, outputHash: string | undefined): Promise<boolean> {
    return outputHash !== undefined && (await hashOfFile(pathOf(output))) === outputHash;
  }
  for (const begun of ledger.unsettled()) {
    if (await isAsWritten(begun.output, begun.outputHash)) await ledger.settle({ ...begun, state: 'done' });
  }

  let turn: Promise<unknown> = Promise.resolve();
  /** One at a time, so that none of us takes a name between check and use. */
  function inTurn<T>(work: () => Promise<T>): Promise<T> {
    const result = turn.then(work);
    turn = result.catch(() => undefined);
    return result;
  }

  async function place(file: string, begun: KnownInput & { outputHash: string }, options: PublishOptions) {
    const known = ledger.get(begun.path);
    const earlier = known?.state === 'done' ? known : undefined;
    if (options.mayReplace && earlier && (await isAsWritten(earlier.output, earlier.outputHash))) {
      await options.check();
      await ledger.begin({ ...begun, output: earlier.output });
      await rename(file, pathOf(earlier.output));
      return earlier.output;
    }
    for (let version = 1; ; version++) {
      const output = versionedPath(begun.path, version);
      if (await isThere(pathOf(output))) continue;
      await options.check();
      await ledger.begin({ ...begun, output });
      if (await linkNew(file, pathOf(output))) return output;
    }
  }

  return {
    isAsWritten,
    exists: (output) => isThere(pathOf(output)),
    async publish(bytes, picture, options) {
      const folder = dirname(pathOf(picture.path));
      const outputHash = createHash('sha256').update(bytes).digest('hex');
      async function publishBy(file: string): Promise<string> {
        try {
          await writeFileAtomic(file, bytes, { signal: options.signal });
          return await inTurn(() => place(file, { ...picture, outputHash }, options));
        } finally {
          await rm(file, { force: true }).catch(() => undefined);
        }
      }
      try {
        await mkdir(folder, { recursive: true });
        // A link back to the input folder would feed results in as pictures.
        if (await isInside(await realpath(folder), folders.input)) throw new LeadsBack(folder);
        const output = await publishBy(join(temporary, randomUUID())).catch((error: unknown) => {
          // A folder below the output folder may be on another file system; then the temporary file goes there.
          if (systemCode(error) !== 'EXDEV') throw error;
          return publishBy(join(folder, `.flow-denoise-${randomUUID()}.tmp`));
        });
        await syncFolder(folder);
        return { state: 'begun', ...picture, output, outputHash };
      } catch (error) {
        throw options.signal.aborted ? options.signal.reason : describeFailure(pathOf(picture.path), error);
      }
    },
  };
}

class LeadsBack extends Error {
  readonly code = 'ELOOP';
  constructor(folder: string) {
    super(`${folder} leads back into the input folder`);
  }
}

/** The SHA-256 of a file, read in chunks; undefined if it cannot be read. */
async function hashOfFile(path: string): Promise<string | undefined> {
  const hash = createHash('sha256');
  try {
    await pipeline(createReadStream(path), hash);
    return hash.digest('hex');
  } catch {
    return undefined;
  }
}

export async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (systemCode(error) === 'ENOENT') return false;
    throw error;
  }
}

/** The system's code (ENOENT ...) of an error or of its cause. */
export function systemCode(error: unknown): string | undefined {
  if (error instanceof FlowDenoiseError) return systemCode(error.cause);
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}

/** The error codes of file systems without hard links (FAT, some network shares). */
const NO_LINKS: readonly string[] = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EINVAL'];

/** Gives a file its final name unless the name exists. @returns whether it did */
async function linkNew(file: string, path: string): Promise<boolean> {
  try {
    await link(file, path);
    return true;
  } catch (error) {
    const code = systemCode(error) ?? '';
    if (code === 'EEXIST') return false;
    if (!NO_LINKS.includes(code)) throw error;
  }
  // Not atomic, but we work one at a time; another program would have to hit these microseconds.
  if (await isThere(path)) return false;
  await rename(file, path);
  return true;
}

function describeFailure(path: string, error: unknown): unknown {
  if (error instanceof FlowDenoiseError) {
    if (error.code !== 'WRITE_FAILED') return error;
    return describeFailure(path, error.cause);
  }
  if (systemCode(error) === undefined) return error;
  return new FlowDenoiseError(
    'WRITE_FAILED',
    `${printable(path)}: could not be written (${messageOf(error)}). Expected a folder that can be written to, with space left; check both.`,
    { cause: error },
  );
}
