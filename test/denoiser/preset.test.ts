// What is computed for which options, and that it is: words, defaults, and where beta-MAP is needed.
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { laplacianNoise } from '#src/core/noise/index.js';
import { openDenoiser } from '#src/denoiser/open-denoiser.js';
import { approachOf, QUALITIES } from '#src/denoiser/preset.js';
import { denoiseBytes } from '#src/plugin/index.js';
import { noisyPicture } from './noisy-picture.js';

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
const TILES = { tileSize: 32, overlap: 8, threads: 1 } as const;

test('a word, a method alone, or parts of the default', () => {
  const { balanced } = QUALITIES;
  assert.equal(approachOf({}), balanced);
  assert.equal(approachOf({ quality: 80 }), balanced);
  assert.equal(approachOf({ quality: 'fast' }), QUALITIES.fast);
  assert.equal(approachOf({ method: 'beta-map' }), { method: 'beta-map', ensemble: 1, scales: 1 });
  assert.equal(approachOf({ method: 'posterior-mean', scales: 2 }).scales, 2);
  assert.equal(approachOf({ ensemble: 8 }), { ...balanced, ensemble: 8 });
  assert.equal(approachOf({ scales: 1 }), { ...balanced, scales: 1 });
  assert.equal(approachOf({ beta: 3 }), { method: 'beta-map', ensemble: 1, scales: 1 });
  assert.equal(approachOf({ beta: 'auto' }), balanced);
});

test('a word beside what it stands for is refused at the door', async () => {
  const hint =
    /'fast' for quality alone.*method 'posterior-mean', ensemble 1 and scales 3; give these, and a number/;
  for (const other of [{ method: 'beta-map' }, { ensemble: 1 }, { scales: 2 }] as const) {
    assert.throws(() => approachOf({ quality: 'fast', ...other }), hint);
    assert.throws(() => denoiseBytes({ quality: 'fast', ...other }), hint);
    const error: unknown = await openDenoiser({ quality: 'fast', ...other }).catch((e: unknown) => e);
    assert.match(String(error), hint);
  }
  assert.throws(
    () => denoiseBytes({ quality: 'best' as 'fast' }),
    /1 to 100 \(of the file\), or 'fast' or 'balanced' for quality but received 'best'/,
  );
  assert.throws(() => denoiseBytes({ quality: 0 }), /'balanced' for quality but received 0/);
});

test('evaluations, report and estimate agree', async () => {
  const { noisy } = noisyPicture(70, 40, 3, 25);
  for (const options of [
    { method: 'posterior-mean', ensemble: 4 },
    { method: 'posterior-mean', ensemble: 8, scales: 3 },
    { quality: 'balanced' },
  ] as const) {
    const denoiser = await openDenoiser({ prior: fixture('conditioned'), ...options, ...TILES });
    try {
      const { report } = await denoiser.denoise(noisy, { sigma: 25 });
      const { method, ensemble, scales } = denoiser;
      assert.equal(approachOf(options), { method, ensemble, scales });
      assert.equal(
        { method, ensemble, scales },
        { method: report.method, ensemble: report.ensemble, scales: report.scales },
      );
      assert.is(report.evaluations, report.tiles * ensemble * scales);
      const estimate = await denoiser.estimate([{ width: 70, height: 40 }]);
      assert.is(estimate.evaluations, report.evaluations);
      const one = await denoiser.estimate([{ width: 70, height: 40 }], { ensemble: 1, scales: 1 });
      const expected = ensemble * (1 + (scales > 1 ? 1 / 4 : 0) + (scales > 2 ? 1 / 16 : 0));
      assert.ok(Math.abs(estimate.seconds / one.seconds / expected - 1) < 1e-9);
    } finally {
      await denoiser.close();
    }
  }
});

test('a likelihood or a prior that needs beta-MAP gets it, unless another method is named', async () => {
  const { noisy } = noisyPicture(32, 32, 3, 25);
  const sigmaMap = new Float32Array(32 * 32).fill(25);
  const denoiser = await openDenoiser({ prior: fixture('conditioned'), ...TILES });
  const mean = await openDenoiser({ prior: fixture('conditioned'), method: 'posterior-mean', ...TILES });
  const free = await openDenoiser({ prior: fixture('unconditioned'), ...TILES });
  try {
    const methodFor = async (call: object) => (await denoiser.denoise(noisy, call)).report.method;
    assert.is(await methodFor({ sigma: 25 }), 'posterior-mean');
    assert.is(await methodFor({ sigmaMap }), 'beta-map');
    assert.is(await methodFor({ sigma: 25, noise: laplacianNoise(0.1) }), 'beta-map');
    assert.is((await mean.denoise(noisy, { sigmaMap })).report.method, 'posterior-mean');
    assert.equal([free.method, free.ensemble, free.scales], ['beta-map', 1, 1]);
  } finally {
    await Promise.all([denoiser, mean, free].map((each) => each.close()));
  }
});

test.run();
