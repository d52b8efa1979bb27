// How much is computed for a picture: the estimator, and over how many symmetries of each tile it is averaged. `quality`
// names points of the measured frontier of quality and time; docs/benchmarks.md has the measurement.
import { FlowDenoiseError } from '../core/errors.js';

export type Method = 'beta-map' | 'posterior-mean';

/** Members of the self-ensemble: 1 is the tile as it is, 4 are the symmetries that keep its shape, 8 all. */
export type Ensemble = 1 | 4 | 8;

/** How many scales of a tile, each half as large as the one before. */
export type Scales = 1 | 2 | 3;

export interface Approach {
  readonly method: Method;
  readonly ensemble: Ensemble;
  readonly scales: Scales;
}

/** From the fastest to the slowest. What gains less than 0.15 dB over the default is not named: docs/benchmarks.md. */
export const QUALITIES = {
  fast: { method: 'posterior-mean', ensemble: 1, scales: 3 },
  balanced: { method: 'posterior-mean', ensemble: 4, scales: 3 },
} as const satisfies Readonly<Record<string, Approach>>;

export type Quality = keyof typeof QUALITIES;

export const QUALITY_NAMES = Object.keys(QUALITIES) as [Quality, ...Quality[]];

export const DEFAULT_QUALITY: Quality = 'balanced';

export interface ApproachOptions {
  readonly method?: Method | undefined;
  readonly ensemble?: Ensemble | undefined;
  readonly scales?: Scales | undefined;
  /** The likelihood's weight: a number asks for beta-MAP where no method is named. */
  readonly beta?: number | 'auto' | undefined;
  /** A number is the encoder's, and none of this. */
  readonly quality?: Quality | number | undefined;
}

/** The options that a word for quality stands for. */
export const APPROACH_NAMES = ['method', 'ensemble', 'scales'] as const;

/**
 * What the options ask for. A method that is named, or a beta, is the estimator alone unless more is asked for; without
 * one the default's method and scales hold.
 *
 * @throws FlowDenoiseError BAD_OPTION for a word for quality beside what the word stands for
 */
export function approachOf({ beta, quality, ...options }: ApproachOptions): Approach {
  const isWord = typeof quality === 'string';
  const preset: Approach = QUALITIES[isWord ? quality : DEFAULT_QUALITY];
  const given = APPROACH_NAMES.find((name) => options[name] !== undefined);
  if (isWord && given !== undefined)
    throw new FlowDenoiseError(
      'BAD_OPTION',
      `Expected '${quality}' for quality alone but received it with ${given}: it stands for method '${preset.method}', ` +
        `ensemble ${preset.ensemble} and scales ${preset.scales}; give these, and a number for quality where the file's is meant`,
    );
  if (isWord) return preset;
  const named = options.method ?? (typeof beta === 'number' ? 'beta-map' : undefined);
  const alone = named === undefined ? preset : ({ method: named, ensemble: 1, scales: 1 } as const);
  return {
    method: alone.method,
    ensemble: options.ensemble ?? alone.ensemble,
    scales: options.scales ?? alone.scales,
  };
}

/**
 * The approach where something needs beta-MAP (a likelihood of its own, or a prior that knows no noise levels) and no
 * method is named that says otherwise.
 */
export function withBetaMap(
  approach: Approach,
  { method, ensemble = 1, scales = 1 }: ApproachOptions,
): Approach {
  return method === undefined ? { method: 'beta-map', ensemble, scales } : approach;
}
