import { readFileSync } from 'node:fs';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FlowDenoiseError } from '#src/core/errors.js';
import { mse, psnr, ssim } from '#src/core/metrics/index.js';

interface SsimCase {
  readonly name: string;
  readonly width: number;
  readonly height: number;
  readonly channels: number;
  /** 8-bit samples, interleaved. */
  readonly a: readonly number[];
  readonly b: readonly number[];
  readonly ssim: number;
}
const fixture = new URL('../fixtures/ssim.json', import.meta.url);
const { cases } = JSON.parse(readFileSync(fixture, 'utf8')) as { cases: readonly SsimCase[] };
const unit = (samples: readonly number[]) => Float64Array.from(samples, (sample) => sample / 255);
const isBadOption = (error: unknown) => error instanceof FlowDenoiseError && error.code === 'BAD_OPTION';
const isNear = (value: number, wanted: number, tolerance: number) =>
  assert.ok(Math.abs(value - wanted) <= tolerance, `${value}, not ${wanted}`);

test('mse is the mean of the squared differences', () => {
  isNear(mse(new Float64Array([0, 0.5, 1, 0]), new Float64Array([0, 0, 0, 0.25])), 1.3125 / 4, 1e-15);
  assert.is(mse(new Float32Array([0.1]), new Float32Array([0.1])), 0);
});

test('psnr of a constant error of 1/10 of the peak is 20 dB, of none is Infinity', () => {
  const zeros = new Float64Array(12);
  isNear(
    psnr(
      zeros,
      zeros.map(() => 0.1),
    ),
    20,
    1e-12,
  );
  isNear(
    psnr(
      zeros,
      zeros.map(() => 25.5),
      255,
    ),
    20,
    1e-12,
  );
  assert.is(psnr(zeros, zeros), Infinity);
});

test('ssim agrees with scikit-image', () => {
  assert.is(cases.length, 3);
  for (const { a, b, ssim: wanted, ...shape } of cases) isNear(ssim(unit(a), unit(b), shape), wanted, 1e-10);
});

test('ssim is 1 for equal pictures, symmetric, and has a closed form for flat ones', () => {
  for (const { a, b, ...shape } of cases) {
    assert.is(ssim(unit(a), unit(a), shape), 1);
    isNear(ssim(unit(a), unit(b), shape), ssim(unit(b), unit(a), shape), 1e-15);
  }
  const dark = new Float64Array(15 * 12).fill(0.2);
  const light = new Float64Array(15 * 12).fill(0.6);
  const wanted = (2 * 0.2 * 0.6 + 1e-4) / (0.2 ** 2 + 0.6 ** 2 + 1e-4);
  isNear(ssim(dark, light, { width: 15, height: 12, channels: 1 }), wanted, 1e-12);
});

test('pictures that cannot be compared are refused', () => {
  assert.throws(() => mse(new Float32Array(3), new Float32Array(4)), isBadOption);
  assert.throws(() => psnr(new Float32Array(0), new Float32Array(0)), isBadOption);
  const square = new Float32Array(144);
  assert.throws(
    () => ssim(square, new Float32Array(143), { width: 12, height: 12, channels: 1 }),
    isBadOption,
  );
  assert.throws(() => ssim(square, square, { width: 12, height: 11, channels: 1 }), isBadOption);
  assert.throws(() => ssim(square, square, { width: 18, height: 8, channels: 1 }), isBadOption);
});

test.run();
