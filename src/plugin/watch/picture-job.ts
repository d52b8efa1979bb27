// Takes one picture from the input folder to the output folder. folder-watcher.ts decides which one and when.
import { join } from 'node:path';
import { FlowDenoiseError, messageOf } from '../../core/errors.js';
import { printable } from '../../core/printable.js';
import type { Denoiser, Progress } from '../../denoiser/denoiser.js';
import { denoiseEncodedPicture, isFaultOfAll, type PictureReport } from '../encoded-picture.js';
import { readOriginal } from './arrivals/read-original.js';
import type { Candidate } from './arrivals/settling.js';
import { isSameSnapshot, snapshotOf } from './arrivals/snapshot.js';
import type { Folders } from './folders.js';
import type { CheckedWatchOptions } from './options.js';
import type { Ledger, Settled } from './results/ledger.js';
import { moveOriginal } from './results/originals.js';
import { type Outputs, systemCode } from './results/outputs.js';
import { insistOn, type MayPass, mayBeReadLater, PassingFault } from './storage-faults.js';

/** What the jobs of a folder share. */
export interface JobContext {
  readonly folders: Folders;
  readonly options: CheckedWatchOptions;
  readonly optionsHash: string;
  readonly ledger: Ledger;
  readonly outputs: Outputs;
  readonly openDenoiser: () => Promise<Denoiser>;
  /** Rejects if the folders are no longer ours. */
  readonly checkLocks: () => Promise<void>;
  /** Aborts all jobs of the watcher. */
  readonly stopping: AbortSignal;
  readonly onTaken: (path: string) => void;
  readonly onProblem: (error: unknown, path: string, retryInMs?: number) => void;
}

export type Outcome =
  | {
      readonly kind: 'done';
      readonly output: string;
      readonly report: PictureReport;
      readonly movedTo: string | undefined;
    }
  | {
      readonly kind: 'failed';
      readonly error: Error;
      readonly movedTo: string | undefined;
      readonly isFinal: boolean;
      readonly isEngineFault: boolean;
    }
  | { readonly kind: 'skipped'; readonly why: string }
  /** Done before; nothing to report. */
  | { readonly kind: 'known' }
  /** Gone or replaced; nothing was written. */
  | { readonly kind: 'changed' }
  /** Does not decode, or cannot be read; perhaps it is incomplete. */
  | { readonly kind: 'incomplete' };

/** Whether this is the last try; if it fails too, the picture has failed. */
export interface Tries {
  readonly isLastToDecode: boolean;
  readonly isLastOfEngine: boolean;
}

/** The abort reason if the original is gone or was replaced. */
export class OriginalChanged extends Error {
  override readonly name = 'OriginalChanged';
}

/**
 * Processes one settled picture.
 *
 * @param signal  aborted with an OriginalChanged, or when the watcher stops
 * @throws        errors that end the watcher: its signal's reason, wrong options, a lost folder
 */
