// Reads, writes and finds files. It reads regular files only: a named pipe blocks its thread until somebody writes to it, and
// reading a device may never end. It writes a file whole or not at all: to a temporary file beside it, flushed, then renamed.
import { createHash, randomUUID } from 'node:crypto';
import { createReadStream, type Dirent, type Stats } from 'node:fs';
import {
  constants,
  copyFile,
  type FileHandle,
  lstat,
  mkdir,
  open,
  readdir,
  realpath,
  rename,
  rm,
  stat,
  writeFile,
} from 'node:fs/promises';
import { dirname, isAbsolute, join, relative, resolve, sep } from 'node:path';
import { badOption, codeOf, FlowDenoiseError, type FlowDenoiseErrorCode, messageOf } from './errors.js';

/** Without O_NONBLOCK, opening a named pipe waits for a writer. Windows has no such flag and needs none. */
const FLAGS = constants.O_RDONLY | (constants.O_NONBLOCK ?? 0);

interface ReadOptions {
  readonly signal?: AbortSignal | undefined;
  /** The largest size allowed, in bytes. */
  readonly most?: number;
  /** The code of the error for a larger file, or for one that is not regular. */
  readonly code?: FlowDenoiseErrorCode;
  /** The file's name in messages; default: its path. */
  readonly name?: string;
}

function kindOf(status: Stats): string {
  if (status.isDirectory()) return 'a folder';
  if (status.isFIFO()) return 'a named pipe';
  return status.isSocket() ? 'a socket' : 'a device';
}

function refuse(status: Stats, options: ReadOptions): void {
  const { name, code = 'BAD_OPTION', most = Number.POSITIVE_INFINITY } = options;
  if (!status.isFile())
    throw new FlowDenoiseError(
      code,
      `${name}: found ${kindOf(status)}, expected a file. Copy what it holds into a file first.`,
    );
  if (status.size > most)
    throw new FlowDenoiseError(
      code,
      `${name}: found ${status.size} bytes, expected at most ${most}. Fetch the file again.`,
    );
}

/** @throws FlowDenoiseError BAD_OPTION (or `code`) for a folder, pipe, socket or device; the system's error */
export async function refuseSpecialFile(path: string, options: ReadOptions = {}): Promise<void> {
  refuse(await stat(path), { name: path, ...options });
}

/** Opens for reading. The caller closes the handle. @throws as `refuseSpecialFile`, also for a file that is too large */
export async function openRegularFile(path: string, options: ReadOptions = {}): Promise<FileHandle> {
  const handle = await open(path, FLAGS);
  try {
    refuse(await handle.stat(), { name: path, ...options });
    return handle;
  } catch (error) {
    await handle.close();
    throw error;
  }
}

/** A regular file's bytes. @throws as `openRegularFile`; the signal's reason */
export async function readRegularFile(path: string, options: ReadOptions = {}): Promise<Buffer> {
  const handle = await openRegularFile(path, options);
  try {
    return await handle.readFile({ signal: options.signal });
  } finally {
    await handle.close();
  }
}

interface WriteOptions {
  /** Name of the temporary file; default: a new one. */
  readonly temporary?: string | undefined;
  /** Aborting before the rename leaves the path as it was. */
  readonly signal?: AbortSignal;
  /** Permissions and owner of the new file; default: the system's. */
  readonly like?: { readonly mode: number; readonly uid: number; readonly gid: number };
  /** Called just before the rename; if it throws, the path stays as it was. */
  readonly beforeRename?: () => Promise<void>;
}

/**
 * Writes a file; readers see the old one or the new one, never a part. Makes missing folders and replaces an existing file.
 *
 * @throws  FlowDenoiseError WRITE_FAILED; the signal's reason when aborted. Neither leaves a temporary file.
 */
export async function writeFileAtomic(
  path: string,
  bytes: Uint8Array | AsyncIterable<string | Uint8Array>,
  { signal, like, beforeRename, temporary }: WriteOptions = {},
): Promise<void> {
  signal?.throwIfAborted();
  try {
    await mkdir(dirname(path), { recursive: true });
    const write = async (file: string) => {
      // By its handle: the folder's owner could put a link to another file in its place.
      const handle = await open(file, 'wx', like?.mode);
      try {
        await writeFile(handle, bytes, { signal });
        if (like !== undefined) {
          // Only root may give a file away, and not everywhere.
          await handle.chown(like.uid, like.gid).catch(() => undefined);
          // The mode above is without the bits that the process masks, and chown clears some.
          await handle.chmod(like.mode);
        }
        await handle.sync();
      } finally {
        await handle.close();
      }
      signal?.throwIfAborted();
    };
    await replace(path, write, beforeRename, temporary);
  } catch (error) {
    if (signal?.aborted) throw signal.reason;
    if (error instanceof FlowDenoiseError) throw error;
    throw writeFailed(path, 'could not be written', error);
  }
}

