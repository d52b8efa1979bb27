// In place: decides which pictures may be replaced, and replaces an original atomically, with its permissions, after making a
// backup if asked. A file that has changed since it was read is not replaced. A backup equal to the original means "not
// denoised yet", a different one "done". However the process ends, the original exists under one of its two names.

import type { BigIntStats } from 'node:fs';
import { link, lstat, readFile, realpath, stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import sharp from 'sharp';
import { badOption, codeOf, FlowDenoiseError, messageOf } from '../../core/errors.js';
import { copyFileAtomic, fileId, syncFolder, writeFileAtomic } from '../../core/files.js';
import { printable } from '../../core/printable.js';
import { formatOfFile } from '../../image/index.js';
import type { FoundPicture, Job } from './destination.js';

interface Looked {
  readonly job: Job;
  /** Without links. */
  readonly real: string;
  /** Whether it was reached by a link below the user's argument. */
  readonly isLink: boolean;
}

/**
 * Every picture once, under a name that is not a link, and the inputs that are backups of others. Links to other inputs are left
 * out; links to anything else are refused.
 */
export async function originalsOf(found: readonly FoundPicture[], backup: string | undefined) {
  const looked = await Promise.all(found.map(look));
  const backupNames = new Set(
    backup === undefined ? [] : looked.map(({ real }) => keyOf(`${real}${backup}`)),
  );
  const isBackup = ({ real }: Looked) => backupNames.has(keyOf(real));
  const pictures = looked.filter((each) => !isBackup(each));
  const own = new Map<string, Looked>();
  for (const each of pictures)
    if (!each.isLink && !own.has(keyOf(each.real))) own.set(keyOf(each.real), each);
  const kept = pictures.filter((each) => (own.get(keyOf(each.real)) ?? each) === each);
  const others = await otherNames([...own.values()], backup);
  return {
    jobs: kept.map((each) => {
      if (each.isLink) return { ...each.job, refusal: leadsOut(each) };
      const count = others.get(each) ?? 0;
      return count > 0 ? { ...each.job, otherNames: count } : each.job;
    }),
    backups: looked.filter(isBackup).map(({ job }) => job.input),
  };
}

async function look({ job, base, below }: FoundPicture): Promise<Looked> {
  const realOf = (path: string) => realpath(path).catch(() => resolve(path));
  const real = await realOf(job.input);
  return { job, real, isLink: keyOf(real) !== keyOf(join(await realOf(base), below)) };
}

/** Most file systems outside Linux ignore case, and compose letters differently. */
export function keyOf(path: string): string {
  return process.platform === 'linux' ? path : path.normalize('NFC').toLowerCase();
}

/** Counts each file's hard links that are neither inputs nor backups: these keep their noise. */
async function otherNames(
  own: readonly Looked[],
  backup: string | undefined,
): Promise<ReadonlyMap<Looked, number>> {
  const known = new Map<string, number>();
  const linked: { readonly each: Looked; readonly id: string; readonly links: number }[] = [];
  for (const each of own) {
    const file = await fileId(each.real);
    if (file === undefined || file.links < 2) continue;
    const hasBackup = backup !== undefined && (await fileId(`${each.real}${backup}`))?.id === file.id;
    known.set(file.id, (known.get(file.id) ?? 0) + (hasBackup ? 2 : 1));
    linked.push({ each, ...file });
  }
  return new Map(linked.map(({ each, id, links }) => [each, links - (known.get(id) ?? 0)]));
}

function leadsOut({ job, real }: Looked): FlowDenoiseError {
  return badOption(
    `${printable(job.input)}: found a link to ${printable(real)}, which is not among the inputs, so it is not replaced. ` +
      'Name that file itself, or leave the link out.',
  );
}

/** Judged by its backup. @throws FlowDenoiseError WRITE_FAILED if the file with the backup's name is not its original */
export async function isDoneBefore(path: string, backup: string): Promise<boolean> {
  const file = await realpath(path);
  const kept = `${file}${backup}`;
  const status = await lstat(kept).catch(() => undefined);
  if (status === undefined || (await isSameFile(file, kept))) return false;
  // A link would be followed, perhaps to the picture itself.
  if (!status.isFile() || !(await isSameKind(file, kept))) throw taken(path, backup);
  return true;
}

/**
 * Replaces an original by its result; a symbolic link stays one.
 *
 * @param before  the original's state when it was read
 * @param backup  suffix for the backup
 * @throws        FlowDenoiseError WRITE_FAILED, the original unchanged; the signal's reason when aborted
 */
export async function replaceOriginal(
  path: string,
  bytes: Uint8Array,
  before: BigIntStats,
  { backup, signal }: { readonly backup: string | undefined; readonly signal: AbortSignal },
): Promise<void> {
  const file = await realpath(path);
  async function refuseChanged(): Promise<void> {
    const { size, mtimeNs, ino } = await stat(file, { bigint: true });
    if (size !== before.size || mtimeNs !== before.mtimeNs || ino !== before.ino)
      throw failed(path, 'it was changed while it was in work, and is left as it is; denoise it again');
  }
  await refuseChanged();
  signal.throwIfAborted();
  if (backup !== undefined) {
    await keep(file, `${file}${backup}`).catch((error: unknown) => {
      if (codeOf(error) === 'EEXIST') throw taken(path, backup);
      throw failed(path, `its backup ${path}${backup} could not be made (${messageOf(error)})`, error);
    });
    // Flush the backup's name before the original's is reused.
    await syncFolder(dirname(file));
  }
  const like = { mode: Number(before.mode & 0o7777n), uid: Number(before.uid), gid: Number(before.gid) };
  await writeFileAtomic(file, bytes, { signal, like, beforeRename: refuseChanged });
}

/** Makes a hard link to keep the file; a copy if the file system has no hard links. */
async function keep(file: string, backup: string): Promise<void> {
  try {
    await link(file, backup);
  } catch (error) {
    if (await isSameFile(file, backup)) return;
    if (codeOf(error) === 'EEXIST') throw error;
    await copyFileAtomic(file, backup, async () => {
      if (await lstat(backup).catch(() => undefined))
        throw Object.assign(new Error('it already exists'), { code: 'EEXIST' });
    });
  }
}

/** Two names of one file, or a complete copy. */
async function isSameFile(path: string, other: string): Promise<boolean> {
  const [one, two] = await Promise.all(
    [path, other].map((each) => lstat(each, { bigint: true }).catch(() => undefined)),
  );
  if (!one?.isFile() || !two?.isFile() || one.size !== two.size) return false;
  if (one.dev === two.dev && one.ino === two.ino) return true;
  return (await readFile(path)).equals(await readFile(other));
}

/** Same format and size, as a result and its original have. */
async function isSameKind(path: string, other: string): Promise<boolean> {
  const [one, two] = await Promise.all([path, other].map(kindOf));
  return one !== undefined && one === two;
}

async function kindOf(path: string): Promise<string | undefined> {
  const format = await formatOfFile(path);
  const reading = sharp(path, { limitInputPixels: false }).metadata();
  const header = await reading.catch(() => undefined);
  return format && header && `${format} ${header.width} ${header.height}`;
}

function taken(path: string, backup: string): FlowDenoiseError {
  return failed(
    path,
    `its backup ${path}${backup} already exists and is not its original; move it away, or pass another suffix to --backup`,
  );
}

function failed(path: string, what: string, cause?: unknown): FlowDenoiseError {
  return new FlowDenoiseError('WRITE_FAILED', `${path}: ${what}`, { cause });
}
