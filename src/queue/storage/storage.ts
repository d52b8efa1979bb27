// Where a queue's pictures lie: a folder that all machines see, or a bucket. Nothing outside its root is read or
// written.
import { badOption, FlowDenoiseError } from '../../core/errors.js';
import { printable } from '../../core/printable.js';

export interface StoredPicture {
  /** Below the root of a folder, its parts joined by '/'; in a bucket the object's key. */
  readonly path: string;
  /** Two pictures that share it have the same bytes. */
  readonly content: string;
  readonly bytes: number;
}

export interface ReadRequest {
  /** More bytes than these are refused before they are read. */
  readonly most: number;
  /** What the file must still have in it. */
  readonly content?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface WriteRequest {
  /** The job: of it, one result is written at a time. */
  readonly id: string;
  /** Whether a file of this name is left as it is: the name says what is in it. */
  readonly keepsExisting: boolean;
  /** Whether an earlier run of this job may have left something behind. */
  readonly isAgain: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface Storage {
  /** What jobs call it: 'folder', or the bucket as s3://name. A worker takes the jobs of its own storage alone. */
  readonly id: string;
  /** For messages. */
  readonly shown: string;
  /** What a person calls a place in it (a path of this machine, an s3:// address), as a path in it. */
  pathOf(location: string): Promise<string>;
  /** As a person would call it. */
  locationOf(path: string): string;
  /** All pictures at or below a path. */
  list(path: string): AsyncIterable<StoredPicture>;
  find(path: string): Promise<StoredPicture>;
  exists(path: string): Promise<boolean>;
  /** @throws FlowDenoiseError BAD_IMAGE where it is not there or has changed, UNSUPPORTED_IMAGE above `most` */
  read(path: string, request: ReadRequest): Promise<Buffer>;
  /** Writes all of it or nothing. */
  write(path: string, bytes: Uint8Array, request: WriteRequest): Promise<void>;
  close(): void;
}

/**
 * Refuses a path that leads out of its root or is written in two ways.
 *
 * @throws FlowDenoiseError BAD_OPTION
 */
export function checkPath(path: string): void {
  const parts = path.split('/');
  const isPlain = parts.every((part) => part !== '' && part !== '.' && part !== '..');
  if (isPlain && !/[\\\0]/.test(path) && path.length <= 1024) return;
  throw badOption(
    `${printable(path)}: expected a path below the root of the storage, without "..", "." or a backslash. Correct the path and submit again.`,
  );
}

/** @throws FlowDenoiseError BAD_OPTION */
export function refuseOutside(path: string, root: string): never {
  throw badOption(
    `${printable(path)}: lies outside ${printable(root)}, where workers may read and write. Move it there, or start the worker above it.`,
  );
}

/** @throws FlowDenoiseError BAD_IMAGE */
export function refuseMissing(location: string, why: 'gone' | 'changed'): never {
  const found = why === 'gone' ? 'is not there' : 'has changed since it was submitted';
  throw new FlowDenoiseError('BAD_IMAGE', `${printable(location)}: ${found}. Submit it again.`);
}
