// The simulated camera's own noise reduction against what is known of it: nothing smaller than the noise is left in flat
// places, what is far larger stays, and shots of one scene differ more where there is texture.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { gaussianGenerator } from '#src/core/noise/random.js';
import { cameraAt, takePictures } from '#src/core/noise/simulate/camera.js';
import { type NoiseReduction, noiseReducer } from '../../../../scripts/noise-network/noise-reduction.js';
import { expectBelow } from '../../flow/differences.js';

const SIZE = { width: 64, height: 48 };
const PIXELS = SIZE.width * SIZE.height;
const SIGMA = 0.02;
const KINDS = ['guided', 'garrote'] as const;

const EXPECTED = new Float32Array(PIXELS).fill(SIGMA);

interface LumaSettings extends Pick<NoiseReduction, 'kind' | 'strength'> {
  readonly threshold: number;
  readonly reach: number;
}

/** The luma plane without noise. */
function withoutNoise(plane: Float32Array, { threshold, reach, ...settings }: LumaSettings): Float32Array {
  const thresholds = { luma: threshold, chroma: 0, reach: { luma: reach, chroma: 1 } };
  return noiseReducer({ ...settings, ...thresholds })(plane, SIZE, EXPECTED, 'luma');
}
const rms = (values: Float32Array) =>
  Math.sqrt(values.reduce((sum, value) => sum + value * value, 0) / values.length);

test('flat noise falls: the guided filter to about the mean of its windows, the garrote below 40%', () => {
  const next = gaussianGenerator(4);
  const noise = new Float32Array(PIXELS).map(() => SIGMA * next());
  for (const kind of KINDS) {
    const left = withoutNoise(noise, { kind, threshold: 3, reach: 3, strength: 1 });
    // A mean over 7 x 7 windows, twice, leaves 1 / 7 at least; a tenth of the noise passes as texture.
    expectBelow(rms(left) / SIGMA, kind === 'guided' ? 0.3 : 0.4, kind);
  }
});

test('an edge of 20 standard deviations stays, and a plane without structure is returned', () => {
  const edge = Float32Array.from({ length: PIXELS }, (_, i) =>
    i % SIZE.width < 32 ? 0.2 : 0.2 + 20 * SIGMA,
  );
  const flat = new Float32Array(PIXELS).fill(0.4);
  for (const kind of KINDS) {
    const settings = { kind, threshold: 1.5, reach: 2, strength: 1 };
    const kept = withoutNoise(edge, settings);
    const step = (kept[40] as number) - (kept[24] as number);
    expectBelow(Math.abs(step / (20 * SIGMA) - 1), 1e-3, `${kind}: step`);
    const steepest = (kept[32] as number) - (kept[31] as number);
    expectBelow(0.8, steepest / (20 * SIGMA), `${kind}: steepness`);
    const same = withoutNoise(flat, settings);
    assert.ok(same.every((value) => Math.abs(value - 0.4) < 1e-6));
  }
});

test('strength mixes; threshold 0 does nothing', () => {
  const next = gaussianGenerator(5);
  const noise = new Float32Array(PIXELS).map(() => 0.5 + SIGMA * next());
  for (const kind of KINDS) {
    const at = (strength: number, threshold = 2) =>
      withoutNoise(noise, { kind, threshold, reach: 2, strength });
    const [none, half, whole] = [at(0), at(0.5), at(1)];
    assert.equal(none, noise);
    assert.equal(at(1, 0), noise);
    for (let i = 0; i < PIXELS; i += 7)
      expectBelow(
        Math.abs((half[i] as number) - ((noise[i] as number) + (whole[i] as number)) / 2),
        1e-6,
        kind,
      );
  }
});

test('shots of a camera that reduces noise: flat places lose most of it, stripes keep it', () => {
  // The left half is flat; the right half has stripes that are far stronger than the noise.
  const size = { width: 128, height: 64 };
  const plane = size.width * size.height;
  const scene = Float32Array.from({ length: 3 * plane }, (_, i) => {
    const x = i % size.width;
    return x < 64 ? 0.5 : x % 8 < 4 ? 0.3 : 0.7;
  });
  for (const kind of KINDS) {
    const noiseReduction: NoiseReduction = {
      kind,
      luma: 1.5,
      chroma: 3,
      reach: { luma: 2, chroma: 3 },
      strength: 1,
    };
    const [first, second] = takePictures(
      scene,
      size,
      { ...cameraAt(3200), noiseReduction: noiseReducer(noiseReduction) },
      [1, 2],
    );
    const level = (from: number) => {
      let sum = 0;
      for (let y = 8; y < 56; y++)
        for (let x = from; x < from + 40; x++) {
          const i = plane + y * size.width + x;
          sum += ((first?.[i] as number) - (second?.[i] as number)) ** 2;
        }
      return Math.sqrt(sum);
    };
    expectBelow(1.6, level(76) / level(12), `${kind}: noise at stripes over noise in flat places`);
  }
});

test.run();
