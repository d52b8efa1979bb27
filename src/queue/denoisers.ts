// The denoisers of a worker: one per set of opening options, of which the last few stay open.
import type { Denoiser } from '../denoiser/denoiser.js';
import { openDenoiser } from '../denoiser/open-denoiser.js';
import type { DenoiserOptions } from '../denoiser/options.js';

/** Each keeps threads and a prior's weights in memory. */
const MOST_OPEN = 2;

interface Entry {
  readonly denoiser: Promise<Denoiser>;
  users: number;
  isSpoilt: boolean;
}

export interface Denoisers {
  /** Lends a denoiser to `work`. @param isEngineFault  whether an error means that it should not be used again */
  use<T>(
    options: DenoiserOptions,
    work: (open: () => Promise<Denoiser>) => Promise<T>,
    isEngineFault: (error: unknown) => boolean,
  ): Promise<T>;
  close(): Promise<void>;
}

export function openDenoisers(): Denoisers {
  /** In the order of use, the last used at the end. */
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
