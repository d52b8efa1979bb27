// The one family of errors. A message says what happened to which file or option, what was expected, and
// what to do; `code` is for programs.

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

/** An error a user can act on; control characters that names bring into its message are escaped. Aborts are not among these: they reject with the signal's own reason. */
export class FlowDenoiseError extends Error {
  readonly code: FlowDenoiseErrorCode;

  constructor(code: FlowDenoiseErrorCode, message: string, options?: { cause?: unknown }) {
    super(printableLines(message), options);
    this.name = 'FlowDenoiseError';
    this.code = code;
  }
}

/** The error that most checks throw: an option, or a file or folder that an option names, is not what it should be. */
export function badOption(message: string, cause?: unknown): FlowDenoiseError {
  return new FlowDenoiseError('BAD_OPTION', message, cause === undefined ? undefined : { cause });
}

/** The system's or our own code of whatever was thrown, such as ENOENT; undefined where it has none. */
export function codeOf(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error ? String(error.code) : undefined;
}

/** The message of whatever was thrown, for putting into a message of our own. */
export function messageOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
