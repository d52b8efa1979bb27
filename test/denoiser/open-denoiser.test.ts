// Pictures of every size, depth and kind through the real engine and the shipped prior.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { psnr } from '#src/core/metrics/index.js';
import type { Denoiser, Progress } from '#src/denoiser/denoiser.js';
import { openDenoiser } from '#src/denoiser/open-denoiser.js';
import { planTiles } from '#src/tile/plan.js';
import { largestDifference } from '../core/flow/differences.js';
import { noisyPicture, samplesOf } from './noisy-picture.js';

const SIGMA = 25;
const TILES = { tileSize: 64, overlap: 16 } as const;

/** To the bit: neither threads nor what came before may show in a result. */
function isSame(a: ArrayLike<number>, b: ArrayLike<number>): void {
  assert.is(largestDifference(a, b), 0, 'largest difference');
}

const test = suite('denoiser', { denoiser: undefined } as unknown as { denoiser: Denoiser });
test.before(async (context) => {
  context.denoiser = await openDenoiser({ method: 'posterior-mean', ...TILES });
});
test.after(({ denoiser }) => denoiser.close());

for (const [width, height, gain] of [
  [37, 53, 8],
  [20_000, 3, 4],
  [3, 20_000, 4],
  [1, 200, 2],
] as const)
  test(`${width} x ${height}: much of the noise is gone`, async ({ denoiser }) => {
    const { clean, noisy } = noisyPicture(width, height, 3, SIGMA);
    const before = Float32Array.from(noisy.data);
    const result = await denoiser.denoise(noisy, { sigma: SIGMA });
    assert.equal([result.width, result.height, result.channels], [width, height, 3]);
    assert.is(result.data.length, before.length);
    const improvement = psnr(clean, result.data) - psnr(clean, before);
    assert.ok(improvement > gain, `${improvement} dB`);
    isSame(noisy.data, before);
    const { tiles } = planTiles({ width, height, multiple: 8, ...TILES });
    assert.is(result.report.tiles, tiles.length);
    assert.is(result.report.evaluations, tiles.length);
  });

for (const [name, channels, sample] of [
  ['grey in colour', 3, (i: number) => (53 * Math.floor(i / 3)) % 256],
  ['with hidden pixels', 4, (i: number) => (i % 4 === 3 && i > 40 ? 0 : (53 * i) % 256)],
  ['without noise', 3, () => 128],
] as const)
  test(`a Buffer, ${name}: neither the call nor writing to the result changes it`, async ({ denoiser }) => {
    const data = Buffer.from(Array.from({ length: 32 * 32 * channels }, (_, i) => sample(i)));
    const before = Uint8Array.from(data);
    const sigma = name === 'without noise' ? 'auto' : SIGMA;
    const result = await denoiser.denoise({ data, width: 32, height: 32, channels }, { sigma });
    result.data.fill(1);
    isSame(data, before);
  });

test('1 x 1 of every kind', async ({ denoiser }) => {
  for (const channels of [1, 2, 3, 4] as const) {
    const data = new Float32Array(channels).fill(0.5);
    const result = await denoiser.denoise({ data, width: 1, height: 1, channels }, { sigma: SIGMA });
    assert.is(result.data.length, channels);
    for (const value of result.data) assert.ok(Math.abs(value - 0.5) < 0.3, `${channels} channels: ${value}`);
    if (channels % 2 === 0) assert.is(result.data.at(-1), 0.5);
  }
});

for (const method of ['posterior-mean', 'beta-map'] as const)
  test(`grey, with and without alpha, ${method}`, async () => {
    const denoiser = await openDenoiser({ method, ...TILES });
    try {
      const { clean, noisy } = noisyPicture(70, 45, 2, SIGMA);
      const result = await denoiser.denoise(noisy, { sigma: SIGMA });
      isSame(samplesOf(result.data, 2, 'alpha'), samplesOf(noisy.data, 2, 'alpha'));
      const grey = samplesOf(noisy.data, 2, 'colour');
      const alone = await denoiser.denoise({ ...noisy, data: grey, channels: 1 }, { sigma: SIGMA });
      isSame(samplesOf(result.data, 2, 'colour'), alone.data);
      const reference = samplesOf(clean, 2, 'colour');
      const improvement = psnr(reference, alone.data) - psnr(reference, grey);
      assert.ok(improvement > 4, `${improvement} dB`);
    } finally {
      await denoiser.close();
    }
  });

test('alpha passes bit for bit, and colours are those of the picture without it', async ({ denoiser }) => {
  const { noisy } = noisyPicture(70, 45, 4, SIGMA);
  const result = await denoiser.denoise(noisy, { sigma: SIGMA });
  isSame(samplesOf(result.data, 4, 'alpha'), samplesOf(noisy.data, 4, 'alpha'));
  const colours = { ...noisy, data: samplesOf(noisy.data, 4, 'colour'), channels: 3 as const };
  isSame(samplesOf(result.data, 4, 'colour'), (await denoiser.denoise(colours, { sigma: SIGMA })).data);
});

