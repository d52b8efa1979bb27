// How much of a picture's detail is noise, against closed forms, and what the prior is told of the noise for it.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openNoiseMeter } from '#src/core/engine/noise-meter/noise-meter.js';
import { addGaussianNoise } from '#src/core/noise/index.js';
import { BANDS } from '#src/core/noise/model/bands.js';
import type { NoiseProfile } from '#src/core/noise/model/noise-profile.js';
import type { Picture } from '#src/core/picture.js';
import { detailToNoise } from '#src/denoiser/noise/detail-to-noise.js';
import { planNoise } from '#src/denoiser/noise/noise-plan.js';

const SIZE = { width: 256, height: 192 };
const SIGMA = 6 / 255;

/** White noise, but for a little more of it in the colours, so that it counts as a profile. */
function profileOf(level: readonly number[], brightness: readonly number[], channels: 1 | 3): NoiseProfile {
  const spectrum = new Array<number>(BANDS).fill(1);
  const colour = { level: level.map((each) => 1.05 * each), spectrum };
  return {
    brightness,
    channels: channels === 1 ? [{ level, spectrum }] : [{ level, spectrum }, colour, colour],
  };
}

/** Samples of `value(x)` with white noise of `sigma(x)`. */
function picture(value: (x: number) => number, sigma: (x: number) => number, channels: 1 | 3 = 3): Picture {
  const { width, height } = SIZE;
  const data = addGaussianNoise(new Float32Array(width * height * channels), 1, 5).map((noise, i) => {
    const x = Math.floor(i / channels) % width;
    return value(x) + sigma(x) * noise;
  });
  return { data, ...SIZE, channels };
}

const near = (found: number | undefined, expected: number, tolerance = 0.04) =>
  assert.ok(
    found !== undefined && Math.abs(found / expected - 1) < tolerance,
    `${found}, expected ${expected} within ${tolerance}`,
  );

test('nothing but noise: 1; independent detail beside it adds its power', async () => {
  const flat = () => 0.5;
  for (const channels of [1, 3] as const) {
    const profile = profileOf([SIGMA], [0.5], channels);
    near(
      await detailToNoise(
        picture(flat, () => SIGMA, channels),
        profile,
      ),
      1,
    );
    for (const detail of [1, 3])
      near(
        await detailToNoise(
          picture(flat, () => SIGMA * Math.hypot(1, detail), channels),
          profile,
        ),
        Math.hypot(1, detail),
      );
  }
});

test('the level of the noise is that of each brightness', async () => {
  const { width } = SIZE;
  const isDark = (x: number) => x < width / 2;
  const twoLevels = picture(
    (x) => (isDark(x) ? 0.25 : 0.75),
    (x) => (isDark(x) ? SIGMA : 2 * SIGMA),
  );
  near(await detailToNoise(twoLevels, profileOf([SIGMA, 2 * SIGMA], [0.3, 0.7], 3)), 1);
});

test('texture in less than half of the picture changes little', async () => {
  const { width } = SIZE;
  const part = picture(
    () => 0.5,
    (x) => (x < 0.3 * width ? 8 * SIGMA : SIGMA),
  );
  near(await detailToNoise(part, profileOf([SIGMA], [0.5], 3)), 1, 0.12);
});

test('nothing to compare: clipped throughout, or no noise in the profile', async () => {
  const white = { data: new Float32Array(64 * 64 * 3).fill(1), width: 64, height: 64, channels: 3 } as const;
  assert.is(await detailToNoise(white, profileOf([SIGMA], [0.5], 3)), undefined);
  assert.is(
    await detailToNoise(
      picture(
        () => 0.5,
        () => SIGMA,
      ),
      profileOf([0], [0.5], 3),
    ),
    undefined,
  );
});

test('the prior is told stronger noise where all is noise, weaker where all is texture; reports stay', async () => {
  const meter = openNoiseMeter();
  try {
    const profile = profileOf([SIGMA], [0.5], 3);
    const told = async (detail: number) => {
      const noisy = picture(
        () => 0.5,
        () => SIGMA * Math.hypot(1, detail),
      );
      const context = { range: [2.5 / 255, 100 / 255] as const, method: 'posterior-mean' as const, meter };
      const plan = await planNoise(noisy, { sigma: 'auto', noise: profile, strength: 1 }, context);
      assert.equal(plan.report.profile, profile);
      return plan.strongest255 / (255 * 1.05 * SIGMA);
    };
    near(await told(0), 1.2, 0.01);
    near(await told(10), 0.7, 0.01);
    // A ratio of about 2.7.
    const between = await told(2.5);
    assert.ok(between < 1.1 && between > 0.75, String(between));
  } finally {
    await meter.close();
  }
});

test.run();
