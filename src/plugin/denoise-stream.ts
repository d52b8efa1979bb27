// The object stream over Vinyl files: pictures go in, the same files come out in the same order, denoised. Not
// gulp's dress (gulp.ts) and not the pictures' formats (src/image).
import type { Transform } from 'node:stream';
import { objectTransform } from 'through2';
import type Vinyl from 'vinyl';
import { mapInOrder } from '../tile/in-order.js';
import { isFaultOfAll } from './encoded-picture.js';
import { pictureDenoiser } from './picture-denoiser.js';
import type { DenoisedFile } from './picture-report.js';
import {
  type CheckedStreamOptions,
  type DenoiseStreamOptions,
  parseStreamOptions,
} from './stream-options.js';
import { checkVinyl, isPicture, nameOf, readContents, replaceContents } from './vinyl-picture.js';

/**
 * An object stream that denoises Vinyl files.
 *
 * Files without contents, folders and files that are not pictures by their extension pass untouched; contents
 * that are streams are read. A picture leaves with `contents` a Buffer of the same format, a fresh
 * `stat.mtime`, and `flowDenoise`, the report. Order out is order in. At most `concurrency` files are held at a
 * time. The engine opens at the first picture and has closed when the stream emits 'close', however it ended.
 *
 * A bad file ends the stream with a FlowDenoiseError that names it. With `onError` 'skip' it is left out, with 'pass'
 * it passes as it was, and the stream emits 'fileError' (error, file) at its turn; when nobody listens to that, Node
 * prints a warning. What would fail with every file (options, prior, engine) ends the stream nonetheless. An abort
 * ends it with the signal's own reason.
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

/** The stream itself; `describe` turns what went wrong with a file into the error that users see. */
export function createDenoiseStream(
  options: CheckedStreamOptions,
  describe: (error: unknown, fileName?: string) => Error,
): Transform {
  const { concurrency, onError, signal: userSignal, onProgress, ...pictureOptions } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  const { denoise, close } = pictureDenoiser(pictureOptions);

  async function denoiseFile(file: Vinyl): Promise<void> {
    const { bytes, report } = await denoise(await readContents(file), nameOf(file), {
      signal,
      onProgress: onProgress && ((progress) => onProgress(progress, file)),
    });
    if (bytes) replaceContents(file, bytes);
    (file as DenoisedFile).flowDenoise = report;
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
      // Contents that could not be read cannot be passed on either.
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
    {
      highWaterMark: 1,
      // Runs once, at the end as after an error or `destroy()`: what is in work stops, the engine closes, and
      // only then do 'error' and 'close' go out.
      destroy(error: Error | null, done: (error?: Error | null) => void) {
        userSignal?.removeEventListener('abort', onAbort);
        stopping.abort(error ?? undefined);
        close().then(
          () => done(error),
          (closeError: Error) => done(error ?? closeError),
        );
      },
    },
    async function* (files: AsyncIterable<unknown>) {
      for await (const { file, error } of mapInOrder(files, concurrency, outcomeOf)) {
        if (error !== undefined) {
          (file as DenoisedFile).flowDenoise = { error };
          tell(error, file);
        }
        if (error === undefined || onError === 'pass') yield file;
      }
    },
  );

  function onAbort(): void {
    stream.destroy(asError(userSignal?.reason));
  }
  if (userSignal?.aborted) onAbort();
  else userSignal?.addEventListener('abort', onAbort, { once: true });
  return stream;
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
