// The paper's objective for Gaussian noise of any spectrum and level: argmax over C of beta log p(N | C) + log p(C), by
// half-quadratic splitting (Geman and Yang 1995; with a denoiser as prior: Zhang et al. 2021, DPIR). An estimate z of the
// prior alternates with the closed-form estimate x of the likelihood; what joins them, s, falls. No engine.
import { setImmediate } from 'node:timers/promises';
import { BANDS, splitIntoBands } from '../noise/model/bands.js';
import { type NoiseProfile, varianceAt } from '../noise/model/noise-profile.js';
import { brightnessOf, fromOpponents, toOpponents } from '../noise/model/opponents.js';

/** A tile: planar [channels, height, width], [0, 1] units. */
export interface PlanarTile {
  readonly data: Float32Array;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/** The posterior mean E[C | x] where x is C under white noise of standard deviation s; planar, of the tile's shape. */
export type PosteriorMeanAt = (x: Float32Array, s: number) => Promise<Float32Array>;

export interface SplittingOptions {
  /** The noise levels that the prior knows, [least, most], [0, 1] units. */
  readonly range: readonly [number, number];
  /** Weight of the likelihood. */
  readonly beta?: number | undefined;
  /** Posterior means to compute, at least 1. */
  readonly evaluations?: number | undefined;
  /** The first and the last s, in units of the strongest level of the tile. */
  readonly first?: number | undefined;
  readonly last?: number | undefined;
}

export const SPLITTING = { beta: 1, evaluations: 3, first: 0.8, last: 0.3 } as const;

/** Levels that differ by less count as one: white noise. */
const SAME_LEVEL = 0.02;

/** Steps of the table of gains over brightness. */
const TABLE = 256;

/**
 * The estimate of a tile with noise of a profile.
 *
 *     z = E[C | N] at s_1;  then  x = z + F[N - z],  z = E[C | x] at s_i
 *
 * F multiplies band b of an opponent channel by beta s^2 / (beta s^2 + level(v)^2 spectrum[b]), the closed-form solution of
 * argmin over x of beta |N - x|^2 / (level^2 spectrum) + |x - z|^2 / s^2, with v the brightness of z at each place. Where
 * the tile's noise is white, of one level, that is the posterior mean at this level: one evaluation.
 *
 * @param noisy    not clipped; 3 channels, or 1 with a profile of one channel
 * @param profile  as many channels as the tile
 * @returns        planar [channels, height, width], finite where `posteriorMean` is
 */
export async function halfQuadraticSplitting(
  noisy: PlanarTile,
  profile: NoiseProfile,
  posteriorMean: PosteriorMeanAt,
  options: SplittingOptions,
): Promise<Float32Array> {
  const schedule = scheduleFor(noisy, profile, options);
  const beta = options.beta ?? SPLITTING.beta;
  let x = noisy.data;
  let z = x;
  for (const [i, s] of schedule.entries()) {
    if (i > 0) x = await likelihoodStep(noisy, z, profile, beta * s * s);
    z = await posteriorMean(x, s);
  }
  return z;
}

/** The levels s at which the prior is asked, falling; one for white noise. */
export function scheduleFor(noisy: PlanarTile, profile: NoiseProfile, options: SplittingOptions): number[] {
  const { evaluations = SPLITTING.evaluations, first = SPLITTING.first, last = SPLITTING.last } = options;
  const [least, most] = options.range;
  const within = (s: number) => Math.min(most, Math.max(least, s));
  const { strongest, weakest } = levelsOf(noisy, profile);
  if (strongest <= weakest * (1 + SAME_LEVEL)) return [within(strongest)];
  const ratio = evaluations > 1 ? (last / first) ** (1 / (evaluations - 1)) : 1;
  return Array.from({ length: evaluations }, (_, i) => within(strongest * first * ratio ** i));
}

/** The strongest and the weakest level of any band and channel at the brightnesses of a tile, [0, 1] units. */
export function levelsOf(
  tile: PlanarTile,
  profile: NoiseProfile,
): { readonly strongest: number; readonly weakest: number } {
  let [strongest, weakest] = [0, Number.POSITIVE_INFINITY];
  const [low, high] = brightnessRange(tile);
  const values = [low, high, ...profile.brightness.filter((knot) => knot > low && knot < high)];
  for (const channel of profile.channels)
    for (const value of values)
      for (const power of channel.spectrum) {
        const variance = varianceAt(profile, channel, value) * power;
        strongest = Math.max(strongest, variance);
        weakest = Math.min(weakest, variance);
      }
  return { strongest: Math.sqrt(strongest), weakest: Math.sqrt(weakest) };
}

/** The 5th and the 95th percentile of the brightness of a tile. */
function brightnessRange(tile: PlanarTile): readonly [number, number] {
  const values = brightnessOf(tile).sort();
  const at = (share: number) => values[Math.floor(share * (values.length - 1))] as number;
  return [at(0.05), at(0.95)];
}

/** z + F[N - z], planar; `weight` is beta s^2. */
async function likelihoodStep(
  noisy: PlanarTile,
  z: Float32Array,
  profile: NoiseProfile,
  weight: number,
): Promise<Float32Array> {
  const { width, height } = noisy;
  const plane = width * height;
  const place = brightnessOf({ ...noisy, data: z });
  const rows = new Uint8Array(plane);
  for (let i = 0; i < plane; i++)
    rows[i] = Math.min(TABLE - 1, Math.max(0, (place[i] as number) * (TABLE - 1) + 0.5));
  const difference = new Float32Array(z.length);
  for (let i = 0; i < z.length; i++) difference[i] = (noisy.data[i] as number) - (z[i] as number);
  toOpponents(difference, plane);
  for (const [c, gains] of gainTables(profile, weight).entries()) {
    await setImmediate();
    const part = difference.subarray(c * plane, (c + 1) * plane);
    const bands = splitIntoBands(part, width, height, BANDS - 1);
    part.fill(0);
    for (const [b, band] of bands.entries()) {
      const gain = gains[b] as Float32Array;
      for (let i = 0; i < plane; i++)
        part[i] = (part[i] as number) + (gain[rows[i] as number] as number) * (band[i] as number);
    }
  }
  fromOpponents(difference, plane);
  for (let i = 0; i < z.length; i++) difference[i] = (difference[i] as number) + (z[i] as number);
  return difference;
}

/** Per channel and band: weight / (weight + level^2 spectrum) over brightness 0 .. 1. */
function gainTables(profile: NoiseProfile, weight: number): Float32Array[][] {
  return profile.channels.map((channel) => {
    const variances = Array.from({ length: TABLE }, (_, i) => varianceAt(profile, channel, i / (TABLE - 1)));
    return channel.spectrum.map((power) =>
      Float32Array.from(variances, (variance) => weight / (weight + variance * power)),
    );
  });
}
