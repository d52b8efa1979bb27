// For streams, the command and watched folders: a denoiser that opens at the first picture that needs it, behind the cache.
import type { DenoiseCallOptions, Denoiser } from '../denoiser/denoiser.js';
import { fingerprintOf } from '../denoiser/fingerprint.js';
import { openDenoiser } from '../denoiser/open-denoiser.js';
import { type DenoisedBytes, denoiseEncodedPicture } from './encoded-picture.js';
import { openResultCache, resultKey } from './result-cache.js';
import type { PictureSettings } from './stream-options.js';

interface PictureCall extends Pick<DenoiseCallOptions, 'signal' | 'onProgress' | 'sigmaMap'> {
  /** Called once the picture is known to be readable, unless the result comes from the cache. */
  readonly onReadable?: () => void;
}

export type PictureDenoiser = ReturnType<typeof pictureDenoiser>;

/** Opens nothing yet: results from the cache need no engine. */
export function pictureDenoiser(settings: PictureSettings) {
  const { opening, noise, file, denoiser: shared } = settings;
  const cache = settings.cache === false ? undefined : openResultCache(settings.cache);
  let opened: Promise<Denoiser> | undefined;
  let fingerprint: Promise<string | undefined> | undefined;
  const inWork = new Set<Promise<unknown>>();

  async function open(): Promise<Denoiser> {
    if (shared !== undefined) return shared;
    opened ??= openDenoiser(opening);
    return opened;
  }

  async function keyOf(bytes: Buffer): Promise<string | undefined> {
    fingerprint ??= shared ? Promise.resolve(shared.fingerprint) : fingerprintOf(opening);
    const denoiser = await fingerprint;
    return denoiser === undefined ? undefined : resultKey(bytes, denoiser, noise, file);
  }

  async function work(bytes: Buffer, name: string, { onReadable, ...call }: PictureCall) {
    const key = cache && call.sigmaMap === undefined ? await keyOf(bytes) : undefined;
    const kept = key === undefined ? undefined : await cache?.find(key);
    call.signal?.throwIfAborted();
    if (kept) return kept;
    const openFor = () => {
      onReadable?.();
      return open();
    };
    const denoised = denoiseEncodedPicture(bytes, name, openFor, { ...noise, ...call }, file);
    // Awaited here, this call would keep the file's bytes in memory meanwhile.
    if (key === undefined) return denoised;
    return denoised.then(async (result) => {
      await cache?.keep(key, result);
      return result;
    });
  }

  return {
    open,
    /** As `denoiseEncodedPicture`, or from the cache. Results with a sigma map are not cached. */
    async denoise(bytes: Buffer, name: string, call: PictureCall): Promise<DenoisedBytes> {
      const result = work(bytes, name, call);
      inWork.add(result);
      return result.finally(() => inWork.delete(result));
    },
    /** Whether the cache has the result; it is not read, so it may be damaged. */
    async isKnown(bytes: Buffer): Promise<boolean> {
      const key = cache && (await keyOf(bytes));
      return key !== undefined && (await cache?.has(key)) === true;
    },
    /** Resolves when no picture is in work. Closes the denoiser unless the user passed it. */
    async close(): Promise<void> {
      await Promise.allSettled(inWork);
      const denoiser = await opened?.catch(() => undefined);
      await denoiser?.close();
    },
  };
}
