// A file of JSON lines that only grows: each line is on the disk when its promise resolves. A line that was being
// written when the power went is dropped at the next opening; a line that could not be written leaves no trace.
//
// Lines and not a database: node:sqlite needs a later Node than we do, native databases a compiler or a download, and
// three short lines a picture want no more than append, flush and read back.

import { type FileHandle, open, readFile } from 'node:fs/promises';
import { writeFileAtomic } from '../../../core/files.js';

export interface LineFile {
  /** Resolves when the line is on the disk. Lines written at one time share one flush. */
  append(line: string): Promise<void>;
  /** Replaces the whole content by what `lines` says when the appended ones are written. */
  rewrite(lines: () => readonly string[]): Promise<void>;
  /** Lines in the file. */
  readonly count: () => number;
  close(): Promise<void>;
}

/** The whole lines of a file; none where there is none. A line that was not finished is dropped. */
export async function readLines(path: string): Promise<string[]> {
  const text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return '';
    throw error;
  });
  return text.split('\n').slice(0, -1);
}

/** Begins a file anew with these lines and keeps it open to grow. */
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
      // On a full disk a part of it may be there, and the next line would be joined to it.
      await handle.truncate(length).catch(() => undefined);
      throw error;
    }
    length += bytes.length;
    count += batch.length;
  }

  /** One after the other, whatever became of the one before. */
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
