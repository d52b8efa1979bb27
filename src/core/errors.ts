// Every error that users can act on. A message says what is wrong, and what to do. Programs read `code`.
import { printableLines } from './printable.js';

export type FlowDenoiseErrorCode =
  | 'BAD_OPTION'
  | 'BAD_IMAGE'
  | 'UNSUPPORTED_IMAGE'
  | 'BAD_PRIOR'
  | 'SIGMA_OUT_OF_RANGE'
  | 'NEEDS_CONDITIONING'
  | 'ENGINE_UNAVAILABLE'
  | 'ENGINE_FAILED'
  | 'INSTALL_FAILED'
  | 'WRITE_FAILED'
  | 'BAD_CHECKPOINT'
  | 'TRAINING_FAILED'
  | 'QUEUE_FAILED'
  | 'STORAGE_FAILED'
  | 'CLOSED';

/** Control characters in the message are escaped. An abort is none of these: it rejects with the signal's own reason. */
export class FlowDenoiseError extends Error {
  readonly code: FlowDenoiseErrorCode;

  constructor(code: FlowDenoiseErrorCode, message: string, options?: { cause?: unknown }) {
    super(printableLines(message), options);
    this.name = 'FlowDenoiseError';
    this.code = code;
  }
}

/** For an option that has a wrong value, or names a file or folder that is not as expected. */
export function badOption(message: string, cause?: unknown): FlowDenoiseError {
  return new FlowDenoiseError('BAD_OPTION', message, cause === undefined ? undefined : { cause });
}

/** For a picture that is damaged, or not as expected. */
export function badImage(message: string): FlowDenoiseError {
  return new FlowDenoiseError('BAD_IMAGE', message);
}

/** The error's code, such as ENOENT; undefined if it has none. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}

/** The message of any thrown value, to quote in a message of our own. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
