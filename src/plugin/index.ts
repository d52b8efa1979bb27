// The interface for pipelines.
export { denoiseBytes } from './denoise-bytes.js';
export { denoiseStream } from './denoise-stream.js';
export type { DenoisedFile, PictureFailure, PictureReport } from './encoded-picture.js';
export { denoise } from './gulp.js';
export type { DenoiseBytesOptions, DenoiseStreamOptions, GulpOptions } from './stream-options.js';
export * from './watch/index.js';
