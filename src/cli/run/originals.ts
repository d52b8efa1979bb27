// In place: decides which pictures may be replaced. Follows no link out of the inputs, denoises no backup, and reports other
// names of a file.
import { lstat, realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { badOption, type FlowDenoiseError } from '../../core/errors.js';
import { printable } from '../../core/printable.js';
import type { FoundPicture, Job } from './destination.js';

interface Originals {
  readonly jobs: readonly Job[];
  /** Inputs that are backups of other inputs. */
  readonly backups: readonly string[];
}

interface Looked {
  readonly job: Job;
  /** Real path; undefined if it cannot be found. */
  readonly real: string | undefined;
  /** Whether it was reached by a link below the user's argument. */
  readonly isLink: boolean;
}

/**
 * Every picture once, under a name that is not a link. Links to other inputs are left out; links to anything else are refused.
 *
 * @param backup  the suffix of --backup
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

/** Most file systems outside Linux ignore case, and compose letters differently. */
function keyOf(path: string): string {
  return process.platform === 'linux' ? path : path.normalize('NFC').toLowerCase();
}

/** Counts each file's hard links that are neither inputs nor backups: these keep their noise. */
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
