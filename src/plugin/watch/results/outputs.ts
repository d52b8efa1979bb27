// Results on their way to the output folder: written and flushed in a folder of ours on the same file system, then
// linked to their final name, which fails where something has that name. So nothing of the user's is replaced, and no
// part of a picture is ever seen under a picture's name.

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
   * @param picture    what the ledger is to know of the input
   * @param mayReplace whether the result of an earlier version of the same input may be replaced by this one
   * @param check      called last before the result becomes visible; throws to prevent it
   * @returns          the output, relative to the output folder; already in the ledger as begun
   * @throws           FlowDenoiseError WRITE_FAILED, with the system's error as its cause
   */
  publish(bytes: Uint8Array, picture: KnownInput, options: PublishOptions): Promise<Begun>;
  /** Whether a result lies there as it was written. */
  isAsWritten(output: string, outputHash: string | undefined): Promise<boolean>;
  exists(output: string): Promise<boolean>;
}

/** What the ledger knows of an input before it has a result. */
type KnownInput = Omit<Begun, 'state' | 'output' | 'outputHash'>;

export interface PublishOptions {
  readonly mayReplace: boolean;
  readonly check: () => Promise<void>;
  readonly signal: AbortSignal;
}

/**
 * Opens the output folder: what a process that died left under temporary names goes, and what it had published without
 * saying so is settled.
 *
 * @param temporary  a folder for temporary files, ours alone, on the file system of the output folder
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
  /** One at a time: between the look at a name and its taking there is none of us. */
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
        // A link in the output folder that leads back would feed results in as pictures.
        if (await isInside(await realpath(folder), folders.input)) throw new LeadsBack(folder);
        const output = await publishBy(join(temporary, randomUUID())).catch((error: unknown) => {
          // A folder below the output folder may be another file system; then the temporary name is in it.
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

/** The SHA-256 of a file, read piece by piece; undefined where it cannot be read. */
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

/** The system's code (ENOENT ...) of an error, or of what it was caused by. */
export function systemCode(error: unknown): string | undefined {
  if (error instanceof FlowDenoiseError) return systemCode(error.cause);
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}

/** What file systems without hard links answer (FAT, some network shares). */
const NO_LINKS: readonly string[] = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EINVAL'];

/** Gives a file its final name unless something has it. @returns whether it did */
async function linkNew(file: string, path: string): Promise<boolean> {
  try {
    await link(file, path);
    return true;
  } catch (error) {
    const code = systemCode(error) ?? '';
    if (code === 'EEXIST') return false;
    if (!NO_LINKS.includes(code)) throw error;
  }
  // Nobody of us is between these two; another program would have to be within microseconds.
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
