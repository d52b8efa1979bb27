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
import { FlowDenoiseError, messageOf } from '../../core/errors.js';
import { type Folders, STATE_FOLDER } from './folders.js';

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

export interface FolderLock {
  /** Resolves while the lock is ours. @throws FlowDenoiseError BAD_OPTION if it was removed or taken */
  readonly check: () => Promise<void>;
  readonly release: () => Promise<void>;
}

interface LockOptions {
  /** Called if another process has taken the lock, as after a long suspension. */
  readonly onLost: (error: unknown) => void;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Locks both folders, each in its `.flow-denoise`. Locking the input folder too excludes watchers with another output. A
 * read-only input folder is not locked if originals are kept, since nothing in it changes then.
 *
 * @throws  FlowDenoiseError: BAD_OPTION with the holder of a folder; WRITE_FAILED
 */
export async function lockFolders(
  { input, output }: Folders,
  { isInputNeeded, ...options }: LockOptions & { readonly isInputNeeded: boolean },
): Promise<FolderLock> {
  const first = await lockFolder(output, options).catch((error: unknown) => {
    throw describeFailure(output, error);
  });
  const second = await lockFolder(input, options).catch(async (error: NodeJS.ErrnoException) => {
    if (!isInputNeeded && READ_ONLY.includes(error.code ?? '')) return undefined;
    await first.release();
    throw describeFailure(input, error);
  });
  return {
    async check() {
      await first.check();
      await second?.check();
    },
    async release() {
      await second?.release();
      // The input folder has nothing else of ours.
      if (second) await rmdir(join(input, STATE_FOLDER)).catch(() => undefined);
      await first.release();
    },
  };
}

const READ_ONLY: readonly string[] = ['EROFS', 'EACCES', 'EPERM'];

function describeFailure(folder: string, error: unknown): unknown {
  if (error instanceof FlowDenoiseError || !(error instanceof Error) || !('code' in error)) return error;
  const message = `${folder}: could not be locked (${messageOf(error)}). Expected a folder that can be written to.`;
  return new FlowDenoiseError('WRITE_FAILED', message, { cause: error });
}

async function lockFolder(folder: string, options: LockOptions): Promise<FolderLock> {
  // In a hidden folder of its own, since touching it causes events in its folder.
  const path = join(folder, STATE_FOLDER, 'lock');
  await mkdir(dirname(path), { recursive: true });
  const own = await describeOwn();
  for (;;) {
    options.signal?.throwIfAborted();
    if (await create(path, own)) return keep(path, folder, own, options);
    const found = await readHolder(path);
    if (found === undefined) continue;
    if (await isAlive(path, found, options.signal)) throw held(folder, found);
    await claim(path, found);
  }
}

async function create(path: string, own: Holder): Promise<boolean> {
  try {
    await writeFile(path, JSON.stringify(own), { flag: 'wx' });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** The content of a lock file; undefined if it is gone. An unreadable one belongs to nobody. */
async function readHolder(path: string): Promise<Holder | undefined> {
  let text: string | undefined;
  // A new lock is empty for a moment.
  for (let i = 0; i < 4; i++) {
    text = await readFile(path, 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return undefined;
      throw error;
    });
    if (text !== '') break;
    await delay(LOOK_MS);
  }
  if (text === undefined) return undefined;
  try {
    return holderSchema.parse(JSON.parse(text));
  } catch {
    return { id: '', pid: 0, host: 'unknown', since: 'unknown', place: '', begun: '' };
  }
}

async function isAlive(path: string, holder: Holder, signal: AbortSignal | undefined): Promise<boolean> {
  const own = await describeOwn();
  if (holder.place === own.place && holder.place !== '') {
    if (!isRunning(holder.pid) || (await beginningOf(holder.pid)) !== holder.begun) return false;
    // If the process's beginning is unknown, its id may have been reused, so the time decides.
    return holder.begun !== '' || Date.now() - ((await mtimeOf(path)) ?? 0) < SILENT_MS;
  }
  // Compared with itself, so that clocks need not agree.
  const before = await mtimeOf(path);
  for (let waited = 0; waited < SILENT_MS; waited += LOOK_MS) {
    await delay(LOOK_MS, undefined, { signal });
    if ((await mtimeOf(path)) !== before) return true;
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

function keep(path: string, folder: string, own: Holder, { onLost }: LockOptions): FolderLock {
  async function check(): Promise<void> {
    const holder = await readHolder(path);
    if (holder?.id === own.id) return;
    if (holder !== undefined) throw held(folder, holder);
    throw new FlowDenoiseError(
      'BAD_OPTION',
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
    async release() {
      clearInterval(timer);
      if ((await readHolder(path).catch(() => undefined))?.id === own.id) await rm(path, { force: true });
    },
  };
}

function held(folder: string, { pid, host, since }: Holder): FlowDenoiseError {
  return new FlowDenoiseError(
    'BAD_OPTION',
    `${folder} is watched already, by process ${pid} on ${host} since ${since}; stop that one first`,
  );
}

async function describeOwn(): Promise<Holder> {
  return {
    id: randomUUID(),
    pid: process.pid,
    host: hostname(),
    since: new Date().toISOString(),
    place: await placeOf(),
    begun: await beginningOf(process.pid),
  };
}

/** Identifies the host while it is up and, on Linux, the namespace of process ids, which differs per container. */
async function placeOf(): Promise<string> {
  const namespace = await readlink('/proc/self/ns/pid').catch(() => '');
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8').catch(() => '');
  return [hostname(), namespace, boot.trim()].join(' ');
}

/** When a process began, on Linux; elsewhere empty, and the id alone decides. */
async function beginningOf(pid: number): Promise<string> {
  const text = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  // The second field is the program's name in brackets, and may contain anything.
  return text.slice(text.lastIndexOf(')') + 2).split(' ')[19] ?? '';
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

async function mtimeOf(path: string): Promise<number | undefined> {
  const status = await stat(path).catch(() => undefined);
  return status?.mtimeMs;
}
