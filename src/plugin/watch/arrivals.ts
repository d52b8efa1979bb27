// Finds pictures: a walk at the start and by the clock, and chokidar's events in between. Both only say where to look; what is
// there decides. Events can be lost (the system's queue overflows; chokidar #1471), a walk misses nothing.
import { once as eventOf } from 'node:events';
import type { Stats } from 'node:fs';
import { lstat, readdir } from 'node:fs/promises';
import { join, posix, relative, sep } from 'node:path';
import { watch } from 'chokidar';
import { badOption, codeOf, messageOf } from '../../core/errors.js';
import { mapInOrder } from '../../tile/in-order.js';
import { isPictureName, isVisibleFolder } from './names.js';
import { snapshotFrom, snapshotOf } from './originals.js';
import type { WatchContext } from './picture-job.js';
import type { PictureQueue } from './picture-queue.js';

const STATS_AT_ONCE = 32;

/**
 * Listening stops where more pictures wait than the first, and begins again at the second. While many wait, none that
 * arrives is taken soon, and the walks find it; chokidar stats all files of a folder whenever one of them leaves (#1028).
 */
const WAITING = { most: 100, few: 20 } as const;

export type Arrivals = ReturnType<typeof findArrivals>;

/** Puts the pictures below the input folder into a queue. Tells links, which may lead out of the folder or in circles. */
export function findArrivals(
  { folders, options, ledger, stopping, onProblem, onError }: WatchContext,
  queue: PictureQueue,
  onLink: (path: string) => void,
) {
  const { originals, hash, once, poll, settle, rescan: interval } = options;
  const root = folders.input;
  let walks = 0;
  let isStopped = false;
  let timer: NodeJS.Timeout | undefined;
  let isListening = false;
  /** What stops listening; undefined while too many wait. */
  let listening: Promise<(() => Promise<void>) | undefined> = Promise.resolve(undefined);

  /** Whether the ledger knows the file as it is, and nothing is left to do with it. */
  function isOver(path: string, { size, mtimeMs }: Stats): boolean {
    const known = originals === 'keep' ? ledger.get(path) : undefined;
    return known?.size === size && known.mtimeMs === mtimeMs && known.options === hash;
  }

  async function walk(below: string) {
    const paths = new Set<string>();
    let known = 0;
    walks++;
    try {
      for await (const { path, stats } of filesBelow(root, below, onProblem)) {
        stopping.throwIfAborted();
        if (stats.isSymbolicLink()) onLink(path);
        else if (!stats.isFile()) continue;
        else if (isOver(path, stats)) known++;
        else queue.see(path, snapshotFrom(stats));
        paths.add(path);
      }
    } finally {
      walks--;
    }
    return { known, paths };
  }

  function rescan(below = ''): void {
    if (isStopped || (below === '' && walks > 0)) return;
    walk(below).then(turn, onError);
  }

  /** An event said that something is or was here. */
  async function look(path: string): Promise<void> {
    const snapshot = await snapshotOf(join(root, path));
    if (isStopped) return;
    if (snapshot) queue.see(path, snapshot);
    else queue.miss(path);
    turn();
  }

  function turn(): void {
    queue.turn();
    listenWhileFewWait();
  }

  async function setListening(isWanted: boolean): Promise<void> {
    isListening = isWanted;
    listening = listening.then(async (stop) => {
      await stop?.();
      if (!isWanted) return undefined;
      const onPath = (path: string) => void look(path).catch(onError);
      // Files that were made between chokidar's look into a new folder and its watching it are not told (#1471).
      const onFolder = (path: string) => void setTimeout(() => rescan(path), settle).unref();
      return listenToFolder(root, poll, onPath, onFolder, onError);
    });
    await listening;
  }

  function listenWhileFewWait(): void {
    if (once || isStopped) return;
    const isWanted = queue.waiting() <= (isListening ? WAITING.most : WAITING.few);
    if (isWanted === isListening) return;
    setListening(isWanted).then(() => isWanted && rescan(), onError);
  }

  /** Looks no further. */
  function stop(): void {
    isStopped = true;
    clearInterval(timer);
  }

  return {
    isWalking: () => walks > 0,
    /** Walks through the folder. @returns  the pictures that exist, and how many of them are over */
    async start() {
      // Events first, so that nothing falls between the walk and them.
      if (!once) await setListening(true);
      stopping.throwIfAborted();
      const found = await walk('');
      if (!once && !isStopped) timer = setInterval(rescan, interval);
      return found;
    },
    listenWhileFewWait,
    stop,
    async close(): Promise<void> {
      stop();
      await (await listening)?.();
    },
  };
}

/** Files and links that may be pictures. Tells unreadable folders. @throws FlowDenoiseError BAD_OPTION if the root is gone */
async function* filesBelow(root: string, below: string, onProblem: WatchContext['onProblem']) {
  const folders = [below];
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    const files: string[] = [];
    for (const entry of await readFolder(root, folder, onProblem)) {
      const path = posix.join(folder, entry.name);
      if (entry.isDirectory()) {
        if (isVisibleFolder(entry.name)) folders.push(path);
      } else if (isPictureName(path) || (entry.isSymbolicLink() && isVisibleFolder(entry.name))) {
        files.push(path);
      }
    }
    const statsOf = async (path: string) => ({
      path,
      stats: await lstat(join(root, path)).catch(() => undefined),
    });
    for await (const { path, stats } of mapInOrder(files, STATS_AT_ONCE, statsOf))
      if (stats) yield { path, stats };
  }
}

async function readFolder(root: string, folder: string, onProblem: WatchContext['onProblem']) {
  try {
    return await readdir(join(root, folder), { withFileTypes: true });
  } catch (error) {
    const isGone = ['ENOENT', 'ENOTDIR'].includes(codeOf(error) ?? '');
    if (folder === '' && isGone)
      throw badOption(`${root}: the watched folder is gone; make it again and start again`, error);
    // A folder removed since it was listed is not a problem.
    if (!isGone) onProblem(error, folder);
    return [];
  }
}

/**
 * Listens to chokidar's events. It sometimes loses an event (paulmillr/chokidar #1471) or repeats one (#1465). We watch folders
 * only, since a watch for each file costs more; chokidar reports their files as 'raw' events.
 *
 * @param root      a real, absolute path
 * @param poll      false for the system's events, or the polling interval in milliseconds
 * @param onPath    something happened to a path with a picture's name, relative to the folder, with forward slashes
 * @param onFolder  events below this folder may be missing: it appeared, or it is the root and is gone
 * @param onError   watching has failed for good
 * @returns         a function that stops it, once every further event will be reported
 */
async function listenToFolder(
  root: string,
  poll: number | false,
  onPath: (path: string) => void,
  onFolder: (path: string) => void,
  onError: (error: unknown) => void,
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
    await eventOf(watcher, 'ready');
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