test('8 bit, 16 bit and float: one picture, to rounding', async ({ denoiser }) => {
  for (const channels of [1, 4] as const) {
    const { noisy } = noisyPicture(50, 34, channels, SIGMA);
    const bytes = Uint8Array.from(noisy.data, (value) => Math.min(255, Math.max(0, Math.round(255 * value))));
    const results = [];
    for (const data of [
      bytes,
      Uint16Array.from(bytes, (v) => 257 * v),
      Float32Array.from(bytes, (v) => v / 255),
    ]) {
      const before = data.slice();
      const result = await denoiser.denoise({ ...noisy, data }, { sigma: SIGMA });
      assert.instance(result.data, data.constructor as new () => typeof data);
      isSame(data, before);
      results.push(result.data);
    }
    const [eight, sixteen, float] = results as [Uint8Array, Uint16Array, Float32Array];
    for (const [i, value] of float.entries()) {
      const clipped = Math.min(1, Math.max(0, value));
      assert.ok(Math.abs((eight[i] as number) / 255 - clipped) <= 0.5 / 255 + 1e-6, `8 bit, sample ${i}`);
      assert.ok(
        Math.abs((sixteen[i] as number) / 65535 - clipped) <= 0.5 / 65535 + 1e-6,
        `16 bit, sample ${i}`,
      );
    }
  }
});

test('progress counts the tiles of the picture', async ({ denoiser }) => {
  const { noisy } = noisyPicture(150, 100, 3, SIGMA);
  const seen: Progress[] = [];
  const { report } = await denoiser.denoise(noisy, {
    sigma: SIGMA,
    onProgress: (progress) => seen.push(progress),
  });
  assert.ok(report.tiles > 4, `${report.tiles} tiles`);
  assert.equal(
    seen.map(({ tilesDone, tiles }) => [tilesDone, tiles]),
    Array.from({ length: report.tiles }, (_, i) => [i + 1, report.tiles]),
  );
  for (const { secondsLeft } of seen) assert.ok(secondsLeft !== undefined && secondsLeft >= 0);
  assert.is(seen.at(-1)?.secondsLeft, 0);
});

test('pictures may be denoised at the same time', async ({ denoiser }) => {
  const pictures = [3, 1, 4].map(
    (channels) => noisyPicture(90, 40 + channels, channels as 1 | 3 | 4, SIGMA).noisy,
  );
  const run = (index: number) => denoiser.denoise(pictures[index] ?? fail(), { sigma: SIGMA });
  const together = await Promise.all(pictures.map((_, i) => run(i)));
  for (const i of pictures.keys()) isSame((await run(i)).data, together[i]?.data ?? []);
});

test('another denoiser, with another number of threads, gives the same', async ({ denoiser }) => {
  const { noisy } = noisyPicture(150, 100, 3, SIGMA);
  const single = await openDenoiser({ method: 'posterior-mean', threads: 1, ...TILES });
  try {
    isSame(
      (await single.denoise(noisy, { sigma: SIGMA })).data,
      (await denoiser.denoise(noisy, { sigma: SIGMA })).data,
    );
  } finally {
    await single.close();
  }
});

test('grey stored as RGB is grey', async ({ denoiser }) => {
  const { noisy: grey } = noisyPicture(70, 50, 1, SIGMA);
  const alone = await denoiser.denoise(grey, { sigma: SIGMA });
  for (const channels of [3, 4] as const) {
    const data = new Float32Array(70 * 50 * channels).map((_, i) =>
      i % channels === 3 ? (1 + (i % 6)) / 7 : (grey.data[Math.floor(i / channels)] ?? 0),
    );
    const result = await denoiser.denoise({ ...grey, channels, data }, { sigma: SIGMA });
    for (let c = 0; c < 3; c++)
      isSame(
        result.data.filter((_, i) => i % channels === c),
        alone.data,
      );
    if (channels === 4) isSame(samplesOf(result.data, 4, 'alpha'), samplesOf(data, 4, 'alpha'));
  }
});

function fail(): never {
  throw new Error('no such picture');
}

test('the report says what was done', async () => {
  const denoiser = await openDenoiser({ prior: 'faces64', engine: 'onnx', beta: 3, ...TILES });
  try {
    const { noisy } = noisyPicture(40, 40, 3, 17);
    const { report } = await denoiser.denoise(noisy, { sigma: 17 });
    const { seconds, evaluations, ...rest } = report;
    assert.equal(rest, {
      prior: 'faces64',
      engine: 'onnx',
      method: 'beta-map',
      ensemble: 1,
      scales: 1,
      sigma: 17,
      beta: 3,
      tiles: 1,
      fallbackTiles: 0,
      spotTiles: 0,
      range: { black: 0, white: 1, isFound: false },
      oddPixels: 0,
      isUnchanged: false,
      noise: { model: 'gaussian', sigma: 17, isEstimated: false, why: 'sigma was given' },
    });
    assert.ok(seconds > 0 && evaluations > 1, `${evaluations} evaluations in ${seconds} s`);
    assert.equal([denoiser.prior, denoiser.engine.name, denoiser.method], ['faces64', 'onnx', 'beta-map']);
  } finally {
    await denoiser.close();
  }
});

test.run();
