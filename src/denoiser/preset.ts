// How much is computed for a picture: the estimator, its ensemble and scales. Each preset is a point on the measured frontier
// of quality and time (docs/benchmarks.md).
import { notBoth } from './option-schema.js';

export type Method = 'beta-map' | 'posterior-mean';

/** Members of the self-ensemble: 1 is the tile itself, 4 are the symmetries that keep its shape, 8 all symmetries. */
export type Ensemble = 1 | 4 | 8;

/** The number of scales of a tile, each half as large as the one before. */
export type Scales = 1 | 2 | 3;

export interface Approach {
  readonly method: Method;
  /** The number of symmetries of each tile that the estimate is averaged over. */
  readonly ensemble: Ensemble;
  /** The most scales of a tile; weak noise gets fewer, see tile-pass.ts. */
  readonly scales: Scales;
}

/** From the fastest to the slowest. Points within 0.15 dB of the slowest have no name: docs/benchmarks.md. */
export const PRESETS = {
  fast: { method: 'posterior-mean', ensemble: 1, scales: 3 },
  best: { method: 'posterior-mean', ensemble: 4, scales: 3 },
} as const satisfies Readonly<Record<string, Approach>>;

export type Preset = keyof typeof PRESETS;

export const PRESET_NAMES = Object.keys(PRESETS) as [Preset, ...Preset[]];

export const DEFAULT_PRESET: Preset = 'fast';

interface ApproachOptions extends Partial<Approach> {
  readonly preset?: Preset | undefined;
  /** The likelihood's weight. A number selects beta-MAP unless `method` is given. */
  readonly beta?: number | 'auto' | undefined;
}

export const APPROACH_NAMES = ['method', 'ensemble', 'scales'] as const;

/**
 * The approach that the options ask for. A method or beta comes without ensemble and scales unless these are given too.
 *
 * @throws FlowDenoiseError BAD_OPTION for a preset together with an option that it sets
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

/** The approach if something needs beta-MAP (a custom likelihood, an unconditioned prior) and no other method is given. */
export function withBetaMap(
  approach: Approach,
  { method, ensemble = 1, scales = 1 }: ApproachOptions,
): Approach {
  return method === undefined ? { method: 'beta-map', ensemble, scales } : approach;
}
