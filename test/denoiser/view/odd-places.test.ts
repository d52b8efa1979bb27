// Odd places stay odd alone: hidden colours, hot pixels, a lamp beyond white, a patch on which the flow breaks down.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { BreakDown } from '#src/core/inference/estimation.js';
import { addGaussianNoise } from '#src/core/noise/index.js';
import { gaussianNoise } from '#src/core/noise/likelihood/noise-model.js';
import type { DenoiseReport, Denoiser } from '#src/denoiser/denoiser.js';
import { openDenoiser } from '#src/denoiser/open-denoiser.js';
import { aroundSpots } from '#src/denoiser/view/around-spots.js';
import { fillOdd } from '#src/denoiser/view/fill.js';
import { findOddPixels } from '#src/denoiser/view/odd-pixels.js';
import { containerRange } from '#src/denoiser/view/sample-range.js';
import { surveyOf } from '#src/denoiser/view/survey.js';

const [WIDTH, HEIGHT, SIGMA] = [144, 112, 10];
const SIZE = { width: WIDTH, height: HEIGHT } as const;
/** Pixels around an odd place that may suffer. */
const MARGIN = 16;

const placeOf = (pixel: number) => [pixel % WIDTH, Math.floor(pixel / WIDTH)] as const;

/** A brown and grey scene with edges and texture. */
const clean = Float32Array.from({ length: 3 * WIDTH * HEIGHT }, (_, i) => {
  const [x, y] = placeOf(Math.floor(i / 3));
  const tint = [1, 0.8, 0.65][i % 3] as number;
  const texture = 0.05 * Math.sin(1.7 * x + 0.9 * y) * Math.sin(0.4 * y);
  return tint * (x + 2 * y > 170 ? 0.75 : 0.35 + 0.15 * Math.sin(x / 13)) + texture;
});
const noisy = addGaussianNoise(clean, SIGMA / 255, 11);
const bytes = Uint8Array.from(noisy, (v) => Math.min(255, Math.max(0, Math.round(255 * v))));

type IsOdd = (x: number, y: number) => boolean;

/** The error in 8-bit units outside of MARGIN pixels around odd places. */
function errorBeside(data: ArrayLike<number>, channels: number, unit: number, isOdd: IsOdd): number {
  const near = new Uint8Array(WIDTH * HEIGHT);
  for (let y = 0; y < HEIGHT; y++)
    for (let x = 0; x < WIDTH; x++)
      if (isOdd(x, y))
        for (let v = Math.max(0, y - MARGIN); v <= Math.min(HEIGHT - 1, y + MARGIN); v++)
          near.fill(1, v * WIDTH + Math.max(0, x - MARGIN), v * WIDTH + Math.min(WIDTH, x + MARGIN + 1));
  let [sum, count] = [0, 0];
  for (let pixel = 0; pixel < near.length; pixel++)
    for (let c = 0; c < 3 && near[pixel] === 0; c++, count++)
      sum += ((data[pixel * channels + c] as number) * unit - 255 * (clean[pixel * 3 + c] as number)) ** 2;
  assert.ok(count > 3000, `only ${count} samples lie beside the odd places`);
  return Math.sqrt(sum / count);
}

interface Context {
  denoiser: Denoiser;
  plain: Uint8Array;
}
const test = suite<Context>('odd places', {} as Context);
test.before(async (context) => {
  context.denoiser = await openDenoiser({ preset: 'fast' });
  const { data } = await context.denoiser.denoise({ ...SIZE, data: bytes, channels: 3 });
  context.plain = data;
});
test.after(({ denoiser }) => denoiser.close());

function isAsGood(data: ArrayLike<number>, channels: number, unit: number, isOdd: IsOdd, plain: Uint8Array) {
  const [without, around] = [errorBeside(plain, 3, 1, isOdd), errorBeside(data, channels, unit, isOdd)];
  assert.ok(without < 0.6 * SIGMA, `${without} without`);
  assert.ok(around < 1.1 * without, `${around} beside the odd place, ${without} without it`);
}

const inSquare: IsOdd = (x, y) => x >= 24 && x < 60 && y >= 24 && y < 56;
const inDisc: IsOdd = (x, y) => Math.hypot(x - 90, y - 50) < 8;

