// chokidar, asked only where to look. It loses events now and then (paulmillr/chokidar #1471) and tells some twice
// (#1465), so nothing is concluded from what it says a path is. It watches folders alone, for a watch for each file costs
// more; what happens in a folder is its 'raw' event. chokidar still looks at every file of a folder again while events come
// from it (#1028): folder-watcher.ts does without events while many wait.
import { watch } from 'chokidar';
import { FlowDenoiseError, messageOf } from '../../../core/errors.js';
import { isPictureName, isVisibleFolder } from '../names.js';

export interface FolderListener {
  /** Something happened to what is or was a picture, relative to the folder, with forward slashes. */
  readonly onPath: (path: string) => void;
  /** What is below this folder may not have been told: it appeared, or is the root and has gone. */
  readonly onFolder: (path: string) => void;
  /** Watching cannot go on. */
  readonly onError: (error: unknown) => void;
}

/**
 * Listens to a folder at any depth.
 *
 * @param root  a real, absolute path
 * @param poll  false for the system's events, or how often to look, in milliseconds
 * @returns     once every event from now on is told: what stops it
 */
export async function listenToFolder(
  root: string,
  poll: number | false,
  { onPath, onFolder, onError }: FolderListener,
): Promise<() => Promise<void>> {
  const start = root.replaceAll('\\', '/').replace(/\/$/, '');
  const relative = (path: string): string => path.replaceAll('\\', '/').slice(start.length + 1);
  const watcher = watch(root, {
    ignoreInitial: true,
    followSymlinks: false,
    atomic: false,
    ignorePermissionErrors: true,
    usePolling: poll !== false,
    ...(poll !== false && { interval: poll, binaryInterval: poll }),
    ignored(path, stats) {
      const parts = relative(path).split('/');
      if (parts[0] === '') return false;
      if (!stats?.isFile()) return !parts.every(isVisibleFolder);
      return poll === false || !isPictureName(parts.join('/'));
    },
  });
  const failure = (error: unknown) => {
    const code = error instanceof Error && 'code' in error ? error.code : undefined;
    if (code !== 'ENOSPC' && code !== 'EMFILE') return error;
    return new FlowDenoiseError(
      'BAD_OPTION',
      `${root}: the system watches no more files (${messageOf(error)}); raise its limit ` +
        '(Linux: fs.inotify.max_user_watches, max_user_instances), or use poll',
      { cause: error },
    );
  };
  await new Promise<void>((resolve, reject) => {
    watcher.once('ready', resolve).once('error', (error) => reject(failure(error)));
  }).catch(async (error: unknown) => {
    await watcher.close();
    throw error;
  });
  watcher
    .on('all', (event, path) => {
      const way = relative(path);
      if (event === 'addDir') onFolder(way);
      else if (event !== 'unlinkDir') onPath(way);
      else if (way === '') onFolder(way);
    })
    .on('raw', (_, name, details) => {
      const { watchedPath } = details as { readonly watchedPath: string };
      const way = relative(`${watchedPath}/${name}`);
      if (isPictureName(way)) onPath(way);
    })
    .on('error', (error) => onError(failure(error)));
  return () => watcher.close();
}