export async function workOnPicture(
  { path, snapshot }: Candidate,
  tries: Tries,
  signal: AbortSignal,
  context: JobContext,
): Promise<Outcome> {
  const { folders, options, optionsHash, ledger, outputs, stopping } = context;
  const name = printable(join(options.input, path));
  /** Undefined until the original was read. Its bytes are not kept while the picture is in work. */
  let hash: string | undefined;

  function insist<T>(work: () => Promise<T>, until: AbortSignal, mayPass?: MayPass): Promise<T> {
    const onProblem = (error: unknown, retryInMs: number) => context.onProblem(error, path, retryInMs);
    return insistOn(work, { onProblem, until, mayPass, isOnce: options.once });
  }

  /** With `move`, moves the original. If that fails, it reports a problem and tries again at the next rescan. */
  async function finish(why?: string): Promise<string | undefined> {
    if (options.originals === 'keep') return undefined;
    try {
      const movedTo = await moveOriginal(folders.input, path, snapshot, why);
      await insist(() => ledger.forget(path), stopping);
      return movedTo && join(options.input, movedTo);
    } catch (error) {
      stopping.throwIfAborted();
      context.onProblem(error, path);
      return undefined;
    }
  }

  async function settle(settled: Settled): Promise<void> {
    await insist(() => ledger.settle(settled), stopping);
  }

  const { size, mtimeMs } = snapshot;
  const own = () => ({ path, size, mtimeMs, hash: hash ?? '', options: optionsHash });

  async function fail(error: unknown): Promise<Outcome> {
    const why = messageOf(error);
    const code = error instanceof FlowDenoiseError ? error.code : (systemCode(error) ?? 'UNKNOWN');
    await settle({ state: 'failed', ...own(), code, why });
    const movedTo = await finish(`${why}\n\n${code}, ${new Date().toISOString()}`);
    return failure(error instanceof Error ? error : new Error(why), true, movedTo);
  }

  /** For a picture already done, by its content: does only what is left to do. */
  async function endAgain(known: Settled): Promise<Outcome | undefined> {
    if (known.state === 'done' && options.originals === 'keep' && !(await outputs.exists(known.output)))
      return undefined;
    const isSame = known.size === size && known.mtimeMs === mtimeMs;
    if (!isSame) await settle({ ...known, size, mtimeMs });
    const movedTo = await finish(known.state === 'failed' ? `${known.why}\n\n${known.code}` : undefined);
    if (isSame && movedTo === undefined) return { kind: 'known' };
    return {
      kind: 'skipped',
      why: known.state === 'done' ? 'done before' : `failed before: ${known.why}`,
    };
  }

  async function read() {
    try {
      return await insist(() => readOriginal(folders.input, path, snapshot), signal, mayBeReadLater);
    } catch (error) {
      if (systemCode(error) === undefined || error instanceof PassingFault) throw error;
      const message = `${name}: could not be read (${messageOf(error)}). Expected a file that may be read; check its permissions.`;
      throw new FlowDenoiseError('BAD_IMAGE', message, { cause: error });
    }
  }

  async function work(): Promise<Outcome> {
    const original = await read();
    if (original === undefined) return { kind: 'changed' };
    hash = original.hash;
    const known = ledger.get(path);
    if (known?.hash === hash && known.options === optionsHash) {
      const outcome = await endAgain(known);
      if (outcome) return outcome;
    }
    if (options.existing === 'skip' && known?.state !== 'done') {
      if (ledger.ownerOf(path) === undefined && (await outputs.exists(path))) {
        await settle({ state: 'done', ...own(), output: path });
        await finish();
        return { kind: 'skipped', why: `${printable(join(options.output, path))} already exists` };
      }
    }
    const { bytes, report } = await denoise(original.bytes);
    const result = bytes ?? (await read())?.bytes;
    if (result === undefined) return { kind: 'changed' };
    const publishing = {
      mayReplace: options.originals === 'keep',
      signal,
      async check() {
        signal.throwIfAborted();
        if (!isSameSnapshot(await snapshotOf(join(folders.input, path)), snapshot))
          throw new OriginalChanged();
        await context.checkLocks();
      },
    };
    const begun = await insist(() => outputs.publish(result, own(), publishing), signal);
    await settle({ ...begun, state: 'done' });
    const movedTo = await finish();
    return { kind: 'done', output: join(options.output, begun.output), report, movedTo };
  }

  function denoise(bytes: Buffer) {
    const { noise, file, onProgress } = options;
    const open = async () => {
      context.onTaken(path);
      return context.openDenoiser();
    };
    const call = {
      ...noise,
      signal,
      onProgress: onProgress && ((progress: Progress) => onProgress(progress, join(options.input, path))),
    };
    return denoiseEncodedPicture(bytes, name, open, call, file);
  }

  async function classify(error: unknown): Promise<Outcome> {
    stopping.throwIfAborted();
    if (signal.aborted || error instanceof OriginalChanged) return { kind: 'changed' };
    const code = error instanceof FlowDenoiseError ? error.code : undefined;
    if (isFaultOfAll(error) || error instanceof PassingFault) throw error;
    if (code === 'BAD_IMAGE' && !tries.isLastToDecode) return { kind: 'incomplete' };
    if (code === 'ENGINE_FAILED' && !tries.isLastOfEngine) throw new PassingFault(error);
    return fail(error);
  }

  try {
    return await work().catch(classify);
  } catch (error) {
    if (!(error instanceof PassingFault)) throw error;
    return failure(error.cause, false);
  }
}

function failure(error: Error, isFinal: boolean, movedTo?: string): Outcome {
  const isEngineFault = error instanceof FlowDenoiseError && error.code === 'ENGINE_FAILED';
  return { kind: 'failed', error, movedTo, isFinal, isEngineFault };
}
