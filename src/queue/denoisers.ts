// The denoisers of a worker: one for each set of options that opens one, the last few kept open.
import type { Denoiser } from '../denoiser/denoiser.js';
import { openDenoiser } from '../denoiser/open-denoiser.js';
import type { DenoiserOptions } from '../denoiser/options.js';

/** Each keeps its threads and the prior's weights in memory. */
const MOST_OPEN = 2;

interface Entry {
  readonly denoiser: Promise<Denoiser>;
  users: number;
  isSpoilt: boolean;
}

export interface Denoisers {
  /**
   * Lends a denoiser for a time.
   *
   * @param isEngineFault  whether an error means that this denoiser should not be used again
   */
  use<T>(
    options: DenoiserOptions,
    work: (open: () => Promise<Denoiser>) => Promise<T>,
    isEngineFault: (error: unknown) => boolean,
  ): Promise<T>;
  close(): Promise<void>;
}

export function openDenoisers(): Denoisers {
  /** The one that was used last is the last. */
  const entries = new Map<string, Entry>();

  function entryOf(options: DenoiserOptions): [string, Entry] {
    const key = JSON.stringify(Object.entries(options).sort());
    const entry = entries.get(key) ?? { denoiser: openDenoiser(options), users: 0, isSpoilt: false };
    entry.denoiser.catch(() => {
      entry.isSpoilt = true;
    });
    entries.delete(key);
    entries.set(key, entry);
    return [key, entry];
  }

  async function closeIdle(): Promise<void> {
    for (const [key, entry] of [...entries]) {
      if (entry.users > 0 || !(entry.isSpoilt || entries.size > MOST_OPEN)) continue;
      entries.delete(key);
      await close(entry);
    }
  }

  return {
    async use(options, work, isEngineFault) {
      let lent: Entry | undefined;
      const open = async () => {
        if (lent === undefined) {
          const [key, entry] = entryOf(options);
          if (entry.isSpoilt) entries.delete(key);
          lent = entry.isSpoilt ? entryOf(options)[1] : entry;
          lent.users++;
          await closeIdle();
        }
        return lent.denoiser;
      };
      try {
        return await work(open);
      } catch (error) {
        if (lent && isEngineFault(error)) lent.isSpoilt = true;
        throw error;
      } finally {
        if (lent) lent.users--;
        await closeIdle();
      }
    },
    async close() {
      for (const entry of entries.values()) await close(entry);
      entries.clear();
    },
  };
}

async function close({ denoiser }: Entry): Promise<void> {
  const opened = await denoiser.catch(() => undefined);
  await opened?.close();
}
