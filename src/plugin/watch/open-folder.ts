// The locks, ledger and outputs of a watcher, opened and closed together.
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { lockFolders } from './folder-lock.js';
import { type Folders, openFolders, STATE_FOLDER } from './folders.js';
import type { CheckedWatchOptions } from './options.js';
import { type Ledger, openLedger } from './results/ledger.js';
import { DONE_FOLDER, ERROR_FOLDER } from './results/originals.js';
import { type Outputs, openOutputs } from './results/outputs.js';

export interface OpenFolder {
  readonly folders: Folders;
  readonly ledger: Ledger;
  readonly outputs: Outputs;
  readonly checkLocks: () => Promise<void>;
  /** Forgets pictures whose original and result are both gone. `present`: the originals that exist. */
  readonly forgetWhatIsGone: (present: ReadonlySet<string>) => Promise<void>;
  readonly close: () => Promise<void>;
}

export interface FolderCallbacks {
  /** Another process has taken a folder from us. */
  readonly onLost: (error: unknown) => void;
  readonly onProblem: (error: Error) => void;
  readonly signal: AbortSignal;
}

/** @throws  FlowDenoiseError BAD_OPTION, WRITE_FAILED, with nothing left open */
export async function openFolder(
  { input, output, originals }: CheckedWatchOptions,
  { onLost, onProblem, signal }: FolderCallbacks,
): Promise<OpenFolder> {
  const folders = await openFolders(input, output);
  const state = join(folders.output, STATE_FOLDER);
  const isMoving = originals === 'move';
  const locks = await lockFolders(folders, { isInputNeeded: isMoving, onLost, signal });
  let ledger: Ledger | undefined;
  try {
    ledger = await openLedger(join(state, 'ledger.jsonl'), (copy) =>
      onProblem(new Error(`Some lines of the ledger could not be read; the file as it was is ${copy}`)),
    );
    const outputs = await openOutputs(folders, join(state, 'temporary'), ledger);
    if (isMoving) {
      for (const name of [DONE_FOLDER, ERROR_FOLDER])
        await mkdir(join(folders.input, name), { recursive: true });
    }
    return { folders, ledger, outputs, checkLocks: locks.check, ...lifeOf(ledger, outputs, locks.release) };
  } catch (error) {
    await ledger?.close();
    await locks.release();
    throw error;
  }
}

function lifeOf(ledger: Ledger, outputs: Outputs, release: () => Promise<void>) {
  return {
    async forgetWhatIsGone(present: ReadonlySet<string>) {
      for (const path of ledger.paths()) {
        const known = present.has(path) ? undefined : ledger.get(path);
        if (known === undefined) continue;
        if (known.state === 'failed' || !(await outputs.exists(known.output))) await ledger.forget(path);
      }
    },
    async close() {
      await ledger.close();
      await release();
    },
  };
}
