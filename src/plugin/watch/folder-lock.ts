// One watcher per folder: a lock file that names its holder and is touched to show that the holder lives.
//
// Not proper-lockfile, which does not tell who holds a lock, takes over a dead process's lock only after a time, and can give
// one stale lock to two processes (moxystudio/node-proper-lockfile#121). Here a stale lock is claimed by renaming it, which
// only one process can do, and then checked again.
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, readlink, rename, rm, rmdir, stat, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { z } from 'zod';
import { badOption, codeOf, FlowDenoiseError } from '../../core/errors.js';
import { writeFailed } from '../../core/files.js';
import { type Folders, STATE_FOLDER } from './folders.js';
import { systemCode } from './storage-faults.js';

const BEAT_MS = 5000;
/** A holder on another host or in another container counts as dead if it has not touched its lock for this long. */
const SILENT_MS = 20_000;
const LOOK_MS = 250;

const holderSchema = z.object({
  id: z.string(),
  pid: z.int(),
  host: z.string(),
  since: z.string(),
  /** The system where the process id is valid; and when the process began, since ids are reused. */
  place: z.string(),
  begun: z.string(),
});
type Holder = z.infer<typeof holderSchema>;

/** An unreadable lock belongs to nobody. */
const NOBODY: Holder = { id: '', pid: 0, host: 'unknown', since: 'unknown', place: '', begun: '' };

interface LockOptions {
  /** Whether the input folder must be locked, because something in it will change. */
  readonly isInputNeeded: boolean;
  /** Called if another process has taken the lock, as after a long suspension. */
  readonly onLost: (error: unknown) => void;
  readonly signal: AbortSignal;
}

/**
 * Locks both folders, each in its `.flow-denoise`. Locking the input folder too excludes watchers with another output. A
 * read-only input folder is not locked if originals are kept, since nothing in it changes then.
 *
 * @throws  FlowDenoiseError: BAD_OPTION with the holder of a folder; WRITE_FAILED
 */
export async function lockFolders({ input, output }: Folders, options: LockOptions) {
  const lock = (folder: string) =>
    lockFolder(folder, options).catch((error: unknown) => {
      if (error instanceof FlowDenoiseError || codeOf(error) === undefined) throw error;
      throw writeFailed(folder, 'could not be locked', error);
    });
  const first = await lock(output);
  const second = await lock(input).catch(async (error: unknown) => {
    if (!options.isInputNeeded && ['EROFS', 'EACCES', 'EPERM'].includes(systemCode(error) ?? ''))
      return undefined;
    await first.release();
    throw error;
  });
  return {
    /** Resolves while the locks are ours. @throws FlowDenoiseError BAD_OPTION if one was removed or taken */
    async check(): Promise<void> {
      await first.check();
      await second?.check();
    },
    async release(): Promise<void> {
      await second?.release();
      // The input folder has nothing else of ours.
      if (second) await rmdir(join(input, STATE_FOLDER)).catch(() => undefined);
      await first.release();
    },
  };
}

async function lockFolder(folder: string, { onLost, signal }: LockOptions) {
  // In a hidden folder of its own, since touching it causes events in its folder.
  const path = join(folder, STATE_FOLDER, 'lock');
  await mkdir(dirname(path), { recursive: true });
  const own: Holder = {
    id: randomUUID(),
    pid: process.pid,
    host: hostname(),
    since: new Date().toISOString(),
    place: await placeOf(),
    begun: (await beginningOf(process.pid)) ?? '',
  };
  while (!(await create(path, own))) {
    signal.throwIfAborted();
    const found = await readHolder(path);
    if (found === undefined) continue;
    if (await isAlive(path, found, own.place, signal)) throw held(folder, (await readHolder(path)) ?? found);
    await claim(path, found);
  }

  async function check(): Promise<void> {
    const holder = await readHolder(path);
    if (holder?.id === own.id) return;
    if (holder !== undefined) throw held(folder, holder);
    throw badOption(
      `${folder}: the lock ${path} was removed, so another may watch the folder by now; start again`,
    );
  }
  async function beat(): Promise<void> {
    await check();
    const now = new Date();
    await utimes(path, now, now);
  }
  const timer = setInterval(() => {
    beat().catch((error: unknown) => {
      // An unreachable disk does not mean that the lock is lost.
      if (error instanceof FlowDenoiseError) onLost(error);
    });
  }, BEAT_MS);
  timer.unref();
  return {
    check,
    async release(): Promise<void> {
      clearInterval(timer);
      if ((await readHolder(path).catch(() => undefined))?.id === own.id) await rm(path, { force: true });
    },
  };
}

async function create(path: string, own: Holder): Promise<boolean> {
  try {
    await writeFile(path, JSON.stringify(own), { flag: 'wx' });
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/** The holder that a lock file names; undefined if it is gone. */
async function readHolder(path: string): Promise<Holder | undefined> {
  try {
    return holderSchema.parse(JSON.parse(await readFile(path, 'utf8')));
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    // A system error; what cannot be parsed has no code.
    if (codeOf(error) !== undefined) throw error;
    return NOBODY;
  }
}

async function isAlive(path: string, holder: Holder, ownPlace: string, signal: AbortSignal) {
  if (holder.place === ownPlace) {
    if ((await beginningOf(holder.pid)) !== holder.begun) return false;
    if (holder.begun !== '') return true;
    // The process's beginning is unknown, so its id may have been reused.
  }
  // Compared with itself, so that clocks need not agree.
  const touched = async () => (await stat(path).catch(() => undefined))?.mtimeMs;
  const before = await touched();
  for (let waited = 0; waited < SILENT_MS; waited += LOOK_MS) {
    await delay(LOOK_MS, undefined, { signal });
    if ((await touched()) !== before) return true;
  }
  return false;
}

/** Removes a dead holder's lock, but nobody else's. */
async function claim(path: string, dead: Holder): Promise<void> {
  const claimed = `${path}.${randomUUID()}`;
  try {
    await rename(path, claimed);
  } catch {
    // Another process claimed it first.
    return;
  }
  const holder = await readHolder(claimed);
  if (holder !== undefined && holder.id !== dead.id) {
    // Another process claimed the dead one's lock and made its own before our rename: give it back.
    await rename(claimed, path);
    return;
  }
  await rm(claimed, { force: true });
}

function held(folder: string, { pid, host, since }: Holder): FlowDenoiseError {
  return badOption(
    `${folder} is watched already, by process ${pid} on ${host} since ${since}; stop that one first`,
  );
}

/** Identifies the host while it is up and, on Linux, the namespace of process ids, which differs per container. */
async function placeOf(): Promise<string> {
  const namespace = await readlink('/proc/self/ns/pid').catch(() => '');
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
  return [hostname(), namespace, boot.trim()].join(' ');
}

/** When a process began, on Linux; elsewhere empty. Undefined if it has ended. */
async function beginningOf(pid: number): Promise<string | undefined> {
  try {
    process.kill(pid, 0);
  } catch (error) {
    if (codeOf(error) !== 'EPERM') return undefined;
  }
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // The second field is the program's name in brackets, and may contain anything.
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}
