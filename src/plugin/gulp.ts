// The stream as a gulp step: errors become PluginErrors that reach gulp.

import type { Transform } from 'node:stream';
import PluginError from 'plugin-error';
import { plural, timeWords } from '../core/printable.js';
import { createDenoiseStream, type StreamSummary } from './denoise-stream.js';
import { asError } from './encoded-picture.js';
import { type GulpOptions, parseGulpOptions } from './stream-options.js';

const PLUGIN = 'flow-denoise';

/**
 * The gulp step: `gulp.src('*.png', { encoding: false }).pipe(denoise()).pipe(gulp.dest('out'))`.
 *
 * Works as `denoiseStream`. A bad file ends it with one PluginError with `fileName` and our `code`, unless `onError` is set;
 * an abort ends it with the signal's reason. Streams that it is piped into are destroyed with the same error, so the task
 * fails with it. At the end it logs a summary; `silent` turns that off.
 *
 * @throws  PluginError BAD_OPTION, at once
 */
export function denoise(options: GulpOptions = {}): Transform {
  try {
    const settings = parseGulpOptions(options);
    return passingErrorsOn(createDenoiseStream(settings, pluginError, settings.silent ? undefined : log));
  } catch (error) {
    throw pluginError(error);
  }
}

/** Prints, in gulp's style, "Denoised 3 pictures in 12 s (1 left as clean, 2 failed)". */
function log({ denoised, clean, failed, seconds }: StreamSummary): void {
  const time = new Date().toTimeString().slice(0, 8);
  const beside = [clean > 0 && `${clean} left as clean`, failed > 0 && `${failed} failed`].filter(Boolean);
  const counts = beside.length > 0 ? ` (${beside.join(', ')})` : '';
  console.log(
    `[${time}] ${PLUGIN}: Denoised ${plural(denoised, 'picture')} in ${timeWords(seconds)}${counts}`,
  );
}

function pluginError(error: unknown, fileName?: string): Error {
  return new PluginError(PLUGIN, asError(error), fileName === undefined ? {} : { fileName });
}

/**
 * gulp 5's streams swallow the errors of streams they are piped into, so a build with `.pipe()` would end in "Did you
 * forget to signal async completion?" (gulpjs/gulp#2812). gulp sees only an error of the last stream, so ours is passed
 * down the pipe.
 */
function passingErrorsOn(stream: Transform): Transform {
  const pipe = stream.pipe.bind(stream);
  stream.pipe = (destination, options) => {
    stream.once('error', (error) => {
      if ('destroy' in destination && typeof destination.destroy === 'function') destination.destroy(error);
    });
    return pipe(destination, options);
  };
  return stream;
}
