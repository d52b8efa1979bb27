// A call that is given a noise profile: through the real engine, and what is refused.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { psnr } from '#src/core/metrics/index.js';
import { type NoiseProfile, normalizeSpectrum, whiteProfile } from '#src/core/noise/model/noise-profile.js';
import { profileFor } from '#src/core/noise/model/opponents.js';
import { parseNoiseProfile } from '#src/core/noise/model/profile-schema.js';
import type { Denoiser } from '#src/denoiser/denoiser.js';
import { openDenoiser } from '#src/denoiser/open-denoiser.js';
import { withNoiseOf } from '../../core/noise/estimate/coloured-noise.js';
import { photo, planar } from '../../core/photo.js';

const SIDE = 128;
const PLANE = SIDE * SIDE;
const SIZE = { width: SIDE, height: SIDE, channels: 3 } as const;
const PROFILE: NoiseProfile = {
  brightness: [0.2, 0.8],
  channels: [
    { level: [0.04, 0.08], spectrum: normalizeSpectrum([0.2, 2, 4, 6]).spectrum },
    { level: [0.02, 0.03], spectrum: normalizeSpectrum([0.2, 1, 5, 12]).spectrum },
    { level: [0.02, 0.03], spectrum: normalizeSpectrum([0.2, 1, 5, 12]).spectrum },
  ],
};

const { data: clean } = await photo('chelsea.png', { left: 140, top: 60, width: SIDE, height: SIDE });
const interleaved = (data: Float32Array) =>
  data.map((_, i) => data[(i % 3) * PLANE + Math.floor(i / 3)] as number);
const noisy = { ...SIZE, data: interleaved(withNoiseOf(PROFILE, planar(clean), SIDE, 4)) };
const clipped = (data: Float32Array) => data.map((value) => Math.min(1, Math.max(0, value)));

const test = suite('noise profile', { denoiser: undefined } as unknown as { denoiser: Denoiser });
test.before(async (context) => {
  context.denoiser = await openDenoiser({ preset: 'fast' });
});
test.after(({ denoiser }) => denoiser.close());

test('noise of its kind goes, and the report says what was taken for it', async ({ denoiser }) => {
  const { data, report } = await denoiser.denoise(noisy, { noise: PROFILE });
  const [found, before] = [psnr(clean, clipped(data)), psnr(clean, clipped(noisy.data))];
  assert.ok(found > before + 2, `${found} dB after ${before}`);
  assert.equal([report.noise.model, report.noise.profile], ['profile', PROFILE]);
  assert.is(report.fallbackTiles, 0);
});

test('white noise as a profile is that of its sigma', async ({ denoiser }) => {
  const asProfile = await denoiser.denoise(noisy, { noise: whiteProfile(20 / 255, 3) });
  const asSigma = await denoiser.denoise(noisy, { sigma: 20 });
  assert.equal(asProfile.data, asSigma.data);
  assert.is(asProfile.report.evaluations, asSigma.report.evaluations);
});

test('a grey picture takes the luma of a colour profile, or a grey one', async ({ denoiser }) => {
  const grey = { ...SIZE, data: planar(noisy.data).slice(0, PLANE), channels: 1 as const };
  const luma = profileFor(PROFILE, 1);
  assert.ok(luma);
  const levels = PROFILE.channels[0]?.level.map((level) => level / Math.sqrt(3));
  assert.ok(luma.channels[0]?.level.every((level, i) => Math.abs(level - (levels?.[i] ?? 0)) < 1e-12));
  const { data, report } = await denoiser.denoise(grey, { noise: PROFILE });
  assert.equal(report.noise.profile, luma);
  assert.equal(data, (await denoiser.denoise(grey, { noise: luma })).data);
  assert.ok(data.every(Number.isFinite));
});

test('strength and region hold, and too faint noise is left', async ({ denoiser }) => {
  const whole = await denoiser.denoise(noisy, { noise: PROFILE });
  const half = await denoiser.denoise(noisy, { noise: PROFILE, strength: 0.5 });
  for (const [i, value] of half.data.entries()) {
    const expected = ((noisy.data[i] as number) + (whole.data[i] as number)) / 2;
    assert.ok(Math.abs(value - expected) < 1e-6, `sample ${i}`);
  }
  const region = { left: 16, top: 24, width: 40, height: 32 };
  assert.is((await denoiser.denoise(noisy, { noise: PROFILE, region })).data.length, 3 * 40 * 32);
  const faint = { ...PROFILE, channels: PROFILE.channels.map((c) => ({ ...c, level: [1e-4, 1e-4] })) };
  assert.is((await denoiser.denoise(noisy, { noise: faint })).report.isUnchanged, true);
});

test('a bad profile is refused with the entry that is wrong', async ({ denoiser }) => {
  const [first] = PROFILE.channels;
  assert.ok(first);
  const cases: readonly [unknown, RegExp][] = [
    [{ ...PROFILE, brightness: [0.8, 0.2] }, /brightness: expected rising numbers/],
    [
      { ...PROFILE, brightness: [0.2] },
      /channels\[0\]\.level: expected a level for each of the 1 brightnesses/,
    ],
    [{ ...PROFILE, channels: [first, first] }, /channels: expected 1 channel \(grey\) or 3/],
    [{ ...PROFILE, channels: [{ ...first, level: [0.1, -1] }] }, /channels\[0\]\.level\[1\]/],
    [{ ...PROFILE, channels: [{ ...first, level: [0.1, Number.NaN] }] }, /channels\[0\]\.level\[1\]/],
    [{ ...PROFILE, channels: [{ ...first, spectrum: [1, 1] }] }, /channels\[0\]\.spectrum/],
    [{ ...PROFILE, channels: [{ ...first, spectrum: [0, 0, 0, 0] }] }, /a power above 0/],
    [{ ...PROFILE, brightness: Array.from({ length: 65 }, (_, i) => i / 65) }, /brightness/],
    [{ ...PROFILE, format: 'other' }, /format/],
    [{ ...PROFILE, version: 2 }, /version/],
    [{ ...PROFILE, extra: 1 }, /extra/],
  ];
  for (const [noise, message] of cases) {
    const said = await denoiser.denoise(noisy, { noise: noise as NoiseProfile }).then(
      () => 'nothing',
      (error: Error) => error.message,
    );
    assert.match(said, message);
    assert.match(said, /noise profile/);
    assert.throws(() => parseNoiseProfile(noise, 'a.json'), message);
  }
  const grey = await denoiser.denoise(noisy, { noise: whiteProfile(0.1, 1) }).catch(String);
  assert.match(String(grey), /3 channels for a colour picture/);
  const both = await denoiser.denoise(noisy, { noise: PROFILE, sigma: 5 }).catch(String);
  assert.match(String(both), /Pass either sigma or a noise profile, not both/);
});

test('a file holds a profile with its format and version', () => {
  const file = { format: 'flow-denoise-noise', version: 1, ...PROFILE };
  assert.equal(parseNoiseProfile(JSON.parse(JSON.stringify(file)), 'a.json'), PROFILE);
});

test.run();
