// The byte stream for one picture. denoise-stream.ts is for many files.
import type { Transform } from 'node:stream';
import { transform } from 'through2';
import { FlowDenoiseError } from '../core/errors.js';
import { printable } from '../core/printable.js';
import { streamEnding } from './denoise-stream.js';
import { collectBytes, wasDecodedAsText } from './encoded-picture.js';
import { pictureDenoiser } from './picture-denoiser.js';
import { type DenoiseBytesOptions, parseBytesOptions } from './stream-options.js';

/**
 * A byte stream that denoises one picture file: `createReadStream('a.png').pipe(denoiseBytes()).pipe(...)`.
 *
 * All of the file is read, at most `maxBytes`, before the first byte comes out, so nothing is written of a picture that
 * fails. Emits 'report' (PictureReport) before the bytes. The engine opens once the picture is known to be readable.
 * When the stream emits 'close', however it ended, the work has stopped and the engine has closed; a server gives an open
 * `denoiser` to all its streams.
 *
 * Ends with a FlowDenoiseError where the picture is at fault, with the signal's own reason when aborted.
 *
 * @throws  FlowDenoiseError BAD_OPTION, at once
 */
export function denoiseBytes(options: DenoiseBytesOptions = {}): Transform {
  const { onProgress, signal, ...settings } = parseBytesOptions(options);
  const name = printable(settings.name);
  const { denoise, close } = pictureDenoiser(settings);
  const ending = streamEnding(signal, close);

  const stream: Transform = transform(
    // through2 counts pieces where it should count bytes: at the default it would take 16384 of them ahead.
    { writableHighWaterMark: 1, destroy: ending.destroy },
    async function* (chunks: AsyncIterable<Uint8Array>) {
      try {
        const bytes = await collectBytes(chunks, name, settings.file.maxBytes);
        if (wasDecodedAsText(bytes)) throw decodedAsText(name);
        const result = await denoise(bytes, name, { signal: ending.signal, onProgress });
        stream.emit('report', result.report);
        yield result.bytes ?? bytes;
      } catch (error) {
        throw ending.signal.aborted ? ending.signal.reason : error;
      }
    },
  );
  ending.follow(stream);
  return stream;
}

function decodedAsText(name: string): FlowDenoiseError {
  return new FlowDenoiseError(
    'BAD_IMAGE',
    `${name}: its bytes were decoded as text before they came here, which destroys a picture; read it without an encoding`,
  );
}
