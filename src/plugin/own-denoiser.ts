// The denoiser of a stream: the user's own, which stays open, or one that opens at the first picture and closes with
// the stream.
import type { Denoiser } from '../denoiser/denoiser.js';
import { openDenoiser } from '../denoiser/open-denoiser.js';
import type { DenoiserOptions } from '../denoiser/options.js';

export interface OwnDenoiser {
  /** The same denoiser, or the same failure to open one, at every call. */
  readonly open: () => Promise<Denoiser>;
  /** Closes what `open` opened; a shared denoiser stays open. */
  readonly close: () => Promise<void>;
}

/** Opens nothing yet. */
export function ownDenoiser(shared: Denoiser | undefined, options: DenoiserOptions): OwnDenoiser {
  let opening: Promise<Denoiser> | undefined;
  return {
    async open() {
      if (shared !== undefined) return shared;
      opening ??= openDenoiser(options);
      return opening;
    },
    async close() {
      const opened = await opening?.catch(() => undefined);
      await opened?.close();
    },
  };
}
