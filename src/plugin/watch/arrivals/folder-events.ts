// The system's events for a tree of folders: one fs.watch each, which only say where to look. Folders are named by the
// walk (scan.ts), before it reads them, so nothing falls between the reading and the events.
//
// Own code, because chokidar 5 reads a folder again, with a look at every file, for as long as events come from it: each
// of n pictures that leaves costs n looks (paulmillr/chokidar #1028). chokidar 6 needs a later Node than we do.
import { type FSWatcher, watch } from 'node:fs';
import { lstat } from 'node:fs/promises';
import { basename, join, posix } from 'node:path';
import { FlowDenoiseError, messageOf } from '../../../core/errors.js';
import { isPictureName, isVisibleFolder } from '../names.js';

export interface FolderListener {
  /** Something happened to what is or was a picture, relative to the root, with forward slashes. */
  readonly onPath: (path: string) => void;
  /** This folder appeared, or is the root and has gone or been replaced: it is to be walked. */
  readonly onFolder: (path: string) => void;
  /** Watching cannot go on. */
  readonly onError: (error: unknown) => void;
}

export interface FolderEvents {
  /** Listens to a folder, relative to the root, unless that is done already or there is none. Not to those in it. */
  listen(folder: string): void;
  close(): void;
}

/** Codes of a folder that has gone (Windows says EPERM), or that may not be read: the walk tells the latter. */
const PASSED_OVER: readonly string[] = ['ENOENT', 'ENOTDIR', 'EPERM', 'EACCES'];

/** @param root  a real, absolute path */
export function openFolderEvents(root: string, { onPath, onFolder, onError }: FolderListener): FolderEvents {
  const watchers = new Map<string, FSWatcher>();
  let isClosed = false;

  function listen(folder: string): void {
    if (isClosed || watchers.has(folder)) return;
    try {
      const watcher = watch(join(root, folder), (event, name) => look(folder, event, name ?? ''));
      watchers.set(folder, watcher);
      watcher.on('error', (error) => {
        forget(folder);
        onFault(error);
        if (folder === '') onFolder('');
      });
    } catch (error) {
      onFault(error);
    }
  }

  function onFault(error: unknown): void {
    const code = error instanceof Error && 'code' in error ? String(error.code) : '';
    if (PASSED_OVER.includes(code)) return;
    const isFull = code === 'ENOSPC' || code === 'EMFILE';
    const message =
      `${root}: the system watches no more folders (${messageOf(error)}); raise its limit ` +
      '(Linux: fs.inotify.max_user_watches, max_user_instances), or use poll';
    onError(isFull ? new FlowDenoiseError('BAD_OPTION', message, { cause: error }) : error);
  }

  /** A folder that has gone or been replaced, and all below it: what listens there listens to something else. */
  function forget(folder: string): void {
    if (!watchers.has(folder)) return;
    for (const [each, watcher] of watchers) {
      if (folder !== '' && each !== folder && !each.startsWith(`${folder}/`)) continue;
      watchers.delete(each);
      watcher.close();
    }
  }

  function look(folder: string, event: string, name: string): void {
    // What happens to a folder itself is told under its own name. Of the others, the folder that they are in tells, too.
    if (folder === '' && event === 'rename' && name === basename(root)) {
      forget('');
      onFolder('');
      return;
    }
    const path = posix.join(folder, name);
    if (isPictureName(path)) onPath(path);
    if (event !== 'rename' || !isVisibleFolder(name)) return;
    forget(path);
    lstat(join(root, path)).then(
      (stats) => stats.isDirectory() && onFolder(path),
      () => {},
    );
  }

  return {
    listen,
    close() {
      // A walk may still be on its way.
      isClosed = true;
      for (const watcher of watchers.values()) watcher.close();
    },
  };
}
