// The stream in gulp's dress: every error is one PluginError. What the stream does is in denoise-stream.ts.
import type { Transform } from 'node:stream';
import PluginError from 'plugin-error';
import { createDenoiseStream } from './denoise-stream.js';
import { type DenoiseStreamOptions, parseStreamOptions } from './stream-options.js';

const PLUGIN = 'flow-denoise';

/**
 * The gulp step: `gulp.src('*.png', { encoding: false }).pipe(denoise({ sigma: 25 })).pipe(gulp.dest('out'))`.
 *
 * Does what `denoiseStream` does. A bad file ends it with one PluginError that has the file's path as `fileName`
 * and our `code`; an abort ends it with the signal's own reason, as everywhere.
 *
 * @throws  PluginError BAD_OPTION, at once
 */
export function denoise(options: DenoiseStreamOptions): Transform {
  try {
    return createDenoiseStream(parseStreamOptions(options), pluginError);
  } catch (error) {
    throw pluginError(error);
  }
}

function pluginError(error: unknown, fileName?: string): Error {
  const described = error instanceof Error ? error : new Error(String(error));
  return new PluginError(PLUGIN, described, fileName === undefined ? {} : { fileName });
}
