// A region of a picture becomes what it would in the whole: but for where tiles lie, which tiling itself leaves open.
import { suite } from 'uvu';
import * as assert from 'uvu/assert';
import { addGaussianNoise } from '#src/core/noise/index.js';
import type { Picture, Region } from '#src/core/picture.js';
import type { DenoiseCallOptions, Denoiser } from '#src/denoiser/denoiser.js';
import { openDenoiser } from '#src/denoiser/open-denoiser.js';
import { cutOut } from '#src/tile/extract.js';
import { expectBelow, rmsDifference } from '../core/flow/differences.js';
import { photo } from '../core/photo.js';

const SIGMA = 25;
/** RMS in 8-bit units: what docs/architecture.md allows at the borders of tiles. */
const MOST = 0.3;

const REGIONS: readonly Region[] = [
  { left: 93, top: 61, width: 75, height: 50 },
  { left: 0, top: 0, width: 40, height: 64 },
  { left: 201, top: 130, width: 39, height: 30 },
];

interface Context {
  denoiser: Denoiser;
  image: Picture<Float32Array>;
}

const test = suite('region', {} as Context);
test.before(async (context) => {
  context.denoiser = await openDenoiser({ method: 'posterior-mean', tileSize: 128 });
  const { data, ...size } = await photo('chelsea.png', { left: 60, top: 40, width: 240, height: 160 });
  context.image = { data: addGaussianNoise(data, SIGMA / 255, 3), ...size, channels: 3 };
});
test.after(({ denoiser }) => denoiser.close());

async function compare({ denoiser, image }: Context, options: DenoiseCallOptions): Promise<void> {
  const whole = await denoiser.denoise(image, options);
  for (const region of REGIONS) {
    const part = await denoiser.denoise(image, { ...options, region });
    assert.equal([part.width, part.height, part.channels], [region.width, region.height, image.channels]);
    const expected = cutOut(whole, region).data;
    assert.is(part.data.length, expected.length);
    expectBelow(255 * rmsDifference(part.data, expected), MOST, JSON.stringify(region));
    assert.equal(part.report.noise, whole.report.noise);
    assert.ok(part.report.tiles < whole.report.tiles, `${part.report.tiles} of ${whole.report.tiles} tiles`);
  }
}

test('sigma given', (context) => compare(context, { sigma: SIGMA }));

test("sigma found: the whole picture's", (context) => compare(context, {}));

test('a sigma for every pixel is read at its place', async ({ denoiser, image }) => {
  const mapOf = (sigmaAt: (x: number, y: number) => number) =>
    Float32Array.from({ length: image.width * image.height }, (_, i) =>
      sigmaAt(i % image.width, Math.floor(i / image.width)),
    );
  const region = { left: 201, top: 130, width: 39, height: 30 };
  const [here, uniform, elsewhere] = await Promise.all(
    [mapOf((x, y) => (x > 160 && y > 90 ? 40 : 10)), mapOf(() => 40), mapOf(() => 10)].map(
      async (sigmaMap) => (await denoiser.denoise(image, { sigmaMap, region })).data,
    ),
  );
  assert.equal(here, uniform);
  assert.ok(255 * rmsDifference(here ?? [], elsewhere ?? []) > 3);
});

test('a picture that stays as it is, grey stored as colour, alpha', async ({ denoiser, image }) => {
  const region = { left: 93, top: 61, width: 30, height: 20 };
  const unchanged = await denoiser.denoise(image, { sigma: SIGMA, strength: 0, region });
  assert.equal(unchanged.data, cutOut(image, region).data);
  const data = new Float32Array((image.data.length / 3) * 4);
  for (let i = 0; i < data.length / 4; i++)
    data.set([...[0, 1, 2].map(() => image.data[3 * i] ?? 0), (i % 7) / 7], 4 * i);
  const grey = { ...image, data, channels: 4 } as const;
  const part = await denoiser.denoise(grey, { sigma: SIGMA, region });
  const before = cutOut(grey, region).data;
  assert.is(part.data.length, before.length);
  for (let i = 0; i < before.length; i += 4) {
    assert.is(part.data[i], part.data[i + 2]);
    assert.is(part.data[i + 3], before[i + 3]);
  }
});

test('beta of a call, and what is refused', async ({ image }) => {
  const denoiser = await openDenoiser();
  try {
    const region = { left: 16, top: 16, width: 32, height: 32 };
    const [loose, tight] = await Promise.all(
      [1, 50].map((beta) => denoiser.denoise(image, { sigma: SIGMA, region, beta })),
    );
    assert.equal([loose?.report.beta, tight?.report.beta], [1, 50]);
    const noisy = cutOut(image, region).data;
    const change = (data = noisy) => rmsDifference(data, noisy);
    assert.ok(change(tight?.data) < change(loose?.data));
    for (const [options, message] of [
      [{ region: { left: 230, top: 0, width: 20, height: 20 } }, /inside 240 x 160/],
      [{ region: { left: -1, top: 0, width: 20, height: 20 } }, /left, top, width, height/],
      [{ beta: 0 }, /beta/],
    ] as const) {
      const told = await denoiser.denoise(image, { sigma: SIGMA, ...options }).then(
        () => 'denoised',
        (error: Error) => error.message,
      );
      assert.match(told, message);
    }
  } finally {
    await denoiser.close();
  }
});

test.run();
