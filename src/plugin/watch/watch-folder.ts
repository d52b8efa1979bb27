// The door to a watched folder: options in, a watcher out.
import { FolderWatcher } from './folder-watcher.js';
import { parseWatchOptions, type WatchFolderOptions } from './options.js';

/**
 * Watches a folder: every picture that appears in it, at any depth, is denoised into another.
 *
 * A picture is taken when it has been left alone for `settle` milliseconds and decodes. Its result appears whole and
 * under a name that nothing else has. What was done is written down in the output folder's `.flow-denoise`, so that a
 * restart, after whatever end, neither repeats a picture nor forgets one.
 *
 * @returns  at once; listen to its events, and await `finished`
 * @throws   FlowDenoiseError BAD_OPTION, at once, for a wrong option; what is wrong with the folders, prior or engine
 *           is what `finished` rejects with
 */
export function watchFolder(options: WatchFolderOptions): FolderWatcher {
  return new FolderWatcher(parseWatchOptions(options));
}
