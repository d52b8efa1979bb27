// The object stream over Vinyl files: pictures go in, the same files come out in the same order, denoised. Not
// gulp's dress (gulp.ts) and not the pictures' formats (src/image).
import { isUtf8 } from 'node:buffer';
import { Readable, type Transform } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { objectTransform } from 'through2';
import Vinyl from 'vinyl';
import { FlowDenoiseError } from '../core/errors.js';
import type { DenoiseReport, Denoiser } from '../denoiser/denoiser.js';
import { openDenoiser } from '../denoiser/open-denoiser.js';
import { isSupportedExtension } from '../image/index.js';
import { mapInOrder } from '../tile/in-order.js';
import { type DenoisedBytes, denoiseEncodedPicture } from './encoded-picture.js';
import {
  type CheckedStreamOptions,
  type DenoiseStreamOptions,
  parseStreamOptions,
} from './stream-options.js';

/** A file that came through the stream. `flowDenoise` says what was done; it is absent where nothing was. */
export type DenoisedFile = Vinyl & { flowDenoise?: DenoiseReport };

/**
 * An object stream that denoises Vinyl files.
 *
 * Files without contents, folders and files that are not pictures by their extension pass untouched; contents
 * that are streams are read. A picture leaves with `contents` a Buffer of the same format, a fresh
 * `stat.mtime`, and `flowDenoise`, the report. Order out is order in. At most `concurrency` files are held at a
 * time. The engine opens at the first picture and has closed when the stream emits 'close', however it ended.
 *
 * The first bad file ends the stream with a FlowDenoiseError that names it; an abort ends it with the signal's
 * own reason.
 *
 * @throws  FlowDenoiseError BAD_OPTION, at once
 */
export function denoiseStream(options: DenoiseStreamOptions = {}): Transform {
  return createDenoiseStream(parseStreamOptions(options), (error) => error);
}

/** The stream itself; `describe` turns what went wrong with a file into the error that the stream emits. */
export function createDenoiseStream(
  options: CheckedStreamOptions,
  describe: (error: unknown, fileName?: string) => unknown,
): Transform {
  const {
    sigma,
    noise,
    strength,
    concurrency,
    maxPixels,
    signal: userSignal,
    onProgress,
    denoiser: shared,
    ...denoiserOptions
  } = options;
  const stopping = new AbortController();
  const { signal } = stopping;
  let opening: Promise<Denoiser> | undefined;

  async function open(): Promise<Denoiser> {
    if (shared !== undefined) return shared;
    opening ??= openDenoiser(denoiserOptions);
    return opening;
  }

  async function close(): Promise<void> {
    const opened = await opening?.catch(() => undefined);
    await opened?.close();
  }

  async function denoiseFile(file: unknown): Promise<Vinyl> {
    if (!Vinyl.isVinyl(file)) throw describe(notVinyl(file));
    if (file.isNull() || !isPicture(file)) return file;
    try {
      const contents = await readContents(file);
      // A stream is spent by reading it.
      file.contents = contents;
      const result = await denoiseEncodedPicture(contents, nameOf(file), open, {
        sigma,
        noise,
        strength,
        maxPixels,
        signal,
        onProgress: onProgress && ((progress) => onProgress(progress, file)),
      });
      return finished(file, result);
    } catch (error) {
      throw signal.aborted ? signal.reason : describe(error, file.path);
    }
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
      yield* mapInOrder(files, concurrency, denoiseFile);
    },
  );

  function onAbort(): void {
    const reason: unknown = userSignal?.reason;
    stream.destroy(reason instanceof Error ? reason : new Error(String(reason)));
  }
  if (userSignal?.aborted) onAbort();
  else userSignal?.addEventListener('abort', onAbort, { once: true });
  return stream;
}

/** A file that has no path has no extension to judge by; it was put here on purpose, so it is taken for a picture. */
function isPicture(file: Vinyl): boolean {
  return file.history.length === 0 || isSupportedExtension(file.path);
}

function nameOf(file: Vinyl): string {
  return file.history.length === 0 ? 'a file without a path' : file.path;
}

async function readContents(file: Vinyl): Promise<Buffer> {
  // Wrapped, because vinyl-fs hands out duplex streams whose async iterator never ends.
  const contents = file.isStream() ? await buffer(new Readable().wrap(file.contents)) : file.contents;
  if (!Buffer.isBuffer(contents)) throw notVinyl(contents);
  if (wasDecodedAsText(contents)) {
    throw new FlowDenoiseError(
      'BAD_IMAGE',
      `${nameOf(file)}: its bytes were decoded as text before they came here, which destroys a picture; ` +
        'read it with gulp.src(..., { encoding: false })',
    );
  }
  return contents;
}

/** No picture is valid UTF-8; one that is, and has U+FFFD in it, was read as text and written back. */
function wasDecodedAsText(bytes: Buffer): boolean {
  return isUtf8(bytes) && bytes.includes('\ufffd');
}

function finished(file: DenoisedFile, { bytes, report }: DenoisedBytes): DenoisedFile {
  if (bytes) {
    file.contents = bytes;
    if (file.stat) file.stat.mtime = new Date();
  }
  file.flowDenoise = report;
  return file;
}

function notVinyl(value: unknown): FlowDenoiseError {
  return new FlowDenoiseError(
    'BAD_OPTION',
    `Expected Vinyl files, as gulp.src makes them, but received ${value?.constructor?.name ?? typeof value}`,
  );
}