function painted(isOdd: IsOdd, colour: readonly number[]): Uint8Array {
  return bytes.map((value, i) => (isOdd(...placeOf(Math.floor(i / 3))) ? (colour[i % 3] as number) : value));
}

test('a green patch costs its own neighbourhood', async ({ denoiser, plain }) => {
  const data = painted(inSquare, [0, 255, 0]);
  const result = await denoiser.denoise({ ...SIZE, data, channels: 3 });
  isAsGood(result.data, 3, 1, inSquare, plain);
  tellsOfIt(result.report);
});

/** The patch may one day be nothing odd for a prior; then nothing may be reported. */
function tellsOfIt({ spotTiles, fallbackTiles, tiles }: DenoiseReport): void {
  assert.is(fallbackTiles, 0);
  assert.ok(spotTiles <= tiles);
}

test('the same with beta-MAP', async ({ plain }) => {
  const denoiser = await openDenoiser({ method: 'beta-map' });
  try {
    const data = painted(inSquare, [0, 255, 0]);
    const { data: result } = await denoiser.denoise({ ...SIZE, data, channels: 3 });
    isAsGood(result, 3, 1, inSquare, plain);
  } finally {
    await denoiser.close();
  }
});

test('hot pixels stay as they are, and all else is denoised', async ({ denoiser, plain }) => {
  const hot = new Set([20 * WIDTH + 30, 60 * WIDTH + 100, 90 * WIDTH + 40, 0, WIDTH * HEIGHT - 1]);
  const isOdd: IsOdd = (x, y) => hot.has(y * WIDTH + x);
  const data = painted(isOdd, [255, 20, 20]);
  const result = await denoiser.denoise({ ...SIZE, data, channels: 3 });
  isAsGood(result.data, 3, 1, isOdd, plain);
  for (const pixel of hot) {
    const [red = 0] = result.data.subarray(3 * pixel);
    assert.ok(red > 240, `red ${red} at ${placeOf(pixel)}`);
  }
  assert.ok(
    result.report.oddPixels >= hot.size && result.report.oddPixels < 40,
    `${result.report.oddPixels}`,
  );
});

test('a lamp of value 8 in a float picture stays alone', async ({ denoiser, plain }) => {
  const data = noisy.map((value, i) => (inDisc(...placeOf(Math.floor(i / 3))) ? 8 : value));
  const result = await denoiser.denoise({ ...SIZE, data, channels: 3 });
  isAsGood(result.data, 3, 255, inDisc, plain);
  for (let i = 0; i < data.length; i++) if (data[i] === 8) assert.is(result.data[i], 8);
  assert.equal(result.report.range, { black: 0, white: 1, isFound: false });
});

/** Hidden outside of a disc. */
const isHidden: IsOdd = (x, y) => Math.hypot(x - 72, y - 56) > 50;

function sprite(hidden: readonly number[]): Uint8Array {
  return Uint8Array.from({ length: 4 * WIDTH * HEIGHT }, (_, i) => {
    const pixel = Math.floor(i / 4);
    const isOut = isHidden(...placeOf(pixel));
    if (i % 4 === 3) return isOut ? 0 : 255;
    return isOut ? (hidden[i % 4] as number) : (bytes[pixel * 3 + (i % 4)] as number);
  });
}

test('hidden colours stay byte for byte and change nothing that is seen', async ({ denoiser, plain }) => {
  const results: Uint8Array[] = [];
  for (const colour of [
    [0, 0, 0],
    [0, 255, 0],
    [255, 0, 200],
  ]) {
    const data = sprite(colour);
    const { data: result, report } = await denoiser.denoise({ ...SIZE, data, channels: 4 });
    for (let i = 0; i < data.length; i++)
      if (isHidden(...placeOf(Math.floor(i / 4))) && result[i] !== data[i])
        assert.unreachable(`hidden sample ${i}: ${data[i]} became ${result[i]}`);
    assert.ok(Math.abs(report.sigma - SIGMA) < 0.1 * SIGMA, `sigma ${report.sigma}`);
    isAsGood(result, 4, 1, isHidden, plain);
    results.push(result.filter((_, i) => !isHidden(...placeOf(Math.floor(i / 4)))));
  }
  assert.equal(results[1], results[0]);
  assert.equal(results[2], results[0]);
});

