// The object stream that denoises Vinyl files and keeps their order.

import type { Transform } from 'node:stream';
import { objectTransform } from 'through2';
import type Vinyl from 'vinyl';
import { withFormatExtension } from '../image/index.js';
import { mapInOrder } from '../tile/in-order.js';
import { type DenoisedFile, isFaultOfAll } from './encoded-picture.js';
import { pictureDenoiser } from './picture-denoiser.js';
import {
  type CheckedStreamOptions,
  type DenoiseStreamOptions,
  parseStreamOptions,
} from './stream-options.js';
import { checkVinyl, isPicture, nameOf, readContents, replaceContents } from './vinyl-picture.js';

/**
 * An object stream that denoises Vinyl files.
 *
 * Folders, files without contents, and files whose extension is not a picture's pass untouched. A picture leaves with
 * `contents` as a Buffer of the same format, a new `stat.mtime`, and the report as `flowDenoise`. Files keep their order. At
 * most `concurrency` files are held at a time. The engine opens at the first picture and is closed before 'close'.
 *
 * A bad file ends the stream with a FlowDenoiseError that names it. With `onError` 'skip' it is left out, with 'pass' it
 * passes unchanged, and the stream emits 'fileError' (error, file); without a listener, Node prints a warning. Errors that
 * every file would cause (options, prior, engine) always end the stream. An abort ends it with the signal's reason.
 *
 * @throws  FlowDenoiseError BAD_OPTION, at once
 */
export function denoiseStream(options: DenoiseStreamOptions = {}): Transform {
  return createDenoiseStream(parseStreamOptions(options), asError);
}

interface Outcome {
  readonly file: Vinyl;
  readonly error?: Error;
}

/** What a stream did with its pictures, at its end. */
export interface StreamSummary {
  readonly denoised: number;
  /** Found clean and left unchanged. */
  readonly clean: number;
  readonly failed: number;
  /** From the first picture to the last. */
  readonly seconds: number;
}

/**
 * @param describe   turns an error with a file into the error that users see
 * @param onSummary  called when all files have passed
 */
export function createDenoiseStream(
  options: CheckedStreamOptions,
  describe: (error: unknown, fileName?: string) => Error,
  onSummary: (summary: StreamSummary) => void = () => {},
): Transform {
  const { concurrency, onError, onProgress } = options;
  const { maxBytes, format } = options.file;
  const { denoise, close } = pictureDenoiser(options);
  const ending = streamEnding(options.signal, close);
  const { signal } = ending;

  const counts = { denoised: 0, clean: 0, failed: 0 };
  let started: number | undefined;

  async function denoiseFile(file: Vinyl): Promise<void> {
    started ??= performance.now();
    const { bytes, report } = await denoise(await readContents(file, maxBytes), nameOf(file), {
      signal,
      onProgress: onProgress && ((progress) => onProgress(progress, file)),
    });
    if (bytes) replaceContents(file, bytes);
    if (bytes && format && file.history.length > 0) file.path = withFormatExtension(file.path, format);
    (file as DenoisedFile).flowDenoise = report;
    counts[report.isUnchanged ? 'clean' : 'denoised']++;
  }

  async function outcomeOf(file: unknown): Promise<Outcome> {
    try {
      checkVinyl(file);
    } catch (error) {
      throw describe(error);
    }
    try {
      if (isPicture(file)) await denoiseFile(file);
      return { file };
    } catch (cause) {
      if (signal.aborted) throw signal.reason;
      const error = describe(cause, file.path);
      // A file that could not be read cannot be passed on either.
      const isPassable = onError === 'skip' || file.isBuffer();
      if (onError === 'fail' || isFaultOfAll(cause) || !isPassable) throw error;
      return { file, error };
    }
  }

  function tell(error: Error, file: Vinyl): void {
    if (stream.emit('fileError', error, file)) return;
    const consequence = onError === 'skip' ? 'Left out a file' : 'Passed on a file as it was';
    process.emitWarning(`${consequence}: ${error.message}`, 'FlowDenoiseWarning');
  }

  const stream: Transform = objectTransform(
    { highWaterMark: 1, destroy: ending.destroy },
    async function* (files: AsyncIterable<unknown>) {
      for await (const { file, error } of mapInOrder(files, concurrency, outcomeOf)) {
        if (error !== undefined) {
          counts.failed++;
          (file as DenoisedFile).flowDenoise = { error };
          tell(error, file);
        }
        if (error === undefined || onError === 'pass') yield file;
      }
      onSummary({ ...counts, seconds: started === undefined ? 0 : (performance.now() - started) / 1000 });
    },
  );

  ending.follow(stream);
  return stream;
}

interface StreamEnding {
  /** Aborted when the stream ends, with the error if there is one. */
  readonly signal: AbortSignal;
  /** The stream's `destroy`. Runs once: at the end, after an error, or when called. */
  readonly destroy: (error: Error | null, done: (error?: Error | null) => void) => void;
  /** Destroys the stream with the user's reason when the user aborts. */
  readonly follow: (stream: Transform) => void;
}

export function streamEnding(userSignal: AbortSignal | undefined, close: () => Promise<void>): StreamEnding {
  const stopping = new AbortController();
  let onAbort: () => void = () => {};
  return {
    signal: stopping.signal,
    destroy(error, done) {
      userSignal?.removeEventListener('abort', onAbort);
      stopping.abort(error ?? undefined);
      close().then(
        () => done(error),
        (closeError: Error) => done(error ?? closeError),
      );
    },
    follow(stream) {
      onAbort = () => stream.destroy(asError(userSignal?.reason));
      if (userSignal?.aborted) onAbort();
      else userSignal?.addEventListener('abort', onAbort, { once: true });
    },
  };
}

export function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
