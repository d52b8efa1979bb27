// Demosaicing and the camera's filters: constants and ramps go through unchanged, kernels have the moments that they
// are said to have.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { bayerChannel, demosaic } from '#src/core/noise/simulate/demosaic.js';
import { blurred, sharpened } from '#src/core/noise/simulate/filters.js';
import { resized } from '../../../../scripts/noise-network/resizing.js';
import { expectBelow } from '../../flow/differences.js';

const METHODS = ['bilinear', 'edge-aware'] as const;

/** What a Bayer sensor sees of colours that are functions of the place. */
function mosaicOf(
  width: number,
  height: number,
  colour: (c: number, x: number, y: number) => number,
): Float32Array {
  return Float32Array.from({ length: width * height }, (_, i) => {
    const [x, y] = [i % width, Math.floor(i / width)];
    return colour(bayerChannel(x, y), x, y);
  });
}

function expectColours(
  planes: Float32Array,
  size: { readonly width: number; readonly height: number },
  margin: number,
  colour: (c: number, x: number, y: number) => number,
  what: string,
): void {
  const { width, height } = size;
  for (let c = 0; c < 3; c++)
    for (let y = margin; y < height - margin; y++)
      for (let x = margin; x < width - margin; x++)
        expectBelow(
          Math.abs((planes[(c * height + y) * width + x] as number) - colour(c, x, y)),
          1e-5,
          `${what}: channel ${c} at ${x}, ${y}`,
        );
}

test('half of the pixels are green, a quarter red, a quarter blue', () => {
  const counts = [0, 0, 0];
  for (let y = 0; y < 8; y++)
    for (let x = 0; x < 8; x++) counts[bayerChannel(x, y)] = (counts[bayerChannel(x, y)] ?? 0) + 1;
  assert.equal(counts, [16, 32, 16]);
  assert.equal([bayerChannel(0, 0), bayerChannel(1, 1)], [0, 2]);
});

test('a constant colour comes back everywhere, up to the borders, at even and odd sizes', () => {
  for (const method of METHODS)
    for (const size of [
      { width: 4, height: 4 },
      { width: 9, height: 6 },
      { width: 12, height: 11 },
    ]) {
      const colour = (c: number) => [0.7, 0.2, 0.4][c] as number;
      const mosaic = mosaicOf(size.width, size.height, colour);
      expectColours(demosaic(mosaic, size, method), size, 0, colour, method);
    }
});

test('ramps come back inside, each channel with its own', () => {
  const size = { width: 20, height: 16 };
  const slopes = [
    [0.013, 0.011],
    [-0.007, 0.017],
    [0.02, -0.009],
  ] as const;
  const own = (c: number, x: number, y: number) => {
    const [across, down] = slopes[c] as readonly [number, number];
    return 0.3 + across * x + down * y;
  };
  for (const method of METHODS)
    expectColours(demosaic(mosaicOf(20, 16, own), size, method), size, 3, own, method);
});

test('a sharp edge along the rows or columns of a grey picture has no colour when demosaicing sees edges', () => {
  const size = { width: 24, height: 24 };
  for (const along of ['x', 'y'] as const) {
    const edge = (_: number, x: number, y: number) => ((along === 'x' ? x : y) < 12 ? 0.2 : 0.8);
    const worst = METHODS.map((method) => {
      const planes = demosaic(mosaicOf(24, 24, edge), size, method);
      let most = 0;
      for (let y = 4; y < 20; y++)
        for (let x = 4; x < 20; x++) {
          const i = y * 24 + x;
          most = Math.max(
            most,
            Math.abs((planes[i] as number) - (planes[i + 576] as number)),
            Math.abs((planes[i + 1152] as number) - (planes[i + 576] as number)),
          );
        }
      return most;
    });
    expectBelow(worst[1] as number, 0.16, `edge-aware, along ${along}`);
    assert.ok((worst[0] as number) >= 0.3 - 1e-6, `bilinear has fringes: ${worst[0]}`);
  }
});

