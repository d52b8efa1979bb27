// Takes one picture from the input folder to the output folder. picture-queue.ts decides which one and when.
import { join } from 'node:path';
import { FlowDenoiseError, messageOf } from '../../core/errors.js';
import { printable } from '../../core/printable.js';
import { asError, isFaultOfAll } from '../encoded-picture.js';
import type { PictureDenoiser } from '../picture-denoiser.js';
import type { PictureDone, PictureFailed, PictureSkipped } from './events.js';
import type { Folders } from './folders.js';
import type { Ledger, Settled } from './ledger.js';
import type { CheckedWatchOptions } from './options.js';
import { isSameSnapshot, moveOriginal, type Original, readOriginal, snapshotOf } from './originals.js';
import type { Outputs } from './outputs.js';
import { insistOn, PassingFault, systemCode } from './storage-faults.js';

/** What the parts of a watcher share. */
export interface WatchContext {
  readonly folders: Folders;
  readonly options: CheckedWatchOptions;
  readonly ledger: Ledger;
  readonly outputs: Outputs;
  readonly denoise: PictureDenoiser['denoise'];
  /** Rejects if the folders are no longer ours. */
  readonly checkLocks: () => Promise<void>;
  /** Aborts all that is going on. */
  readonly stopping: AbortSignal;
  readonly onTaken: (path: string) => void;
  /** The work goes on, or resumes when it is fixed. */
  readonly onProblem: (error: unknown, path: string, retryInMs?: number) => void;
  /** The watcher cannot go on. */
  readonly onError: (error: unknown) => void;
}

/**
 * The event to tell; 'nothing' if the picture was done before, is gone or was replaced; 'incomplete' if it does not decode or
 * cannot be read, and more of it may come.
 */
export type Outcome =
  | { readonly event: 'done'; readonly told: PictureDone }
  | { readonly event: 'failed'; readonly told: PictureFailed }
  | { readonly event: 'skipped'; readonly told: PictureSkipped }
  | 'nothing'
  | 'incomplete';

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
  original: Original,
  tries: Tries,
  signal: AbortSignal,
  context: WatchContext,
): Promise<Outcome> {
  const { folders, options, ledger, outputs, stopping } = context;
  const { path, snapshot } = original;
  const { size, mtimeMs } = snapshot;
  const input = join(options.input, path);
  /** Empty until the original was read. Its bytes are not kept while the picture is in work. */
  let hash = '';
  const known = () => ({ path, size, mtimeMs, hash, options: options.hash });

  function insist<T>(work: () => Promise<T>, until: AbortSignal, isReading = false): Promise<T> {
    const onProblem = (error: unknown, retryInMs: number) => context.onProblem(error, path, retryInMs);
    return insistOn(work, onProblem, { until, isReading, isOnce: options.once });
  }

  const settle = (settled: Settled) => insist(() => ledger.settle(settled), stopping);

  /** With `move`, moves the original. If that fails, it reports a problem and tries again at the next rescan. */
  async function finish(why?: string): Promise<string | undefined> {
    if (options.originals === 'keep') return undefined;
    try {
      const movedTo = await moveOriginal(folders.input, original, why);
      await insist(() => ledger.forget(path), stopping);
      return movedTo && join(options.input, movedTo);
    } catch (error) {
      stopping.throwIfAborted();
      context.onProblem(error, path);
      return undefined;
    }
  }

  async function fail(error: unknown): Promise<Outcome> {
    const why = messageOf(error);
    const code = error instanceof FlowDenoiseError ? error.code : (systemCode(error) ?? 'UNKNOWN');
    await settle({ state: 'failed', ...known(), code, why });
    const movedTo = await finish(`${why}\n\n${code}, ${new Date().toISOString()}`);
    return { event: 'failed', told: { input, error: asError(error), movedTo, isFinal: true } };
  }

  function skipped(why: string): Outcome {
    return { event: 'skipped', told: { input, why } };
  }

  /** For a picture already done, by its content: does only what is left to do. */
  async function endAgain(before: Settled): Promise<Outcome | undefined> {
    const isDone = before.state === 'done';
    if (isDone && options.originals === 'keep' && !(await outputs.exists(before.output))) return undefined;
    const isSame = before.size === size && before.mtimeMs === mtimeMs;
    if (!isSame) await settle({ ...before, size, mtimeMs });
    const movedTo = await finish(isDone ? undefined : `${before.why}\n\n${before.code}`);
    if (isSame && movedTo === undefined) return 'nothing';
    return skipped(isDone ? 'done before' : `failed before: ${before.why}`);
  }

  async function read() {
    try {
      return await insist(() => readOriginal(folders.input, original), signal, true);
    } catch (error) {
      if (systemCode(error) === undefined || error instanceof PassingFault) throw error;
      const message = `${printable(input)}: could not be read (${messageOf(error)}). Expected a file that may be read; check its permissions.`;
      throw new FlowDenoiseError('BAD_IMAGE', message, { cause: error });
    }
  }

  async function checkStillOurs(): Promise<void> {
    signal.throwIfAborted();
    if (!isSameSnapshot(await snapshotOf(join(folders.input, path)), snapshot)) throw new OriginalChanged();
    await context.checkLocks();
  }

  /** Whether an output is another picture's result. */
  function isOurs(output: string): boolean {
    return ledger.all().some((each) => each.state === 'done' && each.output === output);
  }

  async function work(): Promise<Outcome> {
    let file = await read();
    if (file === undefined) return 'nothing';
    hash = file.hash;
    const before = ledger.get(path);
    if (before?.hash === hash && before.options === options.hash) {
      const outcome = await endAgain(before);
      if (outcome) return outcome;
    }
    const mayStand = options.existing === 'skip' && before?.state !== 'done';
    if (mayStand && (await outputs.exists(path)) && !isOurs(path)) {
      await settle({ state: 'done', ...known(), output: path });
      await finish();
      return skipped(`${printable(join(options.output, path))} already exists`);
    }
    const { onProgress } = options;
    const denoised = context.denoise(file.bytes, input, {
      signal,
      onReadable: () => context.onTaken(path),
      onProgress: onProgress && ((progress) => onProgress(progress, input)),
    });
    file = undefined;
    const { bytes, report } = await denoised;
    const result = bytes ?? (await read())?.bytes;
    if (result === undefined) return 'nothing';
    const publishing = { mayReplace: options.originals === 'keep', signal, check: checkStillOurs };
    const begun = await insist(() => outputs.publish(result, known(), publishing), signal);
    await settle({ ...begun, state: 'done' });
    const movedTo = await finish();
    return { event: 'done', told: { input, output: join(options.output, begun.output), report, movedTo } };
  }

  async function classify(error: unknown): Promise<Outcome> {
    stopping.throwIfAborted();
    if (signal.aborted || error instanceof OriginalChanged) return 'nothing';
    const code = error instanceof FlowDenoiseError ? error.code : undefined;
    if (isFaultOfAll(error) || error instanceof PassingFault) throw error;
    if (code === 'BAD_IMAGE' && !tries.isLastToDecode) return 'incomplete';
    if (code === 'ENGINE_FAILED' && !tries.isLastOfEngine) throw new PassingFault(error);
    return fail(error);
  }

  try {
    return await work().catch(classify);
  } catch (error) {
    if (!(error instanceof PassingFault)) throw error;
    return { event: 'failed', told: { input, error: error.cause, isFinal: false } };
  }
}
