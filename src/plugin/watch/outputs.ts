// Writes results to the output folder: to a temporary file on the same file system, flushed, then linked to the final name.
// A link fails if the name exists, so nothing of the user's is replaced, and no incomplete picture appears.
import { hash, randomUUID } from 'node:crypto';
import { link, lstat, mkdir, realpath, rename, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { codeOf, FlowDenoiseError } from '../../core/errors.js';
import { hashOfFile, syncFolder, writeFailed } from '../../core/files.js';
import { printable } from '../../core/printable.js';
import { type Folders, isInside, STATE_FOLDER } from './folders.js';
import type { Begun, Ledger } from './ledger.js';
import { versionedPath } from './names.js';

/** What the ledger knows of an input without a result. */
type KnownInput = Omit<Begun, 'state' | 'output' | 'outputHash'>;

export interface PublishOptions {
  /** Whether it may replace the result of an earlier version of the same input. */
  readonly mayReplace: boolean;
  /** Called just before the result appears; throws to prevent it. */
  readonly check: () => Promise<void>;
  readonly signal: AbortSignal;
}

export type Outputs = Awaited<ReturnType<typeof openOutputs>>;

/** Opens the output folder. Removes the temporary files of a process that died, and settles what it had begun. */
export async function openOutputs(folders: Folders, ledger: Ledger) {
  const temporary = join(folders.output, STATE_FOLDER, 'temporary');
  await rm(temporary, { recursive: true, force: true });
  const pathOf = (output: string): string => join(folders.output, output);
  const exists = (output: string): Promise<boolean> => isThere(pathOf(output));

  async function isAsWritten(output: string, outputHash: string | undefined): Promise<boolean> {
    if (outputHash === undefined) return false;
    const file = await hashOfFile(pathOf(output)).catch(() => undefined);
    return file?.hash === outputHash;
  }
  for (const begun of ledger.unsettled()) {
    if (await isAsWritten(begun.output, begun.outputHash)) await ledger.settle({ ...begun, state: 'done' });
  }

  /** Gives a file its final name. */
  async function place(file: string, begun: Omit<Begun, 'state' | 'output'>, options: PublishOptions) {
    const { mayReplace, check } = options;
    const known = ledger.get(begun.path);
    const earlier = mayReplace && known?.state === 'done' ? known : undefined;
    if (earlier && (await isAsWritten(earlier.output, earlier.outputHash))) {
      await check();
      await ledger.begin({ ...begun, output: earlier.output });
      await rename(file, pathOf(earlier.output));
      return earlier.output;
    }
    for (let version = 1; ; version++) {
      const output = versionedPath(begun.path, version);
      if (await exists(output)) continue;
      await check();
      await ledger.begin({ ...begun, output });
      if (await linkNew(file, pathOf(output))) return output;
    }
  }

  let turn: Promise<unknown> = Promise.resolve();

  return {
    exists,

    /** Returns what the ledger has as begun. @throws FlowDenoiseError WRITE_FAILED, with the system's error as its cause */
    async publish(bytes: Uint8Array, picture: KnownInput, options: PublishOptions): Promise<Begun> {
      const { signal } = options;
      const folder = dirname(pathOf(picture.path));
      const outputHash = hash('sha256', bytes);
      async function publishBy(file: string): Promise<string> {
        try {
          await mkdir(dirname(file), { recursive: true });
          await writeFile(file, bytes, { flag: 'wx', flush: true, signal });
          // One at a time, so that none of us takes a name between check and use.
          const placed = turn.then(() => place(file, { ...picture, outputHash }, options));
          turn = placed.catch(() => undefined);
          return await placed;
        } finally {
          await rm(file, { force: true }).catch(() => undefined);
        }
      }
      try {
        await mkdir(folder, { recursive: true });
        if (await isInside(await realpath(folder), folders.input)) {
          // Results would be taken as new pictures.
          const message = `${folder} leads back into the input folder`;
          throw Object.assign(new Error(message), { code: 'ELOOP' });
        }
        const output = await publishBy(join(temporary, randomUUID())).catch((error: unknown) => {
          // A folder below the output folder may be on another file system; then the temporary file goes there.
          if (codeOf(error) !== 'EXDEV') throw error;
          return publishBy(join(folder, `.flow-denoise-${randomUUID()}.tmp`));
        });
        await syncFolder(folder);
        return { state: 'begun', ...picture, output, outputHash };
      } catch (error) {
        if (signal.aborted) throw signal.reason;
        if (error instanceof FlowDenoiseError || codeOf(error) === undefined) throw error;
        throw writeFailed(printable(pathOf(picture.path)), 'could not be written', error);
      }
    },

    /** Forgets pictures whose original and result are both gone. @param present  the originals that exist */
    async forgetWhatIsGone(present: ReadonlySet<string>): Promise<void> {
      for (const known of ledger.all()) {
        if (present.has(known.path)) continue;
        if (known.state === 'failed' || !(await exists(known.output))) await ledger.forget(known.path);
      }
    },
  };
}

export async function isThere(path: string): Promise<boolean> {
  try {
    await lstat(path);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

/** The error codes of file systems without hard links (FAT, some network shares). */
const NO_LINKS = ['EPERM', 'ENOTSUP', 'EOPNOTSUPP', 'ENOSYS', 'EMLINK', 'EINVAL'];

/** Gives a file its final name unless the name exists. @returns whether it did */
async function linkNew(file: string, path: string): Promise<boolean> {
  try {
    await link(file, path);
    return true;
  } catch (error) {
    const code = codeOf(error) ?? '';
    if (code === 'EEXIST') return false;
    if (!NO_LINKS.includes(code)) throw error;
  }
  // Not atomic, but we work one at a time; another program would have to hit these microseconds.
  if (await isThere(path)) return false;
  await rename(file, path);
  return true;
}
