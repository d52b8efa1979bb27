// What is computed for which options, and that it is: words, defaults, and where beta-MAP is needed.
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { laplacianNoise } from '#src/core/noise/index.js';
import { openDenoiser } from '#src/denoiser/open-denoiser.js';
import { approachOf, PRESETS } from '#src/denoiser/preset.js';
import { evaluate } from '#src/evaluate/index.js';
import { denoise, denoiseBytes, watchFolder } from '#src/index.js';
import { noisyPicture } from './noisy-picture.js';

const fixture = (name: string) => fileURLToPath(new URL(`../fixtures/${name}`, import.meta.url));
const TILES = { tileSize: 32, overlap: 8, threads: 1 } as const;

test('a preset, a method alone, or parts of the default', () => {
  const { fast } = PRESETS;
  assert.equal(approachOf({}), fast);
  assert.equal(approachOf({ preset: 'best' }), PRESETS.best);
  assert.equal(approachOf({ preset: 'best', method: undefined, beta: 'auto' }), PRESETS.best);
  assert.equal(approachOf({ method: 'beta-map' }), { method: 'beta-map', ensemble: 1, scales: 1 });
  assert.equal(approachOf({ method: 'posterior-mean', scales: 2 }).scales, 2);
  assert.equal(approachOf({ ensemble: 8 }), { ...fast, ensemble: 8 });
  assert.equal(approachOf({ scales: 1 }), { ...fast, scales: 1 });
  assert.equal(approachOf({ beta: 3 }), { method: 'beta-map', ensemble: 1, scales: 1 });
  assert.equal(approachOf({ beta: 'auto' }), fast);
});

const rejection = (promise: Promise<unknown>) =>
  promise.then(
    () => 'taken',
    (error: unknown) => String(error),
  );

test('a preset beside what it sets is refused at the door', async () => {
  for (const [name, value] of [
    ['method', 'beta-map'],
    ['ensemble', 1],
    ['scales', 2],
    ['beta', 3],
  ] as const) {
    const options = { preset: 'fast', [name]: value } as const;
    const hint = new RegExp(
      `Pass either preset or ${name}, not both: preset 'fast' is method 'posterior-mean', ensemble 1 and scales 3`,
    );
    assert.throws(() => denoiseBytes(options), hint);
    assert.match(await rejection(openDenoiser(options)), hint);
  }
});

test('quality is a number: its words of before are refused with the new name', async () => {
  const renamed = (word: string, preset: string) =>
    new RegExp(
      `Pass '${preset}' for preset instead of '${word}' for quality: quality is the encoder's number`,
    );
  for (const [word, preset] of [
    ['fast', 'fast'],
    ['balanced', 'best'],
  ] as const) {
    const options = { quality: word } as object;
    const message = renamed(word, preset);
    assert.throws(() => denoiseBytes(options), message);
    assert.throws(() => denoise(options), message);
    assert.throws(() => watchFolder({ input: 'in', output: 'out', ...options }), message);
    assert.match(await rejection(openDenoiser(options)), message);
    assert.match(
      await rejection(evaluate({ folder: 'clean', quality: ['fast', word] } as never)),
      /for preset/,
    );
  }
  assert.throws(
    () => denoiseBytes({ quality: 0 }),
    /a whole number from 1 to 100 for quality but received 0/,
  );
  assert.throws(() => denoiseBytes({ preset: 'balanced' as 'best' }), /'fast' or 'best' for preset/);
});

test('evaluations, report and estimate agree', async () => {
  const { noisy } = noisyPicture(70, 40, 3, 25);
  for (const options of [
    { method: 'posterior-mean', ensemble: 4 },
    { method: 'posterior-mean', ensemble: 8, scales: 3 },
    { preset: 'best' },
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
      const same = await denoiser.estimate([{ width: 70, height: 40 }], { ensemble: undefined } as object);
      assert.is(same.evaluations, report.evaluations);
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
