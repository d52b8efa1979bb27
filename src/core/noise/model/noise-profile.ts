// The model of noise: a level that depends on brightness, times a spectrum, per opponent channel. White Gaussian and
// Poisson-Gaussian noise are special cases.
import { mean } from '../../metrics/index.js';
import { BAND_SHARES, BANDS } from './bands.js';

/** The noise of one opponent channel. Its power at brightness v in band b is `level(v)^2 * spectrum[b]`. */
export interface NoiseChannel {
  /** Standard deviation of the noise at each brightness of the profile, [0, 1] units, at least 0. */
  readonly level: readonly number[];
  /** Relative power per band, finest first (bands.ts). The mean over all frequencies is 1; white noise has 1 everywhere. */
  readonly spectrum: readonly number[];
}

/** Zero-mean Gaussian noise, as of a camera, a scanner or a codec. */
export interface NoiseProfile {
  /** The brightnesses (mean of the colour channels, [0, 1]) that levels are given for, ascending; at least one. */
  readonly brightness: readonly number[];
  /**
   * One channel for grey. Three for colour: (R + G + B) / sqrt 3, (R - B) / sqrt 2, (R - 2 G + B) / sqrt 6, an
   * orthonormal transform, so white RGB noise of one sigma has that sigma in all three.
   */
  readonly channels: readonly NoiseChannel[];
}

export function whiteProfile(sigma: number, channels: 1 | 3): NoiseProfile {
  const channel: NoiseChannel = { level: [sigma], spectrum: new Array<number>(BANDS).fill(1) };
  return { brightness: [0.5], channels: new Array<NoiseChannel>(channels).fill(channel) };
}

/** The profile with all levels times a factor. */
export function scaledProfile({ brightness, channels }: NoiseProfile, factor: number): NoiseProfile {
  const scaled = ({ level, spectrum }: NoiseChannel) => ({
    level: level.map((value) => factor * value),
    spectrum,
  });
  return { brightness, channels: channels.map(scaled) };
}

/** The variance at a brightness: linear between the profile's brightnesses, constant outside them. */
export function varianceAt(
  { brightness }: Pick<NoiseProfile, 'brightness'>,
  { level }: NoiseChannel,
  value: number,
): number {
  const square = (i: number) => (level[i] as number) ** 2;
  const above = brightness.findIndex((knot) => knot >= value);
  if (above === -1) return square(brightness.length - 1);
  if (above === 0) return square(0);
  const [low, high] = [brightness[above - 1] as number, brightness[above] as number];
  const share = (value - low) / (high - low);
  return (1 - share) * square(above - 1) + share * square(above);
}

/** The spectrum scaled to a mean power of 1 over all frequencies, and its power before. */
export function normalizeSpectrum(powers: readonly number[]): { spectrum: number[]; power: number } {
  const power = powers.reduce((sum, value, band) => sum + value * (BAND_SHARES[band] as number), 0);
  return { spectrum: powers.map((value) => (power > 0 ? value / power : 1)), power };
}

/** The noise as one number for a report: standard deviation over all channels at the worst brightness, 8-bit units. */
export function strongestLevel255({ brightness, channels }: NoiseProfile): number {
  const at = (i: number) => Math.sqrt(mean(channels.map(({ level }) => (level[i] as number) ** 2)));
  return 255 * Math.max(...brightness.map((_, i) => at(i)));
}

/** The most brightnesses in a mean profile, as many as one picture gives. */
const MOST_KNOTS = 6;
/** Knots nearer than this are merged. */
const NEAREST_KNOTS = 0.02;

/**
 * The mean of profiles, at least one, of equally many channels: the mean of the variances at each brightness and of the
 * relative powers of each band. Pictures that do not reach a brightness do not count there, unless none does.
 */
export function meanProfile(profiles: readonly NoiseProfile[]): NoiseProfile {
  const [first] = profiles;
  if (!first) throw new TypeError('expected at least one profile');
  if (profiles.length === 1) return first;
  const brightness = commonKnots(profiles);
  const channels = first.channels.map((_, c): NoiseChannel => {
    const parts = profiles.map((profile) => ({ profile, channel: profile.channels[c] as NoiseChannel }));
    const level = brightness.map((value) => {
      const reaching = parts.filter(({ profile }) => reaches(profile, value));
      const telling = reaching.length > 0 ? reaching : parts;
      return Math.sqrt(mean(telling.map(({ profile, channel }) => varianceAt(profile, channel, value))));
    });
    const powers = Array.from({ length: BANDS }, (_, band) =>
      mean(parts.map(({ channel }) => channel.spectrum[band] as number)),
    );
    return { level, spectrum: normalizeSpectrum(powers).spectrum };
  });
  return { brightness, channels };
}

/** Whether a picture has such a brightness. Its ends are means of bins, so it reaches a little further. */
function reaches({ brightness }: NoiseProfile, value: number): boolean {
  const [least, most] = [brightness[0] as number, brightness.at(-1) as number];
  return value >= least - NEAREST_KNOTS && value <= most + NEAREST_KNOTS;
}

/** All brightnesses. Too many are grouped into groups of equal size by their means; the darkest and the brightest stay. */
function commonKnots(profiles: readonly NoiseProfile[]): number[] {
  const all = profiles.flatMap(({ brightness }) => brightness).sort((a, b) => a - b);
  const distinct = apart(all);
  if (distinct.length <= MOST_KNOTS) return distinct;
  const inner = all.slice(1, -1);
  const groups = MOST_KNOTS - 2;
  const means = Array.from({ length: groups }, (_, g) => {
    const [from, to] = [g, g + 1].map((each) => Math.floor((each * inner.length) / groups));
    return mean(inner.slice(from, to));
  });
  return apart([all[0] as number, ...means, all.at(-1) as number]);
}

/** @param values  ascending */
function apart(values: readonly number[]): number[] {
  const kept: number[] = [];
  for (const value of values)
    if (value - (kept.at(-1) ?? Number.NEGATIVE_INFINITY) >= NEAREST_KNOTS) kept.push(value);
  return kept;
}
