// How our streams end: what is in work stops, what was opened closes, and only then do 'error' and 'close' go out.
import type { Transform } from 'node:stream';

export interface StreamEnding {
  /** Aborted when the stream ends, however it does, with the error if there is one. */
  readonly signal: AbortSignal;
  /** The stream's own `destroy`. Runs once: at the end as after an error or a call. */
  readonly destroy: (error: Error | null, done: (error?: Error | null) => void) => void;
  /** Has the stream destroyed with the user's reason when the user aborts. */
  readonly follow: (stream: Transform) => void;
}

export function streamEnding(userSignal: AbortSignal | undefined, close: () => Promise<void>): StreamEnding {
  const stopping = new AbortController();
  let onAbort: () => void = () => {};
  return {
    signal: stopping.signal,
    destroy(error, done) {
      userSignal?.removeEventListener('abort', onAbort);
      stopping.abort(error ?? undefined);
      close().then(
        () => done(error),
        (closeError: Error) => done(error ?? closeError),
      );
    },
    follow(stream) {
      onAbort = () => stream.destroy(asError(userSignal?.reason));
      if (userSignal?.aborted) onAbort();
      else userSignal?.addEventListener('abort', onAbort, { once: true });
    },
  };
}

export function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason));
}
