// Faults of the storage: which may pass, and waiting until they have.
import { setTimeout as delay } from 'node:timers/promises';
import { messageOf } from '../../core/errors.js';
import { systemCode } from './results/outputs.js';

const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 60_000;
/** How often `once` tries before it leaves a picture to the next run. */
const ONCE_TRIES = 3;

/** Whether what the system answered with this code may be over later. */
export type MayPass = (code: string) => boolean;

/** These are about one path; any other answer to a writing is about the storage. */
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

/** These are about the storage, or too many open files; any other answer to a reading is about the file. */
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

/** Not the picture is at fault, and nobody waits for what is: it is left as it was, to be taken again. */
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
  /** Default: every fault of a writing that is not about its path. */
  readonly mayPass?: MayPass | undefined;
  readonly isOnce: boolean;
}

/**
 * Works, again and again while the storage is at fault.
 *
 * @throws  what does not pass; a PassingFault after three tries with `isOnce`; the signal's reason
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
