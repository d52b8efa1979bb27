// How much is computed for a picture: the estimator and its ensemble. Each preset is a point on the measured frontier
// of quality and time (docs/benchmarks.md).
import { notBoth } from './option-schema.js';

export type Method = 'beta-map' | 'posterior-mean';

/** Members of the self-ensemble: 1 is the tile as it is, 4 are the symmetries that keep its shape, 8 all. */
export type Ensemble = 1 | 4 | 8;

/** How many scales of a tile, each half as large as the one before. */
export type Scales = 1 | 2 | 3;

export interface Approach {
  readonly method: Method;
  /** Over how many symmetries of each tile the estimate is averaged. */
  readonly ensemble: Ensemble;
  /** Scales of a tile at most: weak noise gets fewer, see tile-pass.ts. */
  readonly scales: Scales;
}

/** From the fastest to the slowest. What gains less than 0.15 dB over the slowest is not named: docs/benchmarks.md. */
export const PRESETS = {
  fast: { method: 'posterior-mean', ensemble: 1, scales: 3 },
  best: { method: 'posterior-mean', ensemble: 4, scales: 3 },
} as const satisfies Readonly<Record<string, Approach>>;

export type Preset = keyof typeof PRESETS;

export const PRESET_NAMES = Object.keys(PRESETS) as [Preset, ...Preset[]];

export const DEFAULT_PRESET: Preset = 'fast';

interface ApproachOptions {
  readonly preset?: Preset | undefined;
  readonly method?: Method | undefined;
  readonly ensemble?: Ensemble | undefined;
  readonly scales?: Scales | undefined;
  /** The likelihood's weight: a number asks for beta-MAP where no method is named. */
  readonly beta?: number | 'auto' | undefined;
}

/** What a preset sets. */
export const APPROACH_NAMES = ['method', 'ensemble', 'scales'] as const;

/**
 * What the options ask for. A method that is named, or a beta, is the estimator alone unless more is asked for; without
 * one the default's method and scales hold.
 *
 * @throws FlowDenoiseError BAD_OPTION for a preset beside what it sets
 */
export function approachOf({ preset, ...options }: ApproachOptions): Approach {
  const set: Approach = PRESETS[preset ?? DEFAULT_PRESET];
  const hasBeta = typeof options.beta === 'number';
  const given = APPROACH_NAMES.find((name) => options[name] !== undefined) ?? (hasBeta ? 'beta' : undefined);
  if (preset !== undefined && given !== undefined)
    throw notBoth(
      'preset',
      given,
      `preset '${preset}' is method '${set.method}', ensemble ${set.ensemble} and scales ${set.scales}`,
    );
  const named = options.method ?? (hasBeta ? 'beta-map' : undefined);
  const alone = named === undefined ? set : ({ method: named, ensemble: 1, scales: 1 } as const);
  return {
    method: alone.method,
    ensemble: options.ensemble ?? alone.ensemble,
    scales: options.scales ?? alone.scales,
  };
}

/**
 * The approach where something needs beta-MAP (its own likelihood, or an unconditioned prior) and no other method is
 * named.
 */
export function withBetaMap(
  approach: Approach,
  { method, ensemble = 1, scales = 1 }: ApproachOptions,
): Approach {
  return method === undefined ? { method: 'beta-map', ensemble, scales } : approach;
}
