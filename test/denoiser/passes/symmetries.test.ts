// The self-ensemble: the symmetries themselves, and that the mean over them is what the pass says.
import fc from 'fast-check';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { gaussianNoise } from '#src/core/noise/likelihood/noise-model.js';
import {
  SYMMETRIES,
  turned,
  turnedBack,
  turnedLikelihood,
  turnedShape,
} from '#src/denoiser/passes/symmetries.js';
import { ensemblePass, type TileSamples } from '#src/denoiser/passes/tile-pass.js';
import { largestDifference } from '../../core/flow/differences.js';

const shapes = fc.record({
  channels: fc.constantFrom(1, 3),
  height: fc.integer({ min: 1, max: 17 }),
  width: fc.integer({ min: 1, max: 17 }),
});

function counting({ channels, height, width }: { channels: number; height: number; width: number }) {
  return Float32Array.from({ length: channels * height * width }, (_, i) => i + 1);
}

test('turning back is the inverse of turning', () => {
  fc.assert(
    fc.property(shapes, fc.constantFrom(...SYMMETRIES), (shape, symmetry) => {
      const tile = counting(shape);
      assert.equal(turnedBack(turned(tile, shape, symmetry), shape, symmetry), tile);
    }),
  );
});

test('the eight are all different, the first does nothing, the first four keep the shape', () => {
  const shape = { channels: 1, height: 2, width: 3 };
  const tile = counting(shape);
  const results = SYMMETRIES.map((symmetry) => turned(tile, shape, symmetry).join());
  assert.is(new Set(results).size, 8);
  assert.equal(turned(tile, shape, SYMMETRIES[0] as (typeof SYMMETRIES)[0]), tile);
  assert.equal(
    SYMMETRIES.map((symmetry) => turnedShape(shape, symmetry).width),
    [3, 3, 3, 3, 2, 2, 2, 2],
  );
  const [, mirrored, flipped, , transposed] = results;
  assert.equal([mirrored, flipped, transposed], ['3,2,1,6,5,4', '4,5,6,1,2,3', '1,4,2,5,3,6']);
});

test('the likelihood of turned tiles is that of the tiles before', () => {
  const shape = { channels: 3, height: 4, width: 6 };
  const sigmas = Float32Array.from({ length: 24 }, (_, i) => 0.05 + i / 100);
  const model = gaussianNoise(sigmas);
  const [estimate, noisy] = [counting(shape).map((x) => x / 80), counting(shape).map((x) => Math.sin(x))];
  for (const symmetry of SYMMETRIES) {
    const there = (samples: Float32Array) => turned(samples, shape, symmetry);
    const likelihood = turnedLikelihood(model, shape, symmetry);
    const value = likelihood.logLikelihood(there(estimate), there(noisy));
    assert.ok(Math.abs(value - model.logLikelihood(estimate, noisy)) < 1e-9 * Math.abs(value));
    const out = there(estimate);
    likelihood.gradient(out, there(noisy), out);
    const expected = there(model.gradient(estimate, noisy, new Float32Array(estimate.length)));
    assert.equal(out, expected);
    // What engines on a GPU use instead says the same.
    const alike = gaussianNoise(there(sigmas)).precision ?? new Float32Array(0);
    assert.ok(largestDifference(likelihood.precision ?? [], alike) < 1e-3);
  }
});

const tile: TileSamples = {
  ...{ channels: 3, height: 8, width: 16, sigma: 0.1, seed: 5 },
  data: Float32Array.from({ length: 3 * 8 * 16 }, (_, i) => Math.sin(i)),
};

for (const size of [1, 4, 8] as const)
  test(`the mean over ${size}: what does not depend on place comes back as it is, what does is averaged`, async () => {
    const seen: TileSamples[] = [];
    const squared = await ensemblePass(size)(tile, async (member) => {
      seen.push(member);
      return member.data.map((x) => x * x);
    });
    assert.ok(
      largestDifference(
        squared,
        tile.data.map((x) => x * x),
      ) < 1e-6,
    );
    assert.is(seen.length, size);
    assert.is(new Set(seen.map(({ seed }) => seed)).size, size, 'each draws noise of its own');
    assert.is(new Set(seen.map(({ data }) => data.join())).size, size);
    // 1 in a member's first sample: over the symmetries that is every corner.
    const corner = await ensemblePass(size)(tile, async ({ data }) => data.map((_, i) => (i === 0 ? 1 : 0)));
    const corners = [0, 15, 7 * 16, 8 * 16 - 1].map((i) => corner[i]);
    assert.equal(corners, size === 1 ? [1, 0, 0, 0] : [0.25, 0.25, 0.25, 0.25]);
  });

test.run();
