// One installation at a time in a folder, across processes. A lock whose holder was killed is free after ten seconds.
import { mkdir } from 'node:fs/promises';
import { setTimeout } from 'node:timers/promises';
import lockfile from 'proper-lockfile';
import { codeOf, messageOf } from '../core/errors.js';
import { type Installer, installFailed } from './installer.js';

const POLL_MS = 1000;

/**
 * Runs `work` while holding the folder's lock; waits while another process holds it, and says so.
 *
 * @param work  is given the installer with a signal that also tells of a lock lost (a computer that slept)
 * @throws      the signal's reason when aborted while waiting
 */
export async function whileLocked<R>(
  folder: string,
  installer: Installer,
  work: (installer: Installer) => Promise<R>,
): Promise<R> {
  const lost = new AbortController();
  const release = await acquire(folder, installer, (reason) =>
    lost.abort(
      installFailed('Keeping the lock', `${folder}.lock was lost (${reason})`, 'run the command again'),
    ),
  );
  try {
    return await work({ ...installer, signal: AbortSignal.any([installer.signal, lost.signal]) });
  } finally {
    // A lost lock is another's now.
    if (!lost.signal.aborted) await release();
  }
}

async function acquire(
  folder: string,
  { say, signal }: Installer,
  onLost: (reason: string) => void,
): Promise<() => Promise<void>> {
  await mkdir(folder, { recursive: true });
  for (let isFirst = true; ; isFirst = false) {
    signal.throwIfAborted();
    try {
      return await lockfile.lock(folder, { onCompromised: (error) => onLost(messageOf(error)) });
    } catch (error) {
      if (codeOf(error) !== 'ELOCKED') throw error;
      if (isFirst)
        say(`another installation is at work, or was killed seconds ago, in ${folder}; waiting for it`);
      await setTimeout(POLL_MS, undefined, { signal }).catch(() => signal.throwIfAborted());
    }
  }
}
