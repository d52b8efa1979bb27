// One noise profile from several: pictures of one camera and one ISO have the same noise, and each tells a part of it.
import { mean } from '../../metrics/index.js';
import { BANDS } from './bands.js';
import { type NoiseChannel, type NoiseProfile, normalizeSpectrum, varianceAt } from './noise-profile.js';

/** Brightnesses of the mean at most: what one picture tells too. */
const MOST_KNOTS = 6;
/** Knots that are nearer are one. */
const NEAREST_KNOTS = 0.02;

/**
 * The mean of profiles, every picture counting once: the mean of the variances at a brightness, and of the relative powers
 * of each band. A brightness is told by the pictures that reach it; where none does, by all.
 *
 * @param profiles  at least one, all of as many channels
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

/** Whether a picture has such brightness. Its ends are means of a bin, so it reaches somewhat further. */
function reaches({ brightness }: NoiseProfile, value: number): boolean {
  const [least, most] = [brightness[0] as number, brightness.at(-1) as number];
  return value >= least - NEAREST_KNOTS && value <= most + NEAREST_KNOTS;
}

/** The knots of all; where these are too many, groups of as many each by their means, with the darkest and the brightest. */
function commonKnots(profiles: readonly NoiseProfile[]): number[] {
  const all = profiles.flatMap(({ brightness }) => brightness).sort((a, b) => a - b);
  const distinct = apart(all);
  if (distinct.length <= MOST_KNOTS) return distinct;
  const inner = all.slice(1, -1);
  const groups = MOST_KNOTS - 2;
  const means = Array.from({ length: groups }, (_, g) => {
    const [from, to] = [g, g + 1].map((each) => Math.floor((each * inner.length) / groups));
    const part = inner.slice(from, to);
    return mean(part);
  });
  return apart([all[0] as number, ...means, all.at(-1) as number]);
}

/** @param values  rising */
function apart(values: readonly number[]): number[] {
  const kept: number[] = [];
  for (const value of values)
    if (value - (kept.at(-1) ?? Number.NEGATIVE_INFINITY) >= NEAREST_KNOTS) kept.push(value);
  return kept;
}