/** The response to one bright pixel in the middle of a plane. */
function pointResponse(of: (plane: Float32Array, size: { width: number; height: number }) => Float32Array) {
  const size = { width: 41, height: 41 };
  const plane = new Float32Array(41 * 41);
  plane[20 * 41 + 20] = 1;
  const response = of(plane, size);
  let [sum, across, down] = [0, 0, 0];
  for (let i = 0; i < response.length; i++) {
    const value = response[i] as number;
    sum += value;
    across += value * ((i % 41) - 20) ** 2;
    down += value * (Math.floor(i / 41) - 20) ** 2;
  }
  return { sum, across, down };
}

test('blur: sum 1, and the variance of sampled Gaussians cut beyond three deviations', () => {
  for (const sigma of [0.65, 1, 2.2, 4]) {
    const { sum, across, down } = pointResponse((plane, size) => blurred(plane, size, sigma));
    expectBelow(Math.abs(sum - 1), 1e-5, 'sum');
    const reach = Math.ceil(3 * sigma);
    const taps = Array.from({ length: 2 * reach + 1 }, (_, i) => i - reach);
    const weights = taps.map((k) => Math.exp(-(k * k) / (2 * sigma * sigma)));
    const total = weights.reduce((all, weight) => all + weight, 0);
    const expected = taps.reduce((all, k, i) => all + (k * k * (weights[i] as number)) / total, 0);
    for (const variance of [across, down])
      expectBelow(Math.abs(variance / expected - 1), 1e-4, `variance of ${sigma}`);
    expectBelow(Math.abs(expected / sigma ** 2 - 1), 0.06, 'what is cut off');
  }
  const plane = Float32Array.from({ length: 12 }, (_, i) => i);
  assert.is(blurred(plane, { width: 4, height: 3 }, 0), plane);
});

test('sharpening: sum 1, and 1 + amount times the picture minus its blur', () => {
  const settings = { amount: 0.8, radius: 1.3 };
  const { sum, across } = pointResponse((plane, size) => sharpened(plane, size, settings));
  const soft = pointResponse((plane, size) => blurred(plane, size, 1.3));
  expectBelow(Math.abs(sum - 1), 1e-5, 'sum');
  expectBelow(Math.abs(across + 0.8 * soft.across), 1e-5, 'the second moment turns its sign');
  const plane = Float32Array.from({ length: 12 }, (_, i) => i);
  assert.is(sharpened(plane, { width: 4, height: 3 }, { amount: 0, radius: 1 }), plane);
});

test('resizing: constants stay, ramps keep their places, and averages of detail vanish', () => {
  for (const [width, height] of [
    [40, 24],
    [20, 12],
    [10, 6],
    [29, 17],
    [57, 31],
  ] as const) {
    const from = { width: 40, height: 24 };
    const to = { width, height };
    const constant = resized(new Float32Array(960).fill(0.3), from, to);
    assert.is(constant.length, width * height);
    assert.ok(constant.every((value) => Math.abs(value - 0.3) < 1e-6));
    const ramp = Float32Array.from({ length: 960 }, (_, i) => (i % 40) + 0.5 * Math.floor(i / 40));
    const out = resized(ramp, from, to);
    const margin = 2;
    for (let y = margin; y < height - margin; y++)
      for (let x = margin; x < width - margin; x++) {
        const place = ((x + 0.5) * 40) / width - 0.5 + 0.5 * (((y + 0.5) * 24) / height - 0.5);
        // Widened kernels are normalized sums, which meet a ramp to a few hundredths of a pixel.
        expectBelow(
          Math.abs((out[y * width + x] as number) - place),
          0.05,
          `${width} x ${height} at ${x}, ${y}`,
        );
      }
  }
  const stripes = Float32Array.from({ length: 960 }, (_, i) => i % 2);
  const half = resized(stripes, { width: 40, height: 24 }, { width: 20, height: 24 });
  assert.ok(half.subarray(9 * 20 + 4, 9 * 20 + 16).every((value) => Math.abs(value - 0.5) < 0.05));
});

test.run();
