// One noise profile of several, and a profile as text.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { BAND_SHARES } from '#src/core/noise/model/bands.js';
import {
  meanProfile,
  type NoiseProfile,
  varianceAt,
  whiteProfile,
} from '#src/core/noise/model/noise-profile.js';
import { noiseProfileText, parseNoiseProfile } from '#src/core/noise/model/profile-schema.js';

/** Level 0.1 * brightness + 0.01, coarse noise. */
function rising(from: number, to: number, factor = 1): NoiseProfile {
  const brightness = [0, 1, 2, 3, 4, 5].map((i) => from + ((to - from) * i) / 5);
  const level = brightness.map((value) => factor * (0.1 * value + 0.01));
  const raw = [0.5, 2, 3, 4];
  const power = raw.reduce((sum, value, band) => sum + value * (BAND_SHARES[band] as number), 0);
  return { brightness, channels: [{ level, spectrum: raw.map((value) => value / power) }] };
}

const levelAt = (profile: NoiseProfile, value: number) => {
  const [channel] = profile.channels;
  if (!channel) throw new Error('no channel');
  return Math.sqrt(varianceAt(profile, channel, value));
};

test('alike profiles have themselves as their mean', () => {
  const one = rising(0.1, 0.9);
  const mean = meanProfile([one, one, one]);
  for (const value of one.brightness)
    assert.ok(Math.abs(levelAt(mean, value) / levelAt(one, value) - 1) < 0.03, `${value}`);
  for (const [band, power] of (mean.channels[0]?.spectrum ?? []).entries())
    assert.ok(Math.abs(power / (one.channels[0]?.spectrum[band] as number) - 1) < 1e-9);
});

test('variances are averaged: levels of 1 and 7 make one of 5', () => {
  const mean = meanProfile([rising(0.1, 0.9, 1), rising(0.1, 0.9, 7)]);
  for (const value of [0.1, 0.5, 0.9])
    assert.ok(Math.abs(levelAt(mean, value) / (5 * (0.1 * value + 0.01)) - 1) < 0.03, `${value}`);
});

test('a dark and a bright picture together tell all brightnesses, each its own', () => {
  const mean = meanProfile([rising(0.05, 0.35), rising(0.6, 0.95, 1.5)]);
  assert.is(mean.brightness[0], 0.05);
  assert.ok((mean.brightness.at(-1) as number) > 0.93);
  assert.ok(mean.brightness.every((value, i) => i === 0 || value > (mean.brightness[i - 1] as number)));
  assert.ok(Math.abs(levelAt(mean, 0.05) / 0.015 - 1) < 0.03);
  assert.ok(Math.abs(levelAt(mean, 0.95) / (1.5 * 0.105) - 1) < 0.03);
});

test('profiles of one brightness, the same or others', () => {
  assert.is(meanProfile([whiteProfile(0.1, 3), whiteProfile(0.1, 3)]).brightness.length, 1);
  const one = whiteProfile(0.1, 3);
  const mean = meanProfile([
    { ...one, brightness: [0.2] },
    { ...one, brightness: [0.7] },
  ]);
  assert.equal(mean.brightness, [0.2, 0.7]);
});

test('what is written is read again to five digits', () => {
  const profile = rising(0.1, 0.9);
  const read = parseNoiseProfile(JSON.parse(noiseProfileText(profile)), 'a.json');
  const numbers = (of: NoiseProfile) => [
    ...of.brightness,
    ...of.channels.flatMap(({ level, spectrum }) => [...level, ...spectrum]),
  ];
  const expected = numbers(profile);
  assert.is(numbers(read).length, expected.length);
  for (const [i, value] of numbers(read).entries())
    assert.ok(Math.abs(value / (expected[i] as number) - 1) < 1e-4);
});

test.run();
