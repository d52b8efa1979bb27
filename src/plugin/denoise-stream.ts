// The object stream that denoises Vinyl files and keeps their order.

import { Readable, type Transform } from 'node:stream';
import { objectTransform } from 'through2';
import Vinyl from 'vinyl';
import { badOption, FlowDenoiseError, messageOf } from '../core/errors.js';
import { printable } from '../core/printable.js';
import type { Progress } from '../denoiser/denoiser.js';
import { isSupportedExtension, withFormatExtension } from '../image/index.js';
import { mapInOrder } from '../tile/in-order.js';
import {
  asError,
  checkLength,
  collectBytes,
  type DenoisedFile,
  isFaultOfAll,
  refuseDecodedText,
} from './encoded-picture.js';
import { pictureDenoiser } from './picture-denoiser.js';
import {
  type CheckedStreamOptions,
  type DenoiseStreamOptions,
  parseStreamOptions,
} from './stream-options.js';

/**
 * An object stream that denoises Vinyl files.
 *
 * Folders, files without contents, and files whose extension is not a picture's pass untouched. A picture leaves with
 * `contents` as a Buffer of the same format, a new `stat.mtime`, and the report as `flowDenoise`. Files keep their order. At
 * most `concurrency` files are held at a time. The engine opens at the first picture and is closed before 'close'.
 *
 * A bad file ends the stream with a FlowDenoiseError that names it. With `onError` 'skip' it is left out, with 'pass' it
 * passes unchanged, and the stream emits 'fileError' (error, file); without a listener, Node prints a warning. Errors that
 * every file would cause (options, prior, engine, a callback that throws) always end the stream. An abort ends it with the
 * signal's reason.
 *
 * @throws  FlowDenoiseError BAD_OPTION, at once
 */
export function denoiseStream(options: DenoiseStreamOptions = {}): Transform {
  return createDenoiseStream(parseStreamOptions(options), asError);
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
  const { signal, destroy, follow } = streamEnding(options.signal, close);

  const counts = { denoised: 0, clean: 0, failed: 0 };
  let started: number | undefined;

  async function denoiseFile(file: Vinyl): Promise<void> {
    started ??= performance.now();
    const tellProgress = (progress: Progress) => {
      try {
        onProgress?.(progress, file);
      } catch (error) {
        // The user's fault, not the file's: it would cost every file.
        stream.destroy(describe(error, file.path));
        throw error;
      }
    };
    const { bytes, report } = await denoise(await readContents(file, maxBytes), nameOf(file), {
      signal,
      onProgress: onProgress && tellProgress,
    });
    if (bytes) {
      const mtime = new Date();
      file.contents = bytes;
      if (file.stat) Object.assign(file.stat, { mtime, mtimeMs: mtime.getTime() });
      if (format && file.history.length > 0) file.path = withFormatExtension(file.path, format);
    }
    (file as DenoisedFile).flowDenoise = report;
    counts[report.isUnchanged ? 'clean' : 'denoised']++;
  }

  async function outcomeOf(file: unknown): Promise<{ readonly file: Vinyl; readonly error?: Error }> {
    if (!Vinyl.isVinyl(file)) throw describe(notVinyl(file));
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
    { highWaterMark: 1, destroy },
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

  follow(stream);
  return stream;
}

/** Judged by the extension. A file without a path was passed on purpose, so it counts as a picture. */
function isPicture(file: Vinyl): boolean {
  return !file.isNull() && (file.history.length === 0 || isSupportedExtension(file.path));
}

/** The file's name in messages. */
function nameOf(file: Vinyl): string {
  return file.history.length === 0 ? 'a file without a path' : printable(file.path);
}

/** The file's bytes; they replace a stream. @throws FlowDenoiseError BAD_IMAGE, UNSUPPORTED_IMAGE above `maxBytes` */
async function readContents(file: Vinyl, maxBytes: number): Promise<Buffer> {
  // A stream can be read only once.
  const contents = file.isStream() ? await readStream(file.contents, nameOf(file), maxBytes) : file.contents;
  if (!Buffer.isBuffer(contents)) throw notVinyl(contents);
  checkLength(contents.length, nameOf(file), maxBytes);
  file.contents = contents;
  refuseDecodedText(contents, nameOf(file));
  return contents;
}

async function readStream(contents: NodeJS.ReadableStream, name: string, maxBytes: number): Promise<Buffer> {
  try {
    const { readable, destroyed, errored } = contents as Readable;
    // The wrapper waits for events, which such a stream has emitted already.
    if (readable === false || destroyed) throw errored ?? new Error('Premature close');
    // Wrapped, since the async iterator of vinyl-fs's duplex streams never ends.
    return await collectBytes(new Readable().wrap(contents), name, maxBytes);
  } catch (error) {
    // The wrapper does not close the stream.
    if ('destroy' in contents && typeof contents.destroy === 'function') contents.destroy();
    if (error instanceof FlowDenoiseError) throw error;
    const message = `${name}: cannot be read (${messageOf(error)})`;
    throw new FlowDenoiseError('BAD_IMAGE', message, { cause: error });
  }
}

function notVinyl(value: unknown): FlowDenoiseError {
  return badOption(
    `Expected Vinyl files, as gulp.src makes them, but received ${value?.constructor?.name ?? typeof value}`,
  );
}

/**
 * How a stream ends. `signal` is aborted then, with the error if there is one. `destroy` is the stream's own. `follow` destroys
 * the stream with the user's reason when the user aborts.
 */
export function streamEnding(userSignal: AbortSignal | undefined, close: () => Promise<void>) {
  const stopping = new AbortController();
  const signal: AbortSignal = stopping.signal;
  return {
    signal,
    destroy(error: Error | null, done: (error?: Error | null) => void): void {
      stopping.abort(error ?? undefined);
      close().then(
        () => done(error),
        (closeError: Error) => done(error ?? closeError),
      );
    },
    follow(stream: Transform): void {
      const onAbort = () => stream.destroy(asError(userSignal?.reason));
      if (userSignal?.aborted) onAbort();
      else userSignal?.addEventListener('abort', onAbort, { once: true, signal });
    },
  };
}
