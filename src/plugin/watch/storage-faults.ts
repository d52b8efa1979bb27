// Which faults of the storage may pass, and waiting until they have.
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../core/errors.js';
import { systemCode } from './results/outputs.js';

const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 60_000;
/** How many tries `once` makes before it leaves a picture to the next run. */
const ONCE_TRIES = 3;

export type MayPass = (code: string) => boolean;

/** Write errors about one path; all others are about the storage. */
const PATH_FAULTS: readonly string[] = [
  'ENOTDIR',
  'EEXIST',
  'EISDIR',
  'ENAMETOOLONG',
  'EINVAL',
  'EILSEQ',
  'ELOOP',
];
const mayBeWrittenLater: MayPass = (code) => !PATH_FAULTS.includes(code);

/** Read errors about the storage, or too many open files; all others are about the file. */
const READING_FAULTS: readonly string[] = [
  'EIO',
  'ESTALE',
  'EREMOTEIO',
  'ENOTCONN',
  'ETIMEDOUT',
  'EHOSTDOWN',
  'EHOSTUNREACH',
  'ENODEV',
  'EMFILE',
  'ENFILE',
];
export const mayBeReadLater: MayPass = (code) => READING_FAULTS.includes(code);

/** The picture is not at fault, and nobody waits for the fault to pass: the picture stays, to be taken again. */
export class PassingFault extends Error {
  override readonly cause: Error;
  constructor(error: unknown) {
    super(messageOf(error));
    this.cause = error instanceof Error ? error : new Error(String(error));
  }
}

export interface Insisting {
  readonly onProblem: (error: unknown, retryInMs: number) => void;
  readonly until: AbortSignal;
  /** Default: every write error that is not about its path. */
  readonly mayPass?: MayPass | undefined;
  readonly isOnce: boolean;
}

/**
 * Repeats work until the storage is no longer at fault.
 *
 * @throws  faults that do not pass; a PassingFault after three tries with `isOnce`; the signal's reason
 */
export async function insistOn<T>(
  work: () => Promise<T>,
  { onProblem, until, mayPass = mayBeWrittenLater, isOnce }: Insisting,
): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      until.throwIfAborted();
      const code = systemCode(error);
      if (code === undefined || !mayPass(code)) throw error;
      if (isOnce && tries === ONCE_TRIES) throw new PassingFault(error);
      const retryInMs = Math.min(FIRST_RETRY_MS * 2 ** (tries - 1), LONGEST_RETRY_MS);
      onProblem(error, retryInMs);
      await delay(retryInMs, undefined, { signal: until }).catch(() => until.throwIfAborted());
    }
  }
}
