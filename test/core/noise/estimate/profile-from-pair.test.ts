// Profiles measured from pictures whose noise was drawn from a known profile.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { profileFromPair, profileFromRegion } from '#src/core/noise/estimate/profile-from-pair.js';
import {
  type NoiseProfile,
  normalizeSpectrum,
  varianceAt,
  whiteProfile,
} from '#src/core/noise/model/noise-profile.js';
import { withNoiseOf } from './coloured-noise.js';

const SIDE = 256;
const PLANE = SIDE * SIDE;

const PROFILE: NoiseProfile = {
  brightness: [0.2, 0.8],
  channels: [
    { level: [0.02, 0.05], spectrum: normalizeSpectrum([0.4, 2, 4, 6]).spectrum },
    { level: [0.02, 0.02], spectrum: normalizeSpectrum([0.2, 1, 5, 12]).spectrum },
    { level: [0.03, 0.015], spectrum: normalizeSpectrum([1, 1, 1, 1]).spectrum },
  ],
};

/** A slope from black to white with an edge in it; grey, so that its brightness is that of every channel. */
const slope = Float32Array.from({ length: 3 * PLANE }, (_, i) => {
  const x = i % SIDE;
  return 0.1 + (0.8 * ((x + 100 * Number(i % PLANE > PLANE / 2)) % SIDE)) / SIDE;
});

const interleaved = (planar: Float32Array, channels: 1 | 3 = 3) => ({
  data: planar.map((_, i) => planar[(i % channels) * PLANE + Math.floor(i / channels)] as number),
  width: SIDE,
  height: SIDE,
  channels,
});

function assertNear(found: number, truth: number, what: string, tolerance = 0.1): void {
  assert.ok(Math.abs(found / truth - 1) < tolerance, `${what}: ${found} for ${truth}`);
}

/** Levels and, as standard deviations, the powers of the bands. */
function assertAlike(found: NoiseProfile, truth: NoiseProfile, tolerance = 0.1): void {
  assert.is(found.channels.length, truth.channels.length);
  for (const [c, channel] of found.channels.entries()) {
    const other = truth.channels[c] as (typeof truth.channels)[number];
    for (const [i, level] of channel.level.entries()) {
      const value = found.brightness[i] as number;
      assertNear(level, Math.sqrt(varianceAt(truth, other, value)), `channel ${c} at ${value}`, tolerance);
    }
    for (const [b, power] of channel.spectrum.entries())
      assertNear(
        Math.sqrt(power),
        Math.sqrt(other.spectrum[b] as number),
        `channel ${c}, band ${b}`,
        tolerance,
      );
  }
}

test('a pair gives the levels at each brightness and the spectrum, within 10%', () => {
  const noisy = withNoiseOf(PROFILE, slope, SIDE, 1);
  const found = profileFromPair(interleaved(noisy), interleaved(slope));
  assert.ok(found.brightness.length >= 5, `${found.brightness}`);
  assertAlike(found, PROFILE);
});

test('bytes and a constant difference change little', () => {
  const clean = slope.map((value) => 0.2 + value / 2);
  const noisy = withNoiseOf(PROFILE, clean, SIDE, 2);
  const bytes = (planar: Float32Array, offset: number) => {
    const { data, ...shape } = interleaved(planar);
    return { ...shape, data: Uint8Array.from(data, (value) => Math.round(255 * value) + offset) };
  };
  const found = profileFromPair(bytes(noisy, 3), bytes(clean, 0));
  const whole = profileFromPair(interleaved(noisy), interleaved(clean));
  for (const [c, { level }] of found.channels.entries())
    for (const [i, value] of level.entries())
      assertNear(value, whole.channels[c]?.level[i] ?? 0, `channel ${c}`, 0.03);
});

test('white grey noise is white, and a pair without noise has none', () => {
  const grey = slope.slice(0, PLANE);
  const white = whiteProfile(0.05, 1);
  const clean = interleaved(grey, 1);
  assertAlike(profileFromPair(interleaved(withNoiseOf(white, grey, SIDE, 3), 1), clean), white);
  const none = profileFromPair(clean, clean);
  assert.ok(none.channels[0]?.level.every((level) => level === 0));
});

test('where noise is clipped, the levels are those of the rest', () => {
  const clean = slope.map((value) => Math.min(1, Math.max(0, 1.4 * value - 0.2)));
  const profile = whiteProfile(0.05, 3);
  const noisy = withNoiseOf(profile, clean, SIDE, 4).map((value) => Math.min(1, Math.max(0, value)));
  // Fewer pixels are left for the coarsest band.
  assertAlike(profileFromPair(interleaved(noisy), interleaved(clean)), profile, 0.15);
});

test('a flat patch gives one level and the spectrum; its shading is not noise', () => {
  const shaded = Float32Array.from({ length: 3 * PLANE }, (_, i) => {
    const [x, y] = [(i % SIDE) / SIDE, Math.floor((i % PLANE) / SIDE) / SIDE];
    return 0.5 + 0.1 * x - 0.08 * y * y + 0.05 * x * y;
  });
  const profile = { brightness: [0.5], channels: PROFILE.channels.map((c) => ({ ...c, level: [0.02] })) };
  const noisy = interleaved(withNoiseOf(profile, shaded, SIDE, 5));
  const found = profileFromRegion(noisy, { left: 20, top: 30, width: 180, height: 200 });
  assert.is(found.brightness.length, 1);
  // The coarsest band has few independent values in a patch.
  assertAlike(found, profile, 0.15);
});

test('sizes that differ and regions that are small or outside are refused', () => {
  const grey = { data: new Float32Array(PLANE), width: SIDE, height: SIDE, channels: 1 } as const;
  assert.throws(() => profileFromPair(interleaved(slope), grey), /one size and kind/);
  assert.throws(() => profileFromRegion(grey, { left: 0, top: 0, width: 20, height: 90 }), /32 x 32/);
  assert.throws(() => profileFromRegion(grey, { left: 240, top: 0, width: 40, height: 40 }), /inside/);
});

test.run();
