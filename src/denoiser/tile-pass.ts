// What happens to a tile around the prior: each pass changes the tile, hands it on, and undoes its change on the
// estimate that comes back. Passes nest (stabilise, then split into phases, then complete grey).
import { type BinFactor, bin, binnedShape, unbin } from '../core/noise/binning.js';
import { combine } from '../core/noise/combination.js';
import type { NoiseModel } from '../core/noise/noise-model.js';
import type { Stabiliser } from '../core/noise/stabiliser.js';
import { COMPLETED_NOISE, channelMean, completeChroma } from './grey.js';
import { meanOfEstimates, mergePhases, splitPhases } from './phases.js';

export interface TileSamples {
  /** Planar [channels, height, width]. */
  readonly data: Float32Array;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
  /** Standard deviation of the noise, [0, 1] units; its root mean square over the tile where it varies. */
  readonly sigma: number;
  /** The likelihood, where it is not Gaussian of `sigma`. */
  readonly likelihood?: NoiseModel | undefined;
  /** Whether other tiles have other sigmas. */
  readonly varies?: boolean | undefined;
  /** Of the noise that a pass may add. */
  readonly seed: number;
}

/** From noisy samples to the estimate, planar and of the same size. */
export type TileEstimator = (tile: TileSamples) => Promise<Float32Array>;

export type TilePass = (tile: TileSamples, next: TileEstimator) => Promise<Float32Array>;

/** The passes around `last`, the first outermost. */
export function throughPasses(passes: readonly TilePass[], last: TileEstimator): TileEstimator {
  return passes.reduceRight<TileEstimator>((next, pass) => (tile) => pass(tile, next), last);
}

/** Noise that is not Gaussian, made so. */
export function stabilisedPass({ sigma, stabilise, destabilise }: Stabiliser): TilePass {
  return async (tile, next) => destabilise(await next({ ...tile, data: stabilise(tile.data), sigma }));
}

/** Blocks of pixels in place of pixels; the noise's sigma after it is what `inner` says. */
export function binnedPass(factor: BinFactor): TilePass {
  return async (tile, next) => {
    const small = { ...tile, ...binnedShape(tile, factor), data: bin(tile.data, tile, factor) };
    return unbin(await next(small), tile, factor);
  };
}

/** The first estimate, a little of the noisy tile mixed into it, denoised again: see combination.ts. */
export function secondLookPass(
  first: readonly TilePass[],
  second: readonly TilePass[],
  weight: number,
): TilePass {
  return async (tile, next) => {
    const estimate = await throughPasses(first, next)(tile);
    return throughPasses(second, next)({ ...tile, data: combine(tile.data, estimate, weight) });
  };
}

/** Noise that is correlated over a pixel or two: the mean of the tile denoised whole and by phases, see phases.ts. */
export function phasesPass(): TilePass {
  return async (tile, next) => {
    const [whole, ...phases] = await Promise.all([
      next(tile),
      ...splitPhases(tile.data, tile).map(async (phase) => ({
        ...phase,
        data: await next({ ...tile, ...phase }),
      })),
    ]);
    return meanOfEstimates(whole, mergePhases(phases, tile));
  };
}

/** A grey tile under a colour prior, see grey.ts. Colour goes on as it is. */
export function greyPass(): TilePass {
  return async (tile, next) => {
    if (tile.channels !== 1) return next(tile);
    const data = completeChroma(tile.data, tile.sigma, (tile.seed * 31) >>> 0);
    return channelMean(await next({ ...tile, data, channels: 3, sigma: tile.sigma * COMPLETED_NOISE }));
  };
}