test('a picture of which nothing is seen comes back as it was', async ({ denoiser }) => {
  const data = sprite([0, 255, 0]).map((value, i) => (i % 4 === 3 ? 0 : value));
  const { data: result } = await denoiser.denoise({ ...SIZE, data, channels: 4 }, { sigma: SIGMA });
  assert.equal(result, data);
});

test('noise alone is nothing odd, whether strong, clipped or growing with brightness', async () => {
  for (const sigma of [5, 25, 50]) {
    const strong = addGaussianNoise(clean, sigma / 255, sigma);
    const growing = addGaussianNoise(clean, 1, sigma).map((v, i) => {
      const level = clean[i] as number;
      return level + (v - level) * (sigma / 255) * Math.sqrt(0.1 + 2 * Math.max(0, level));
    });
    for (const data of [
      strong,
      Uint8Array.from(strong, (v) => Math.min(255, Math.max(0, 255 * v))),
      growing,
    ]) {
      const picture = { ...SIZE, data, channels: 3 } as const;
      const odd = await findOddPixels(picture, containerRange(picture), surveyOf(picture).noise);
      const count = odd?.reduce((sum, isOdd) => sum + isOdd, 0) ?? 0;
      assert.ok(count <= 2, `${count} odd pixels at sigma ${sigma}`);
    }
  }
});

/** Interleaved, with red and blue exchanged. */
const exchanged = (data: Float32Array) => data.map((_, i) => data[i + 2 - 2 * (i % 3)] as number);

test('a blue picture is denoised as the same one in red is, byte for byte', async ({ denoiser }) => {
  const red = addGaussianNoise(
    clean.map((value, i) => ([1, 0.4, 0.1][i % 3] as number) * value),
    SIGMA / 255,
    5,
  );
  const denoise = (data: Float32Array) => denoiser.denoise({ ...SIZE, data, channels: 3 }, { sigma: SIGMA });
  const [ofRed, ofBlue] = [await denoise(red), await denoise(exchanged(red))];
  assert.equal(exchanged(ofBlue.data), ofRed.data);
  assert.is.not(exchanged((await denoise(exchanged(noisy))).data)[0], (await denoise(noisy)).data[0]);
});

test("a tile that breaks the flow is shown with red and blue exchanged, unless its likelihood is a user's", async () => {
  const tile = {
    data: Float32Array.of(1, 2, 3),
    width: 1,
    height: 1,
    channels: 3 as const,
    sigma: 0.1,
    seed: 0,
  };
  const answer = async ({ data }: { data: Float32Array }, isStrict = true) => {
    if (isStrict && (data[0] as number) < (data[2] as number)) throw new BreakDown(data.map(() => 1e9));
    return {
      estimate: data.map((value) => 10 * value),
      evaluations: 1,
      ...(!isStrict && { fallback: 'noisy' as const }),
    };
  };
  const evaluators = {
    strictly: answer,
    probe: answer,
    loosely: (each: typeof tile) => answer(each, false),
    multiple: 1,
  };
  const { estimate, left } = await aroundSpots(tile, evaluators);
  assert.equal([...estimate], [10, 20, 30]);
  assert.is(left, 'nothing');
  const own = { ...tile, likelihood: gaussianNoise(0.1) };
  assert.is((await aroundSpots(own, evaluators)).left, 'tile');
});

test('a fill reads sound pixels only', async () => {
  const mask = Uint8Array.from({ length: WIDTH * HEIGHT }, (_, i) => Number(isHidden(...placeOf(i))));
  const data = Uint8Array.from(mask, (isOdd, i) => (isOdd ? 255 : 1 + (i % 100)));
  await fillOdd({ ...SIZE, data, channels: 1 }, mask, 'planar');
  assert.ok(Math.max(...data) <= 100, `${Math.max(...data)}`);
  const all = new Uint8Array(9).fill(7);
  const odd = all.map(() => 1);
  await fillOdd({ data: all, width: 3, height: 3, channels: 1 }, odd, 'interleaved');
  assert.equal(all, new Uint8Array(9).fill(7), 'where nothing is sound, nothing is done');
});

test.run();
