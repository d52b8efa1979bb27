// In place: which pictures may be replaced. No link is followed out of the inputs, no backup is denoised, and other
// names of a file are told.
import { lstat, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { badOption, type FlowDenoiseError } from '../../core/errors.js';
import { printable } from '../../core/printable.js';
import type { FoundPicture, Job } from './destination.js';

interface Originals {
  readonly jobs: readonly Job[];
  /** Backups of other pictures among the inputs. */
  readonly backups: readonly string[];
}

interface Looked {
  readonly job: Job;
  /** Where the bytes lie; undefined where that cannot be told. */
  readonly real: string | undefined;
  /** Whether a link, below what the user named, leads there. */
  readonly isLink: boolean;
}

/**
 * Every picture once, under the name that is no link. A link to another input is left out; a link to anything else is
 * refused.
 *
 * @param backup  what --backup appends to a name
 */
export async function originalsOf(
  found: readonly FoundPicture[],
  backup: string | undefined,
): Promise<Originals> {
  const looked = await Promise.all(found.map(look));
  const backupNames = new Set(
    backup === undefined ? [] : looked.map(({ real }) => real && keyOf(`${real}${backup}`)),
  );
  const isBackup = ({ real }: Looked) => real !== undefined && backupNames.has(keyOf(real));
  const pictures = looked.filter((each) => !isBackup(each));
  const own = new Map<string, Looked>();
  for (const each of pictures)
    if (!each.isLink && each.real !== undefined && !own.has(keyOf(each.real)))
      own.set(keyOf(each.real), each);
  const kept = pictures.filter(
    (each) => each.real === undefined || own.get(keyOf(each.real)) === each || !own.has(keyOf(each.real)),
  );
  const others = await otherNames([...own.values()], backup);
  return {
    jobs: kept.map((each) => {
      if (each.isLink && each.real !== undefined)
        return { ...each.job, refusal: leadsOut(each.job, each.real) };
      const count = others.get(each) ?? 0;
      return count > 0 ? { ...each.job, otherNames: count } : each.job;
    }),
    backups: looked.filter(isBackup).map(({ job }) => job.input),
  };
}

async function look({ job, base, below }: FoundPicture): Promise<Looked> {
  const real = await realpath(job.input).catch(() => undefined);
  const unlinked = await realpath(base).then(
    (folder) => join(folder, below),
    () => undefined,
  );
  const isLink = real !== undefined && unlinked !== undefined && keyOf(real) !== keyOf(unlinked);
  return { job, real, isLink };
}

/** Most file systems outside Linux take A.png and a.png for one file, and differ in how they compose letters. */
function keyOf(path: string): string {
  return process.platform === 'linux' ? path : path.normalize('NFC').toLowerCase();
}

/** How many hard links each file has that are neither inputs nor backups of them: these keep their noise. */
async function otherNames(
  own: readonly Looked[],
  backup: string | undefined,
): Promise<ReadonlyMap<Looked, number>> {
  const links = new Map<string, { total: number; known: number; names: Looked[] }>();
  const idOf = async (path: string) => {
    const status = await lstat(path, { bigint: true }).catch(() => undefined);
    return status && { id: `${status.dev}:${status.ino}`, total: Number(status.nlink) };
  };
  for (const each of own) {
    const file = each.real === undefined ? undefined : await idOf(each.real);
    if (file === undefined || file.total < 2) continue;
    const entry = links.get(file.id) ?? { total: file.total, known: 0, names: [] };
    links.set(file.id, entry);
    entry.names.push(each);
    entry.known++;
    if (backup !== undefined && (await idOf(`${each.real}${backup}`))?.id === file.id) entry.known++;
  }
  return new Map(
    [...links.values()].flatMap(({ total, known, names }) =>
      names.map((each) => [each, total - known] as const),
    ),
  );
}

function leadsOut({ input }: Job, real: string): FlowDenoiseError {
  return badOption(
    `${printable(input)}: found a link to ${printable(real)}, which is not among the inputs, so it is not replaced. ` +
      'Name that file itself, or leave the link out.',
  );
}
