// What the steps of an installation share: where they write words and log, what stops them, and how they fail.
import { appendFileSync } from 'node:fs';
import { FlowDenoiseError } from '../core/errors.js';

export interface Installer {
  /** Says a line to the person who waits. */
  readonly say: (line: string) => void;
  readonly signal: AbortSignal;
  /** The file that has all output of the tools that were called. */
  readonly logPath: string;
}

export function log({ logPath }: Installer, text: string): void {
  appendFileSync(logPath, text);
}

/** A failed step: which, why, and what to do about it. */
export function installFailed(
  step: string,
  reason: string,
  remedy: string,
  options?: { cause?: unknown },
): FlowDenoiseError {
  return new FlowDenoiseError('INSTALL_FAILED', `${step} failed: ${reason}. To do: ${remedy}`, options);
}

/** TensorFlow is not to be had on this machine, whatever is tried again. */
export function notForThisPlatform(reason: string): FlowDenoiseError {
  return new FlowDenoiseError('ENGINE_UNAVAILABLE', `TensorFlow cannot be installed here: ${reason}`);
}
