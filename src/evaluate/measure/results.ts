// The results of an evaluation, picture by picture, as results.json has them, and queries on them.
import { mean } from '../../core/metrics/index.js';
import type { TileSize } from '../../tile/plan.js';
import type { Contender } from '../contender.js';
import { type NoiseLevel, noiseName } from '../noise-level.js';

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
  /** Undefined if results were only read. */
  readonly secondsPerMegapixel?: number | undefined;
  /** Of the first pictures, in order. */
  readonly pictures: readonly PictureResult[];
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
  readonly settings: {
    readonly protocol: 'grid' | 'paper';
    readonly folder: string;
    /** The first picture's; each picture adds 1. */
    readonly seed: number;
    readonly clip: boolean;
    readonly crop: number | string;
    readonly tileSize?: TileSize | undefined;
    readonly overlap?: number | undefined;
  };
  readonly pictures: readonly { readonly name: string; readonly width: number; readonly height: number }[];
  readonly levels: readonly NoiseLevel[];
  readonly contenders: readonly Contender[];
  /** The noisy pictures, by level. */
  readonly noisy: readonly (readonly Measures[])[];
  readonly cells: readonly Cell[];
}

export type MeasureName = 'mse' | 'psnr' | 'ssim';

export function levelName({ levels }: EvaluationResults, level: number): string {
  return noiseName(levels[level] as NoiseLevel);
}

export function cellAt({ cells }: EvaluationResults, level: number, contender: number): Cell | undefined {
  return cells.find((cell) => cell.level === level && cell.contender === contender);
}

/** The mean over pictures, of their PSNR by default; undefined without a cell. */
export function meanOf(
  pictures: readonly Measures[] | undefined,
  value: (picture: Measures) => number = ({ psnr }) => psnr,
): number | undefined {
  return pictures && mean(pictures.map(value));
}

/** Indices of the contenders that were measured under any of the noises. */
export function contendersAt(
  { contenders, cells }: EvaluationResults,
  levels: readonly number[],
  isWanted: (contender: Contender) => boolean = () => true,
): readonly number[] {
  return contenders.flatMap((contender, at) => {
    const isMet = cells.some((cell) => cell.contender === at && levels.includes(cell.level));
    return isMet && isWanted(contender) ? [at] : [];
  });
}
