// A denoiser that opens at the first picture that needs one, with the cache before it, for all streams. Knows bytes and
// names.
import type { DenoiseCallOptions, Denoiser } from '../denoiser/denoiser.js';
import { fingerprintOf } from '../denoiser/fingerprint.js';
import { openDenoiser } from '../denoiser/open-denoiser.js';
import { type DenoisedBytes, denoiseEncodedPicture } from './encoded-picture.js';
import { openResultCache, resultKey } from './result-cache.js';
import type { PictureSettings } from './stream-options.js';

export interface PictureDenoiser {
  /** As `denoiseEncodedPicture`, or what the cache has of it. With a map of sigma, nothing is cached. */
  readonly denoise: (
    bytes: Buffer,
    name: string,
    call: Pick<DenoiseCallOptions, 'signal' | 'onProgress' | 'sigmaMap'>,
  ) => Promise<DenoisedBytes>;
  /** Whether the cache has the result, as far as that can be told without reading it. */
  readonly isKnown: (bytes: Buffer) => Promise<boolean>;
  /** Resolves when no picture is in work; closes the denoiser that was opened, one that the user gave stays open. */
  readonly close: () => Promise<void>;
}

/** Opens nothing yet: what the cache has costs no engine. */
export function pictureDenoiser(settings: PictureSettings): PictureDenoiser {
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

  const work: PictureDenoiser['denoise'] = async (bytes, name, call) => {
    const key = cache && call.sigmaMap === undefined ? await keyOf(bytes) : undefined;
    const kept = key === undefined ? undefined : await cache?.find(key);
    call.signal?.throwIfAborted();
    if (kept) return kept;
    const result = await denoiseEncodedPicture(bytes, name, open, { ...noise, ...call }, file);
    if (key !== undefined) await cache?.keep(key, result);
    return result;
  };

  return {
    async denoise(bytes, name, call) {
      const result = work(bytes, name, call);
      inWork.add(result);
      return result.finally(() => inWork.delete(result));
    },
    async isKnown(bytes) {
      const key = cache && (await keyOf(bytes));
      return key !== undefined && (await cache?.has(key)) === true;
    },
    async close() {
      await Promise.allSettled(inWork);
      const denoiser = await opened?.catch(() => undefined);
      await denoiser?.close();
    },
  };
}
