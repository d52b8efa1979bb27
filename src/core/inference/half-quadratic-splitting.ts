// The paper's objective for Gaussian noise of any spectrum and level: argmax over C of beta log p(N | C) + log p(C), by
// half-quadratic splitting (Geman and Yang 1995; with a denoiser as prior: Zhang et al. 2021, DPIR). An estimate z of the
// prior alternates with the closed-form estimate x of the likelihood. No engine.
import { setImmediate } from 'node:timers/promises';
import { BANDS, detailPowers, splitIntoBands } from '../noise/model/bands.js';
import { type NoiseProfile, varianceAt } from '../noise/model/noise-profile.js';
import { brightnessOf, fromOpponents, toOpponents } from '../noise/model/opponents.js';

/** A tile: planar [channels, height, width], [0, 1] units. */
interface PlanarTile {
  readonly data: Float32Array;
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

/**
 * The posterior mean E[C | x], planar, of the tile's shape, where x is C under white noise. Of several levels the first is
 * for the tile's own scale and each next one for what is twice as coarse; one alone is for all.
 */
export type PosteriorMeanAt = (x: Float32Array, levels: readonly number[]) => Promise<Float32Array>;

export interface SplittingOptions {
  /** The noise levels that the prior knows, [least, most], [0, 1] units. */
  readonly range: readonly [number, number];
  /** Scales that the posterior mean has a level for, 1 to 3. Default 3. */
  readonly scales?: number | undefined;
  /** The posterior means' s, in units of the noise at each scale: as many as there are numbers. */
  readonly schedule?: readonly number[] | undefined;
  /** Weight of the likelihood. Default 1. */
  readonly beta?: number | undefined;
}

/**
 * One posterior mean, or two. Chosen on 15 crops of camera pictures (9 of polyu44, 6 of cc15; noise known), dB over the
 * best white sigma of each set: [1] 0.45 and 0.89, [1, 0.6] 0.59 and 1.07; beta 3 loses 0.11 and 0.12 of the latter.
 */
export const SCHEDULES = { one: [1], two: [1, 0.6] } as const;

/** Which detail's noise each scale of the posterior mean is told, and which scale decides what is in each band. */
const DETAIL_OF_SCALE = [1, 2, 3] as const;
const SCALE_OF_BAND = [0, 0, 1, 2] as const;

/**
 * Noise of colour alone counts this much: a prior for colour and brightness alike, told the noise of colour, takes detail
 * from the brightness. On the same crops the mean of both powers in place of the luma's loses 0.38 and 0.26 dB.
 */
const COLOUR_SHARE = 0.6;

/** Levels that differ by less are one: the noise is white. */
const SAME_LEVEL = 0.02;

/** Steps of the tables over brightness 0 .. 1. */
const TABLE = 256;

/**
 * The estimate of a tile with noise of a profile.
 *
 *     z = E[C | N] at s_1;  then  x = z + F[N - z],  z = E[C | x] at s_2;  and so on
 *
 * F multiplies band b of an opponent channel by beta s_b^2 / (beta s_b^2 + level(v)^2 power_b): the solution of argmin over
 * x of beta |N - x|^2 / (level^2 power) + |x - z|^2 / s^2 there, with v the brightness of z at each place. Noise of a
 * camera is coarse, so s is told per scale: as strong as the noise at that scale, times the schedule. Where the noise of
 * the tile is white and of one level, the estimate is the posterior mean at this level.
 *
 * @param noisy    not clipped; 3 channels, or 1 with a profile of one channel
 * @param profile  as many channels as the tile
 * @returns        planar [channels, height, width], finite where `posteriorMean` is
 */
export async function halfQuadraticSplitting(
  noisy: PlanarTile,
  profile: NoiseProfile,
  posteriorMean: PosteriorMeanAt,
  { range: [least, most], scales = 3, schedule = SCHEDULES.two, beta = 1 }: SplittingOptions,
): Promise<Float32Array> {
  const noise = noiseOfTile(noisy, profile);
  const within = (s: number) => Math.min(most, Math.max(least, s));
  if (noise.isWhite) return posteriorMean(noisy.data, [within(noise.levels[0] as number)]);
  const known = noise.levels.slice(0, scales);
  let x = noisy.data;
  let z = x;
  for (const [i, factor] of schedule.entries()) {
    const levels = known.map((level) => Math.max(least, factor * level));
    if (i > 0) {
      const weights = SCALE_OF_BAND.map(
        (scale) => beta * (levels[Math.min(scale, scales - 1)] as number) ** 2,
      );
      x = await likelihoodStep(noisy, z, profile, weights);
    }
    const next = await posteriorMean(x, levels);
    // An estimate that is not finite is worth less than the one before.
    if (i > 0 && !next.every(Number.isFinite)) return z;
    z = next;
  }
  return z;
}

interface TileNoise {
  /** Standard deviation per scale, as white noise would have it at full size, [0, 1] units. */
  readonly levels: readonly number[];
  readonly isWhite: boolean;
}

/** The noise that a tile has at its brightnesses: root of the mean variance, per scale. */
export function noiseOfTile(tile: PlanarTile, profile: NoiseProfile): TileNoise {
  const rows = tableRows(brightnessOf(tile));
  const counts = new Float64Array(TABLE);
  for (const row of rows) counts[row] = (counts[row] as number) + 1 / rows.length;
  let [weakest, strongest] = [Number.POSITIVE_INFINITY, 0];
  const powers = profile.channels.map((channel) => {
    const variances = tableOfVariances(profile, channel);
    const details = detailPowers(channel.spectrum);
    const mean = variances.reduce((sum, variance, row) => sum + variance * (counts[row] as number), 0);
    for (const [row, variance] of variances.entries())
      if (counts[row])
        for (const power of details) {
          weakest = Math.min(weakest, variance * power);
          strongest = Math.max(strongest, variance * power);
        }
    return details.map((power) => mean * power);
  });
  const [luma = [], ...colours] = powers;
  const levels = DETAIL_OF_SCALE.map((detail) => {
    const colour = colours.reduce((sum, power) => sum + (power[detail] as number) / colours.length, 0);
    return Math.sqrt(Math.max(luma[detail] as number, COLOUR_SHARE ** 2 * colour));
  });
  return { levels, isWhite: Math.sqrt(strongest) <= Math.sqrt(weakest) * (1 + SAME_LEVEL) };
}

function tableRows(brightness: Float32Array): Uint8Array {
  const rows = new Uint8Array(brightness.length);
  for (let i = 0; i < rows.length; i++)
    rows[i] = Math.min(TABLE - 1, Math.max(0, (brightness[i] as number) * (TABLE - 1) + 0.5));
  return rows;
}

function tableOfVariances(profile: NoiseProfile, channel: NoiseProfile['channels'][number]): number[] {
  return Array.from({ length: TABLE }, (_, row) => varianceAt(profile, channel, row / (TABLE - 1)));
}

/** z + F[N - z], planar; `weights` are beta s^2 per band. */
async function likelihoodStep(
  noisy: PlanarTile,
  z: Float32Array,
  profile: NoiseProfile,
  weights: readonly number[],
): Promise<Float32Array> {
  const { width, height } = noisy;
  const plane = width * height;
  const rows = tableRows(brightnessOf({ ...noisy, data: z }));
  const change = new Float32Array(z.length);
  for (let i = 0; i < z.length; i++) change[i] = (noisy.data[i] as number) - (z[i] as number);
  toOpponents(change, plane);
  for (const [c, channel] of profile.channels.entries()) {
    await setImmediate();
    const part = change.subarray(c * plane, (c + 1) * plane);
    const bands = splitIntoBands(part, width, height, BANDS - 1);
    const variances = tableOfVariances(profile, channel);
    const powers = detailPowers(channel.spectrum);
    part.fill(0);
    for (const [b, band] of bands.entries()) {
      const [weight, power] = [weights[b] as number, powers[b] as number];
      const gains = Float32Array.from(variances, (variance) => weight / (weight + variance * power));
      for (let i = 0; i < plane; i++)
        part[i] = (part[i] as number) + (gains[rows[i] as number] as number) * (band[i] as number);
    }
  }
  fromOpponents(change, plane);
  for (let i = 0; i < z.length; i++) change[i] = (change[i] as number) + (z[i] as number);
  return change;
}
