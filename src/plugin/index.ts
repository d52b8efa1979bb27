// The interface for pipelines.
export { denoiseBytes } from './denoise-bytes.js';
export { denoiseStream } from './denoise-stream.js';
export type { DenoisedFile, PictureFailure, PictureReport } from './encoded-picture.js';
export { denoise } from './gulp.js';
export type { DenoiseBytesOptions, DenoiseStreamOptions, GulpOptions } from './stream-options.js';
export type * from './watch/events.js';
export { type FolderWatcher, watchFolder } from './watch/folder-watcher.js';
export type { WatchFolderOptions } from './watch/options.js';
