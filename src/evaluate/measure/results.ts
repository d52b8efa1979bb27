// The results of an evaluation, picture by picture, as results.json has them.

import { mean, sum } from '../../core/metrics/index.js';
import type { TileSize } from '../../tile/plan.js';
import type { Contender } from '../contender.js';
import type { NoiseLevel } from '../noise-level.js';

export interface ResidualMeasures {
  /** |N - C_hat| / sqrt(numbers), in units of sigma. */
  readonly rms: number;
  /** How unevenly the noise was removed: standard deviation of the rms of 8 x 8 blocks. */
  readonly unevenness: number;
  /** Correlation of horizontal and vertical neighbours. */
  readonly correlation: number;
}

export interface Measures {
  /** For samples in [0, 1]. */
  readonly mse: number;
  /** dB; infinite (null in JSON) for equal pictures. */
  readonly psnr: number;
  readonly ssim: number;
  /** Of N - C_hat; for the noisy picture, of the added noise. */
  readonly residual: ResidualMeasures;
}

export interface PictureResult extends Measures {
  readonly evaluations?: number | undefined;
  /** The number of tiles that fell back because the flow broke down. */
  readonly fallbackTiles?: number | undefined;
  /** For a climb to convergence. */
  readonly steps?: number | undefined;
  readonly isConverged?: boolean | undefined;
  /** The climb's start: the noisy picture, unless the prior broke down there. */
  readonly start?: 'noisy' | 'posterior-mean' | undefined;
}

/** One contender under one noise. */
export interface Cell {
  /** Index into `levels`. */
  readonly level: number;
  /** Index into `contenders`. */
  readonly contender: number;
  /** Undefined for another program. */
  readonly secondsPerMegapixel?: number | undefined;
  /** Of the first pictures, in order. */
  readonly pictures: readonly PictureResult[];
}

interface EvaluationSettings {
  readonly protocol: 'grid' | 'paper';
  readonly folder: string;
  /** The first picture's; each picture adds 1. */
  readonly seed: number;
  readonly clip: boolean;
  readonly crop: number | string;
  readonly tileSize?: TileSize | undefined;
  readonly overlap?: number | undefined;
}

export interface EvaluationResults {
  readonly format: 'flow-denoise-evaluation';
  readonly version: 1;
  readonly made: {
    readonly with: string;
    readonly on: string;
    readonly engine: string;
    readonly date: string;
    readonly seconds: number;
  };
  readonly settings: EvaluationSettings;
  readonly pictures: readonly { readonly name: string; readonly width: number; readonly height: number }[];
  readonly levels: readonly NoiseLevel[];
  readonly contenders: readonly Contender[];
  /** The noisy pictures, by level. */
  readonly noisy: readonly (readonly Measures[])[];
  readonly cells: readonly Cell[];
}

export interface Statistic {
  readonly mean: number;
  /** Standard deviation over pictures (n - 1); undefined for one picture. */
  readonly spread: number | undefined;
  readonly count: number;
}

export type MeasureName = 'mse' | 'psnr' | 'ssim';

export function statisticOf(values: readonly number[]): Statistic {
  const count = values.length;
  const middle = mean(values);
  const squares = sum(values.map((value) => (value - middle) ** 2));
  return { mean: middle, spread: count > 1 ? Math.sqrt(squares / (count - 1)) : undefined, count };
}

/** The number of pictures that a contender improved, by a measure. */
export function improvedCount(
  noisy: readonly Measures[],
  restored: readonly Measures[],
  measure: MeasureName,
): number {
  return restored.filter((each, i) => {
    const before = noisy[i]?.[measure] ?? Number.NaN;
    return measure === 'mse' ? each.mse < before : each[measure] > before;
  }).length;
}