/** Copies a file and its times; else as `writeFileAtomic`. @throws  the system's error; no temporary file is left */
export async function copyFileAtomic(
  from: string,
  to: string,
  beforeRename: () => Promise<void>,
): Promise<void> {
  const { atime, mtime } = await lstat(from);
  const copy = async (file: string) => {
    await copyFile(from, file, constants.COPYFILE_EXCL);
    const handle = await open(file, 'r+');
    try {
      await handle.utimes(atime, mtime);
      await handle.sync();
    } finally {
      await handle.close();
    }
  };
  await replace(to, copy, beforeRename);
}

/** Makes a temporary file beside the path, and renames it. */
async function replace(
  path: string,
  make: (temporary: string) => Promise<void>,
  beforeRename?: () => Promise<void>,
  name = `.flow-denoise-${randomUUID()}.tmp`,
): Promise<void> {
  const temporary = join(dirname(path), name);
  try {
    await make(temporary);
    await beforeRename?.();
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => undefined);
    throw error;
  }
}

/** Runs work that writes to a path. @throws FlowDenoiseError WRITE_FAILED, with `what` and advice, for any error of the work */
export async function orWriteFailed<Result>(
  path: string,
  what: string,
  work: () => Promise<Result>,
): Promise<Result> {
  try {
    return await work();
  } catch (error) {
    throw writeFailed(path, what, error);
  }
}

export function writeFailed(path: string, what: string, cause: unknown): FlowDenoiseError {
  return new FlowDenoiseError(
    'WRITE_FAILED',
    `${path}: ${what} (${messageOf(cause)}). Expected a folder that can be written to, with space left; check both.`,
    { cause },
  );
}

/** A file's SHA-256, hexadecimal, and its bytes, read in chunks. @throws the system's error */
export async function hashOfFile(path: string) {
  const hashing = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(path)) {
    hashing.update(chunk);
    bytes += chunk.length;
  }
  return { hash: hashing.digest('hex'), bytes };
}

/** What identifies a file or folder under all its names, and their number; undefined if there is none. */
export async function fileId(path: string) {
  const status = await stat(path, { bigint: true }).catch(() => undefined);
  return status && { id: `${status.dev}:${status.ino}`, links: Number(status.nlink) };
}

/** Flushes the names in a folder, so that they survive a power cut. Does nothing on Windows, which cannot. */
export async function syncFolder(path: string): Promise<void> {
  const handle = await open(path).catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}

/**
 * Every file below a folder. Walks it, since patterns do not match names with line breaks. Skips hidden files and folders.
 * Follows links, but never to a folder that the link lies in.
 *
 * @param onUnreadable  called for a folder inside it that cannot be read, whose files are then left out; throws by default
 * @returns             paths relative to the folder, with slashes
 * @throws              FlowDenoiseError BAD_OPTION, with the folder that cannot be read
 */
export function filesBelow(
  folder: string,
  onUnreadable = (error: FlowDenoiseError): void => {
    throw error;
  },
): Promise<string[]> {
  return walk(folder, '', [], onUnreadable);
}

/** @param above  the real paths of the folders that this one lies in */
async function walk(
  root: string,
  below: string,
  above: readonly string[],
  onUnreadable: (error: FlowDenoiseError) => void,
): Promise<string[]> {
  const folder = join(root, below);
  const found: string[] = [];
  let real: string;
  let entries: Dirent[];
  try {
    real = await realpath(folder);
    if (above.some((each) => each === real || each.startsWith(real + sep))) return found;
    entries = await readdir(folder, { withFileTypes: true });
  } catch (error) {
    const why = codeOf(error) ?? messageOf(error);
    const fault = badOption(`${folder}: cannot be read (${why}). Expected a folder that may be read.`, error);
    if (below === '') throw fault;
    onUnreadable(fault);
    return found;
  }
  for (const entry of entries) {
    if (entry.name.startsWith('.')) continue;
    const path = below === '' ? entry.name : `${below}/${entry.name}`;
    // A broken link is no file.
    const it = entry.isSymbolicLink() ? await stat(join(root, path)).catch(() => undefined) : entry;
    if (it?.isFile()) found.push(path);
    if (it?.isDirectory()) found.push(...(await walk(root, path, [...above, real], onUnreadable)));
  }
  return found;
}

/** False for the folder itself. */
export function isBelow(path: string, folder: string): boolean {
  const way = relative(resolve(folder), resolve(path));
  return way !== '' && way !== '..' && !/^\.\.[/\\]/.test(way) && !isAbsolute(way);
}
