// The byte stream for one picture. For many files there is denoise-stream.ts.
import type { Transform } from 'node:stream';
import { transform } from 'through2';
import { printable } from '../core/printable.js';
import { streamEnding } from './denoise-stream.js';
import { collectBytes, refuseDecodedText } from './encoded-picture.js';
import { pictureDenoiser } from './picture-denoiser.js';
import { type DenoiseBytesOptions, parseBytesOptions } from './stream-options.js';

/**
 * A byte stream that denoises one picture file: `createReadStream('a.png').pipe(denoiseBytes()).pipe(...)`.
 *
 * It reads the whole file, at most `maxBytes`, before the first byte comes out, so a picture that fails writes nothing. It
 * emits 'report' (PictureReport) before the bytes. It opens the engine once it knows that the picture is readable, and closes
 * it before 'close'. A server should pass one open `denoiser` to all streams.
 *
 * It ends with a FlowDenoiseError if the picture is at fault, with the signal's reason when aborted.
 *
 * @throws  FlowDenoiseError BAD_OPTION, at once
 */
export function denoiseBytes(options: DenoiseBytesOptions = {}): Transform {
  const settings = parseBytesOptions(options);
  const name = printable(settings.name);
  const { denoise, close } = pictureDenoiser(settings);
  const { signal, destroy, follow } = streamEnding(settings.signal, close);

  const stream: Transform = transform(
    // through2 counts chunks, not bytes: by default it would buffer 16384 of them.
    { writableHighWaterMark: 1, destroy },
    async function* (chunks: AsyncIterable<Uint8Array>) {
      try {
        const bytes = await collectBytes(chunks, name, settings.file.maxBytes);
        refuseDecodedText(bytes, name);
        const result = await denoise(bytes, name, { signal, onProgress: settings.onProgress });
        stream.emit('report', result.report);
        yield result.bytes ?? bytes;
      } catch (error) {
        throw signal.aborted ? signal.reason : error;
      }
    },
  );
  follow(stream);
  return stream;
}
