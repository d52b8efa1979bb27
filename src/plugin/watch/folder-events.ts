// chokidar's events, used only as hints where to look: it sometimes loses an event (paulmillr/chokidar #1471) or repeats one
// (#1465). We watch folders only, since a watch for each file costs more; chokidar reports their files as 'raw' events. At
// every event it still stats all files of the folder (#1028), so arrivals.ts turns events off while many files wait.
import { once } from 'node:events';
import { relative, sep } from 'node:path';
import { watch } from 'chokidar';
import { badOption, codeOf, messageOf } from '../../core/errors.js';
import { isPictureName, isVisibleFolder } from './names.js';

export interface FolderListener {
  /** Something happened to a path with a picture's name, relative to the folder, with forward slashes. */
  readonly onPath: (path: string) => void;
  /** Events below this folder may be missing: it appeared, or it is the root and is gone. */
  readonly onFolder: (path: string) => void;
  /** Watching has failed for good. */
  readonly onError: (error: unknown) => void;
}

/**
 * Listens to a folder at any depth.
 *
 * @param root  a real, absolute path
 * @param poll  false for the system's events, or the polling interval in milliseconds
 * @returns     a function that stops it, once every further event will be reported
 */
export async function listenToFolder(
  root: string,
  poll: number | false,
  { onPath, onFolder, onError }: FolderListener,
): Promise<() => Promise<void>> {
  const below = (path: string): string => relative(root, path).replaceAll(sep, '/');
  const watcher = watch(root, {
    ignoreInitial: true,
    followSymlinks: false,
    atomic: false,
    ignorePermissionErrors: true,
    usePolling: poll !== false,
    ...(poll !== false && { interval: poll, binaryInterval: poll }),
    ignored(path, stats) {
      const parts = below(path).split('/');
      if (parts[0] === '') return false;
      if (!stats?.isFile()) return !parts.every(isVisibleFolder);
      return poll === false || !isPictureName(parts.join('/'));
    },
  });
  const failure = (error: unknown) => {
    if (!['ENOSPC', 'EMFILE'].includes(codeOf(error) ?? '')) return error;
    return badOption(
      `${root}: the system watches no more files (${messageOf(error)}); raise its limit ` +
        '(Linux: fs.inotify.max_user_watches, max_user_instances), or use poll',
      error,
    );
  };
  try {
    await once(watcher, 'ready');
  } catch (error) {
    await watcher.close();
    throw failure(error);
  }
  watcher
    .on('all', (event, path) => {
      const way = below(path);
      if (event === 'addDir') onFolder(way);
      else if (event !== 'unlinkDir') onPath(way);
      else if (way === '') onFolder(way);
    })
    .on('raw', (_, name, details) => {
      const { watchedPath } = details as { readonly watchedPath: string };
      const way = below(`${watchedPath}/${name}`);
      if (isPictureName(way)) onPath(way);
    })
    .on('error', (error) => onError(failure(error)));
  return () => watcher.close();
}
