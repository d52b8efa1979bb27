// The passes of a tile around the prior: each changes the tile, hands it on, and undoes its change on the estimate. Passes
// nest, for instance: stabilise, average over symmetries, complete grey.
import {
  halfQuadraticSplitting,
  type SplittingOptions,
} from '../../core/inference/half-quadratic-splitting.js';
import { type BinFactor, bin, binnedShape, combine, unbin } from '../../core/noise/likelihood/few-counts.js';
import type { NoiseModel } from '../../core/noise/likelihood/noise-model.js';
import type { Stabiliser } from '../../core/noise/likelihood/poisson-gaussian.js';
import type { NoiseProfile } from '../../core/noise/model/noise-profile.js';
import { brightnessOf } from '../../core/noise/model/opponents.js';
import type { PlanarTile } from '../../core/picture.js';
import type { Ensemble, Scales } from '../preset.js';
import { COMPLETED_NOISE, completeChroma, noiseScale } from './grey.js';
import { COARSE_OF_COLOURED, coarseTile, withCoarse } from './scales.js';
import { SYMMETRIES, turned, turnedBack, turnedLikelihood, turnedShape } from './symmetries.js';

export interface TileSamples extends PlanarTile {
  /** Standard deviation of the noise, [0, 1] units; its root mean square over the tile if it varies. */
  readonly sigma: number;
  /** The same for the tile at half its size, a quarter and so on, if the noise is not white. */
  readonly coarse?: readonly number[] | undefined;
  /** The likelihood, if it is not Gaussian of `sigma`. */
  readonly likelihood?: NoiseModel | undefined;
  /** Whether other tiles have other sigmas. */
  readonly varies?: boolean | undefined;
  /** Seed of the noise that a pass may add. */
  readonly seed: number;
}

/** Noisy samples to the estimate, planar and of the same size. */
export type TileEstimator = (tile: TileSamples) => Promise<Float32Array>;

export type TilePass = (tile: TileSamples, next: TileEstimator) => Promise<Float32Array>;

/** Wraps `last` in the passes, the first outermost. */
export function throughPasses(passes: readonly TilePass[], last: TileEstimator): TileEstimator {
  return passes.reduceRight<TileEstimator>((next, pass) => (tile) => pass(tile, next), last);
}

/** Makes noise Gaussian. */
export function stabilisedPass({ sigma, stabilise, destabilise }: Stabiliser): TilePass {
  return async (tile, next) => destabilise(await next({ ...tile, data: stabilise(tile.data), sigma }));
}

/** Averages blocks of pixels; the pass inside sets the noise's sigma. */
export function binnedPass(factor: BinFactor): TilePass {
  return async (tile, next) => {
    const small = { ...tile, ...binnedShape(tile, factor), data: bin(tile.data, tile, factor) };
    return unbin(await next(small), tile, factor);
  };
}

/** Mixes a little of the noisy tile into the first estimate and denoises it again, see few-counts.ts. */
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

/** Noise of any spectrum and level: posterior means under white noise, see half-quadratic-splitting.ts. */
export function splittingPass(profile: NoiseProfile, options: SplittingOptions): TilePass {
  return (tile, next) =>
    halfQuadraticSplitting(
      tile,
      profile,
      (data, [sigma = 0, ...coarser]) => {
        // White noise is half as strong at each coarser scale, whose pixels are means of four.
        const coarse = coarser.map((level, i) => level / 2 ** (i + 1));
        return next({ ...tile, data, sigma, coarse: coarse.length > 0 ? coarse : undefined, varies: true });
      },
      options,
    );
}

/** Added from each ensemble member's seed to the next. It is odd, so no two tiles of a picture draw the same noise. */
const NEXT_SEED = 0x9e3779b1;

/**
 * The mean of the tile's estimates under `size` symmetries, see symmetries.ts. Four are those that keep the tile's shape.
 * If an inner pass adds noise, each member gets its own.
 */
export function ensemblePass(size: Ensemble): TilePass {
  return async (tile, next) => {
    if (size === 1) return next(tile);
    const { likelihood, seed } = tile;
    const members = await Promise.all(
      SYMMETRIES.slice(0, size).map(async (symmetry, member) => {
        const turnedTile = {
          ...tile,
          ...turnedShape(tile, symmetry),
          data: turned(tile.data, tile, symmetry),
          likelihood: likelihood && turnedLikelihood(likelihood, tile, symmetry),
          seed: (seed + Math.imul(member, NEXT_SEED)) >>> 0,
        };
        return turnedBack(await next(turnedTile), tile, symmetry);
      }),
    );
    return meanOf(members);
  };
}

function meanOf(estimates: readonly Float32Array[]): Float32Array {
  const mean = new Float32Array(estimates[0]?.length ?? 0);
  for (let i = 0; i < mean.length; i++) {
    let sum = 0;
    for (const estimate of estimates) sum += estimate[i] as number;
    mean[i] = sum / estimates.length;
  }
  return mean;
}

/** Weaker white noise, [0, 1] units, gets no coarser scale: on CBSD68 half the size gains 0.005 dB at sigma 5, 0.044 at 25. */
const WORTH_HALVING = 8 / 255;

/**
 * Estimates the tile at up to `count` scales, each half as large as the one before, see scales.ts. Leaves out scales that gain
 * nothing or whose noise is unknown: to the prior, or because the tile has its own likelihood.
 *
 * @param prior  the weakest noise that it knows, [0, 1] units, of colour, and what the sides of its tiles are multiples of
 */
export function scalesPass(
  count: Scales,
  prior: { readonly leastSigma: number; readonly multiple: number },
): TilePass {
  return async (tile, next) => {
    const { sigma, coarse: [sigmaOfHalf = sigma / 2, ...coarser] = [], likelihood, seed } = tile;
    const isWorthwhile = tile.coarse !== undefined || sigma >= WORTH_HALVING;
    const isKnown = sigmaOfHalf >= prior.leastSigma / noiseScale(tile.channels);
    if (count === 1 || likelihood || !isWorthwhile || !isKnown) return next(tile);
    const half = coarseTile(tile.data, tile, prior.multiple);
    const ofHalf = {
      ...tile,
      ...half,
      sigma: sigmaOfHalf,
      coarse: coarser.length > 0 ? coarser : undefined,
      seed: (seed ^ NEXT_SEED) >>> 0,
    };
    const [fine, coarse] = await Promise.all([
      next(tile),
      scalesPass((count - 1) as Scales, prior)(ofHalf, next),
    ]);
    return withCoarse(fine, tile, { ...half, data: coarse }, tile.coarse && COARSE_OF_COLOURED);
  };
}

/** Completes a grey tile for a colour prior, see grey.ts. */
export function greyPass(): TilePass {
  return async (tile, next) => {
    if (tile.channels !== 1) return next(tile);
    const colour = { channels: 3, data: completeChroma(tile.data, tile.sigma, (tile.seed * 31) >>> 0) };
    const data = await next({ ...tile, ...colour, sigma: tile.sigma * COMPLETED_NOISE });
    return brightnessOf({ channels: 3, data });
  };
}
