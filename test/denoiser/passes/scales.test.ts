// Coarse structure from the tile made smaller: what is replaced, what stays, and where there is but one scale.
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { addGaussianNoise } from '#src/core/noise/index.js';
import { gaussianNoise } from '#src/core/noise/likelihood/noise-model.js';
import { coarseTile, withCoarse } from '#src/denoiser/passes/scales.js';
import { scalesPass, type TileSamples } from '#src/denoiser/passes/tile-pass.js';
import { largestDifference } from '../../core/flow/differences.js';

const shapes = fc.record({
  channels: fc.constantFrom(1, 3),
  height: fc.integer({ min: 1, max: 40 }),
  width: fc.integer({ min: 1, max: 40 }),
});
const OPTIONS = { leastSigma: 2.5 / 255, multiple: 8 };

function waves({ channels, height, width }: { channels: number; height: number; width: number }) {
  return Float32Array.from({ length: channels * height * width }, (_, i) => 0.5 + 0.3 * Math.sin(i / 7));
}

test('a coarse tile has sides that are multiples, for all sizes', () => {
  fc.assert(
    fc.property(shapes, (shape) => {
      const { data, channels, height, width } = coarseTile(waves(shape), shape, 8);
      assert.is(channels, shape.channels);
      assert.equal([height % 8, width % 8], [0, 0]);
      assert.ok(height >= shape.height / 2 && height < shape.height / 2 + 8);
      assert.is(data.length, channels * height * width);
      assert.ok(data.every(Number.isFinite));
    }),
  );
});

test('a coarse estimate that agrees with the fine one changes nothing', () => {
  fc.assert(
    fc.property(shapes, (shape) => {
      const fine = waves(shape);
      const coarse = coarseTile(fine, shape, 8);
      assert.ok(largestDifference(withCoarse(fine.slice(), shape, coarse), fine) < 1e-6);
    }),
  );
});

test('a difference in brightness is taken over whole, one from pixel to pixel not at all', () => {
  const shape = { channels: 3, height: 32, width: 48 };
  const fine = waves(shape);
  const coarse = coarseTile(fine, shape, 8);
  const brighter = withCoarse(fine.slice(), shape, { ...coarse, data: coarse.data.map((x) => x + 0.1) });
  assert.ok(
    largestDifference(
      brighter,
      fine.map((x) => x + 0.1),
    ) < 1e-6,
  );
  const checkered = coarse.data.map((x, i) => x + (((i + Math.floor(i / 24)) % 2) - 0.5) / 5);
  const same = withCoarse(fine.slice(), shape, { ...coarse, data: checkered });
  // At the edges the pattern is reflected and its mean is not quite zero.
  const inside = (data: Float32Array) =>
    data.filter((_, i) => i % 48 > 12 && i % 48 < 36 && (i / 48) % 32 > 12 && (i / 48) % 32 < 20);
  assert.ok(largestDifference(inside(same), inside(fine)) < 1e-3);
});

const flat = new Float32Array(3 * 128 * 128).fill(0.5);
const tile: TileSamples = {
  ...{ channels: 3, height: 128, width: 128, sigma: 0.1, seed: 3 },
  data: addGaussianNoise(flat, 0.1, 3),
};

test('each scale is told the noise that it has', async () => {
  const seen: { width: number; sigma: number; noise: number }[] = [];
  await scalesPass(3, OPTIONS)(tile, async ({ data, width, sigma }) => {
    const squares = data.reduce((sum, x) => sum + (x - 0.5) ** 2, 0);
    seen.push({ width, sigma, noise: Math.sqrt(squares / data.length) });
    return data;
  });
  assert.equal(
    seen.map(({ width }) => width).sort((a, b) => b - a),
    [128, 64, 32],
  );
  for (const { sigma, noise } of seen) assert.ok(Math.abs(noise / sigma - 1) < 0.04, `${noise} of ${sigma}`);
});

test('no scale that gains nothing or whose noise the prior does not know, and one alone where the likelihood is given', async () => {
  const scalesOf = async (sigma255: number, more: Partial<TileSamples> = {}) => {
    let scales = 0;
    await scalesPass(3, OPTIONS)({ ...tile, sigma: sigma255 / 255, ...more }, async ({ data }) => {
      scales += 1;
      return data;
    });
    return scales;
  };
  assert.equal(
    [await scalesOf(7.9), await scalesOf(8), await scalesOf(15.9), await scalesOf(16)],
    [1, 2, 2, 3],
  );
  // Noise that is not white says itself what each scale has.
  const coarse = (...levels: number[]) => scalesOf(4, { coarse: levels.map((level) => level / 255) });
  assert.equal([await coarse(2.4, 9), await coarse(2.6, 2.4), await coarse(2.6, 2.6)], [1, 2, 3]);
  assert.is(await scalesOf(25, { likelihood: gaussianNoise(0.1) }), 1);
});

test.run();
