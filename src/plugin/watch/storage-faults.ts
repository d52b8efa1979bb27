// Which faults of the storage may pass, and waiting until they have.
import { setTimeout as delay } from 'node:timers/promises';
import { codeOf, FlowDenoiseError, messageOf } from '../../core/errors.js';
import { asError } from '../encoded-picture.js';

const FIRST_RETRY_MS = 1000;
const LONGEST_RETRY_MS = 60_000;
/** How many tries `once` makes before it leaves a picture to the next run. */
const ONCE_TRIES = 3;

/** Write errors about one path; all others are about the storage. */
const PATH_FAULTS = ['ENOTDIR', 'EEXIST', 'EISDIR', 'ENAMETOOLONG', 'EINVAL', 'EILSEQ', 'ELOOP'];

/** Read errors about the storage, or too many open files; all others are about the file. */
const READING_FAULTS = [
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

/** The system's code (ENOENT ...) of an error or of its cause. */
export function systemCode(error: unknown): string | undefined {
  return error instanceof FlowDenoiseError ? systemCode(error.cause) : codeOf(error);
}

/** The picture is not at fault, and nobody waits for the fault to pass: the picture stays, to be taken again. */
export class PassingFault extends Error {
  override readonly cause: Error;
  constructor(error: unknown) {
    super(messageOf(error));
    this.cause = asError(error);
  }
}

interface Insisting {
  readonly until: AbortSignal;
  readonly isReading: boolean;
  readonly isOnce: boolean;
}

/** Repeats work while the storage is at fault. @throws other faults; a PassingFault after three tries with `isOnce` */
export async function insistOn<T>(
  work: () => Promise<T>,
  onProblem: (error: unknown, retryInMs: number) => void,
  { until, isReading, isOnce }: Insisting,
): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await work();
    } catch (error) {
      until.throwIfAborted();
      const code = systemCode(error) ?? '';
      const mayPass = isReading ? READING_FAULTS.includes(code) : !PATH_FAULTS.includes(code);
      if (code === '' || !mayPass) throw error;
      if (isOnce && tries === ONCE_TRIES) throw new PassingFault(error);
      const retryInMs = Math.min(FIRST_RETRY_MS * 2 ** (tries - 1), LONGEST_RETRY_MS);
      onProblem(error, retryInMs);
      await delay(retryInMs, undefined, { signal: until }).catch(() => until.throwIfAborted());
    }
  }
}
