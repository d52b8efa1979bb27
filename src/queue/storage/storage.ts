// Where a queue's pictures are: a folder that all machines see, or a bucket. Nothing outside its root is read or written.
import { badOption, FlowDenoiseError } from '../../core/errors.js';
import { printable } from '../../core/printable.js';

export interface StoredPicture {
  /** In a folder: the path below its root, with slashes. In a bucket: the object's key. */
  readonly path: string;
  /** Equal only for pictures with the same bytes. */
  readonly content: string;
  readonly bytes: number;
}

interface ReadRequest {
  /** More bytes are refused before they are read. */
  readonly most: number;
  /** The content that the file must still have. */
  readonly content?: string | undefined;
  readonly signal?: AbortSignal | undefined;
}

interface WriteRequest {
  /** The job's id. Only one result per job is written at a time. */
  readonly id: string;
  /** Whether to keep an existing file: its name identifies its content. */
  readonly keepsExisting: boolean;
  /** Whether an earlier run of this job may have left temporary files. */
  readonly isAgain: boolean;
  readonly signal?: AbortSignal | undefined;
}

export interface Storage {
  /** The name in jobs: 'folder', or the bucket as s3://name. A worker takes only jobs of its own storage. */
  readonly id: string;
  /** For messages. */
  readonly shown: string;
  /** From a path or s3:// address that a user passed to a path in the storage. */
  pathOf(location: string): Promise<string>;
  /** The reverse: a path or s3:// address for users. */
  locationOf(path: string): string;
  /** All pictures at or below a path. */
  list(path: string): AsyncIterable<StoredPicture>;
  find(path: string): Promise<StoredPicture>;
  exists(path: string): Promise<boolean>;
  /** @throws FlowDenoiseError BAD_IMAGE if it is gone or has changed, UNSUPPORTED_IMAGE above `most` */
  read(path: string, request: ReadRequest): Promise<Buffer>;
  /** Writes the whole file or nothing. */
  write(path: string, bytes: Uint8Array, request: WriteRequest): Promise<void>;
  close(): void;
}

/** @throws FlowDenoiseError BAD_OPTION for a path that leads out of its root, or is not in its normal form */
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
