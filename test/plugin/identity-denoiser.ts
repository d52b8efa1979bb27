// A denoiser of our own interface that corrects nothing: it shows how many pictures are in work, and takes as
// long as a test wants.
import { setTimeout as delay } from 'node:timers/promises';
import type { DenoiseCallOptions, DenoiseReport, Denoiser } from '#src/denoiser/denoiser.js';

export interface IdentityDenoiser extends Denoiser {
  /** Pictures begun so far. */
  readonly begun: () => number;
  /** Pictures in work now. */
  readonly inWork: () => number;
  readonly isClosed: () => boolean;
}

/** @param milliseconds  how long a picture of this width takes */
export function identityDenoiser(milliseconds: (width: number) => number = () => 0): IdentityDenoiser {
  let [begun, inWork, isClosed] = [0, 0, false];
  const report = (): DenoiseReport => ({
    prior: 'none',
    engine: 'none',
    method: 'beta-map',
    ensemble: 1,
    scales: 1,
    isUnchanged: false,
    sigma: 25,
    noise: { model: 'gaussian', sigma: 25, isEstimated: false, why: 'a test said so' },
    range: { black: 0, white: 255, isFound: false },
    oddPixels: 0,
    beta: 1,
    tiles: 1,
    evaluations: 0,
    fallbackTiles: 0,
    spotTiles: 0,
    seconds: 0,
  });
  async function wait(
    picture: { width: number },
    { signal, onProgress }: DenoiseCallOptions = {},
  ): Promise<void> {
    begun++;
    inWork++;
    try {
      await delay(milliseconds(picture.width), undefined, { signal }).catch((error: unknown) => {
        throw signal?.aborted ? signal.reason : error;
      });
      onProgress?.({ tilesDone: 1, tiles: 1, secondsLeft: 0 });
    } finally {
      inWork--;
    }
  }
  return {
    prior: 'none',
    engine: { name: 'none', why: 'a test asked for it' },
    method: 'beta-map',
    ensemble: 1,
    scales: 1,
    fingerprint: 'identity',
    sigmaRange: undefined,
    async denoise(picture, options) {
      await wait(picture, options);
      return { ...picture, report: report() };
    },
    estimate: async (sizes) => ({ tiles: sizes.length, evaluations: sizes.length, seconds: 0 }),
    async close() {
      isClosed = true;
    },
    begun: () => begun,
    inWork: () => inWork,
    isClosed: () => isClosed,
  };
}
