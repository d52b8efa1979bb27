// A file of JSON lines that only grows. A line is on the disk when its promise resolves. An incomplete line (after a power
// cut) is dropped when the file is opened; a line that could not be written leaves no trace.
//
// Not a database: node:sqlite needs a later Node, native databases need a compiler or a download, and three short lines per
// picture only need append, flush and read.

import { type FileHandle, open, readFile } from 'node:fs/promises';
import { writeFileAtomic } from '../../../core/files.js';

export interface LineFile {
  /** Resolves when the line is on the disk. Lines appended together share one flush. */
  append(line: string): Promise<void>;
  /** Replaces the content by `lines()`, called when all appended lines are written. */
  rewrite(lines: () => readonly string[]): Promise<void>;
  readonly count: () => number;
  close(): Promise<void>;
}

/** The complete lines of a file; empty if there is no file. */
export async function readLines(path: string): Promise<string[]> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  return text.split('\n').slice(0, -1);
}

/** Writes a new file with these lines, and keeps it open for more. */
export async function createLineFile(path: string, lines: readonly string[]): Promise<LineFile> {
  let handle: FileHandle | undefined;
  let [count, length] = [0, 0];
  let queue: string[] = [];
  let next: Promise<void> | undefined;
  let last: Promise<void> = Promise.resolve();

  async function replace(all: readonly string[]): Promise<void> {
    const bytes = Buffer.from(all.map((line) => `${line}\n`).join(''));
    await writeFileAtomic(path, bytes);
    await handle?.close();
    handle = await open(path, 'a');
    [count, length] = [all.length, bytes.length];
  }

  async function flush(): Promise<void> {
    next = undefined;
    const batch = queue;
    queue = [];
    handle ??= await open(path, 'a');
    const bytes = Buffer.from(batch.join(''));
    try {
      await handle.appendFile(bytes);
      await handle.datasync();
    } catch (error) {
      // On a full disk a part of the line may have been written; the next line would continue it.
      await handle.truncate(length).catch(() => undefined);
      throw error;
    }
    length += bytes.length;
    count += batch.length;
  }

  /** Runs work in turn, even after a failure. */
  function inTurn(work: () => Promise<void>): Promise<void> {
    const turn = last.then(work);
    last = turn.catch(() => undefined);
    return turn;
  }

  await replace(lines);
  return {
    append(line) {
      queue.push(`${line}\n`);
      next ??= inTurn(flush);
      return next;
    },
    rewrite: (all) => inTurn(() => replace(all())),
    count: () => count,
    async close() {
      await last;
      await handle?.close();
      handle = undefined;
    },
  };
}
