// Animations through a denoiser: every frame, with one noise for all, and the whole file where it is clean.
import assert from 'node:assert/strict';
import sharp from 'sharp';
import { suite } from 'uvu';
import type { Picture } from '#src/core/picture.js';
import type { DenoiseCallOptions, Denoiser } from '#src/denoiser/denoiser.js';
import { openDenoiser } from '#src/denoiser/open-denoiser.js';
import { denoiseEncodedPicture } from '#src/plugin/encoded-picture.js';
import { identityDenoiser } from './identity-denoiser.js';

const test = suite<{ denoiser: Denoiser }>('animations', { denoiser: undefined as unknown as Denoiser });
test.before(async (context) => {
  context.denoiser = await openDenoiser({ method: 'posterior-mean', scales: 1 });
});
test.after(({ denoiser }) => denoiser.close());

const SIDE = 64;
const FRAMES = 3;
const SIGMA = 20;

/** A fixed series of normal numbers (Box-Muller over a linear congruential generator). */
function normal(seed: number): () => number {
  let state = seed;
  const uniform = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return (state + 1) / (2 ** 32 + 1);
  };
  return () => Math.sqrt(-2 * Math.log(uniform())) * Math.cos(2 * Math.PI * uniform());
}

/** A soft shape that moves, and the same with noise. */
const clean = Uint8Array.from({ length: FRAMES * SIDE * SIDE * 3 }, (_, i) => {
  const [pixel, channel] = [Math.floor(i / 3), i % 3];
  const [x, y, frame] = [pixel % SIDE, Math.floor(pixel / SIDE) % SIDE, Math.floor(pixel / SIDE / SIDE)];
  return Math.round(120 + 60 * Math.sin((x + 8 * frame) / 9 + channel) * Math.cos(y / 11));
});
const noise = normal(3);
const noisy = clean.map((value) => Math.min(255, Math.max(0, Math.round(value + SIGMA * noise()))));

function animated(data: Uint8Array, format: 'webp' | 'gif'): Promise<Buffer> {
  const raw = { width: SIDE, height: FRAMES * SIDE, channels: 3, pageHeight: SIDE } as const;
  const options = { delay: [70, 30, 110], loop: 2, lossless: true, exact: true, keepDuplicateFrames: true };
  return sharp(data, { raw }).toFormat(format, options).toBuffer();
}

async function distance(file: Buffer): Promise<number> {
  const data = await sharp(file, { animated: true }).removeAlpha().raw().toBuffer();
  assert.equal(data.length, clean.length);
  return Math.sqrt(data.reduce((sum, value, i) => sum + (value - (clean[i] ?? 0)) ** 2, 0) / data.length);
}

for (const format of ['webp', 'gif'] as const)
  test(`${format}: every frame loses its noise, and keeps its time`, async ({ denoiser }) => {
    const file = await animated(noisy, format);
    const steps: number[] = [];
    const { bytes, report } = await denoiseEncodedPicture(file, `a.${format}`, async () => denoiser, {
      onProgress: ({ tilesDone, tiles }) => steps.push(tilesDone / tiles),
    });
    assert.ok(bytes);
    const [before, after] = [await distance(file), await distance(bytes)];
    assert.ok(after < before / 2, `${before} -> ${after}`);
    for (const trait of ['frames: 3', 'durations: 70, 30, 110 ms', 'played: 2 times'])
      assert.ok(report.file.kept.includes(trait), trait);
    assert.ok(
      report.noise.isEstimated && Math.abs(report.noise.sigma - SIGMA) < 5,
      String(report.noise.sigma),
    );
    assert.equal(report.tiles, FRAMES);
    assert.deepEqual([steps.at(-1), [...steps].sort()], [1, steps]);
  });

test('a clean animation comes back as it is', async ({ denoiser }) => {
  const flat = clean.map((_, i) => Math.floor(i / (SIDE * SIDE * 3)) * 40);
  const file = await animated(flat, 'webp');
  const { bytes, report } = await denoiseEncodedPicture(file, 'a.webp', async () => denoiser, {});
  assert.deepEqual([bytes, report.isUnchanged, report.file.notKept], [undefined, true, []]);
});

test('the noise is looked for once, or not where it is given', async () => {
  const file = await animated(noisy, 'webp');
  for (const [options, looks] of [
    [{}, 1],
    [{ sigma: 12 }, 0],
  ] as const) {
    const calls: { picture: Picture; options: DenoiseCallOptions }[] = [];
    const identity = identityDenoiser();
    const denoiser: Denoiser = {
      ...identity,
      denoise(picture, call = {}) {
        calls.push({ picture, options: call });
        return identity.denoise(picture, call);
      },
    };
    await denoiseEncodedPicture(file, 'a.webp', async () => denoiser, options);
    assert.equal(calls.filter(({ options: { region } }) => region).length, looks);
    const frames = calls.filter(({ options: { region } }) => !region);
    assert.deepEqual(
      frames.map(({ picture: { width, height } }) => [width, height]),
      [0, 1, 2].map(() => [SIDE, SIDE]),
    );
    assert.deepEqual(
      new Set(frames.map(({ options: { sigma } }) => sigma)),
      new Set([looks === 1 ? 25 : 12]),
    );
  }
});

test.run();
