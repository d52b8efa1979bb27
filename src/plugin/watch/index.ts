// The interface of a watched folder.
export type {
  PictureDone,
  PictureFailed,
  PictureSkipped,
  PictureTaken,
  WatchEvents,
  WatchProblem,
  WatchReady,
  WatchSummary,
} from './events.js';
export type { FolderWatcher } from './folder-watcher.js';
export { watchFolder } from './folder-watcher.js';
export type { WatchFolderOptions } from './options.js';
