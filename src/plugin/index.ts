// What pipelines touch.
export { type DenoisedFile, denoiseStream } from './denoise-stream.js';
export { denoise } from './gulp.js';
export type { DenoiseStreamOptions } from './stream-options.js';
export * from './watch/index.js';
