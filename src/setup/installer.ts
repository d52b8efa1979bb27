// Shared by installation steps: output and log, errors, and a lock that allows one installation at a time in a folder.
import { appendFileSync } from 'node:fs';
import { lstat, mkdir, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { FlowDenoiseError } from '../core/errors.js';
import { lockFolder } from '../core/lock.js';
import { sum } from '../core/metrics/index.js';

export interface Installer {
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
  /** The log file with all output of the tools. */
  readonly logPath: string;
}

export function log({ logPath }: Installer, text: string): void {
  appendFileSync(logPath, text);
}

/** A failed step: which, why, and what to do. */
export function installFailed(
  step: string,
  reason: string,
  remedy: string,
  options?: { cause?: unknown },
): FlowDenoiseError {
  return new FlowDenoiseError('INSTALL_FAILED', `${step} failed: ${reason}. To do: ${remedy}`, options);
}

/** TensorFlow cannot be installed on this machine at all. */
export function notForThisPlatform(reason: string): FlowDenoiseError {
  return new FlowDenoiseError('ENGINE_UNAVAILABLE', `TensorFlow cannot be installed here: ${reason}`);
}

const POLL_MS = 1000;

/**
 * Runs `work` while holding the folder's lock. If another process holds it, says so and waits.
 *
 * @param work  gets the installer with a signal that also aborts if the lock is lost (a computer that slept)
 * @throws      the signal's reason when aborted while waiting
 */
export async function whileLocked<R>(
  folder: string,
  installer: Installer,
  work: (installer: Installer) => Promise<R>,
): Promise<R> {
  const { say, signal } = installer;
  signal.throwIfAborted();
  const lost = new AbortController();
  const onLost = (reason: string) =>
    lost.abort(
      installFailed('Keeping the lock', `${folder}.lock was lost (${reason})`, 'run the command again'),
    );
  await mkdir(folder, { recursive: true });
  let release = await lockFolder(folder, onLost);
  if (!release)
    say(`another installation is at work, or was killed seconds ago, in ${folder}; waiting for it`);
  while (!release) {
    await setTimeout(POLL_MS, undefined, { signal }).catch(() => signal.throwIfAborted());
    release = await lockFolder(folder, onLost);
  }
  try {
    return await work({ ...installer, signal: AbortSignal.any([signal, lost.signal]) });
  } finally {
    await release();
  }
}

/** The total size of a folder's files in bytes. Links are not followed; a file with several names counts for each. */
export async function folderSize(folder: string): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true });
  const files = entries.filter((entry) => entry.isFile());
  return sum(
    await Promise.all(files.map(async ({ parentPath, name }) => (await lstat(join(parentPath, name))).size)),
  );
}

export function sizeWords(bytes: number): string {
  if (bytes < 1e6) return `${Math.ceil(bytes / 1e3)} kB`;
  return bytes < 1e9 ? `${Math.round(bytes / 1e6)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

/** Returns a function that returns the time since, as text. */
export function startClock(): () => string {
  const started = performance.now();
  return () => {
    const seconds = (performance.now() - started) / 1000;
    return seconds < 10 ? `${seconds.toFixed(1)} s` : `${Math.round(seconds)} s`;
  };
}
