// A small evaluation, against figures that are computed here without it.
import { cp, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FlowDenoiseError } from '#src/core/errors.js';
import { mse, psnr, ssim } from '#src/core/metrics/index.js';
import { addGaussianNoise } from '#src/core/noise/index.js';
import { openDenoiser } from '#src/denoiser/open-denoiser.js';
import { contenderName } from '#src/evaluate/contender.js';
import type { EvaluateOptions, EvaluationProgress } from '#src/evaluate/index.js';
import { evaluate, exportPictures, writeEvaluation } from '#src/evaluate/index.js';
import { checkEvaluateOptions } from '#src/evaluate/options.js';
import { gridPlan } from '#src/evaluate/plan.js';
import { fixtureFolder } from '../core/fixture.js';
import { withCleanFolder } from './folder.js';

const conditioned = fixtureFolder('conditioned');
const shared = { engine: 'onnx', threads: 1, shown: 0 } as const;
const isNear = (value: number | undefined, wanted: number, tolerance = 1e-9) =>
  assert.ok(value !== undefined && Math.abs(value - wanted) <= tolerance, `${value}, not ${wanted}`);

test('each figure is what the product gives for the picture under that noise', () =>
  withCleanFolder(async (_, folder) => {
    const { results } = await evaluate({
      ...shared,
      folder,
      prior: [conditioned],
      method: ['beta-map', 'posterior-mean'],
      beta: [2, 'auto'],
      sigma: [15, 25],
      seed: 40,
    });
    assert.equal(results.pictures, [
      { name: 'a.png', width: 40, height: 32 },
      { name: 'b.png', width: 32, height: 32 },
      { name: 'below/c.png', width: 48, height: 32 },
    ]);
    assert.is(results.contenders.length, 3);
    assert.is(results.cells.length, 6);
    assert.ok(
      results.cells.every(
        ({ pictures, secondsPerMegapixel = 0 }) => pictures.length === 3 && secondsPerMegapixel > 0,
      ),
    );

    const file = await sharp(join(folder, 'below/c.png')).raw().toBuffer();
    const clean = Float32Array.from(file, (value) => value / 255);
    const size = { width: 48, height: 32, channels: 3 } as const;
    const noisy = addGaussianNoise(clean, 25 / 255, 42);
    isNear(results.noisy[1]?.[2]?.psnr, psnr(clean, noisy));
    const denoiser = await openDenoiser({ prior: conditioned, beta: 2, engine: 'onnx', threads: 1 });
    try {
      const { data, report } = await denoiser.denoise({ data: noisy, ...size }, { sigma: 25 });
      const seen = data.map((value) => Math.min(1, Math.max(0, value)));
      const found = results.cells.find(({ level, contender }) => level === 1 && contender === 0)?.pictures[2];
      isNear(found?.mse, mse(clean, seen));
      isNear(found?.psnr, psnr(clean, seen));
      isNear(found?.ssim, ssim(clean, seen, size));
      assert.is(found?.evaluations, report.evaluations);
      const squares = data.reduce((sum, value, i) => sum + ((noisy[i] ?? 0) - value) ** 2, 0);
      isNear(found?.residual.rms, Math.sqrt(squares / data.length) / (25 / 255), 1e-5);
    } finally {
      await denoiser.close();
    }
  }));

test('without a word for it: what a user gets by default, and the methods alone', () =>
  withCleanFolder(async (_, folder) => {
    const common = { ...shared, folder, count: 1, sigma: [25] } as const;
    const unconditioned = fixtureFolder('unconditioned');
    const { results } = await evaluate({ ...common, prior: [conditioned, unconditioned] });
    assert.equal(results.contenders, [
      { kind: 'preset', prior: conditioned, preset: 'fast' },
      { kind: 'product', prior: conditioned, method: 'posterior-mean' },
      { kind: 'product', prior: conditioned, method: 'beta-map', beta: 'auto' },
      { kind: 'product', prior: unconditioned, method: 'beta-map', beta: 'auto' },
    ]);
    const clean = Float32Array.from(
      await sharp(join(folder, 'a.png')).extract({ left: 0, top: 0, width: 40, height: 32 }).raw().toBuffer(),
      (value) => value / 255,
    );
    const size = { width: 40, height: 32, channels: 3 } as const;
    const noisy = addGaussianNoise(clean, 25 / 255, 1000);
    const denoiser = await openDenoiser({ prior: conditioned, engine: 'onnx', threads: 1 });
    try {
      const { data, report } = await denoiser.denoise({ data: noisy, ...size }, { sigma: 25 });
      const seen = data.map((value) => Math.min(1, Math.max(0, value)));
      const [found, mean] = [0, 1].map((contender) => results.cells[contender]?.pictures[0]);
      isNear(found?.psnr, psnr(clean, seen));
      assert.is(found?.evaluations, report.evaluations);
      assert.ok((mean?.evaluations ?? 0) < report.evaluations, 'the method alone has no ensemble');
    } finally {
      await denoiser.close();
    }
  }));

test('the estimate counts what is measured, and what the engine takes to prepare', () =>
  withCleanFolder(async (_, folder) => {
    // Nothing is expected of another program's time, so only measuring its pictures is left at the end.
    const left: number[] = [];
    await evaluate({
      ...shared,
      folder,
      prior: [conditioned],
      method: ['posterior-mean'],
      sigma: [25],
      given: { same: async ({ data }) => data },
      onProgress: ({ secondsLeft }) => left.push(secondsLeft),
    });
    assert.is(left.length, 6);
    assert.ok(left.slice(3, 5).every((seconds) => seconds > 0));
    const denoiser = await openDenoiser({ prior: conditioned, engine: 'onnx', threads: 1, scales: 1 });
    try {
      const [one, two] = await Promise.all(
        [
          [{ width: 64, height: 64 }],
          [
            { width: 64, height: 64 },
            { width: 32, height: 64 },
          ],
        ].map((sizes) => denoiser.estimate(sizes)),
      );
      assert.ok((one?.preparation ?? 0) > 0);
      isNear(two?.preparation, 2 * (one?.preparation ?? 0));
    } finally {
      await denoiser.close();
    }
  }));

test('what is named is evaluated and nothing else', () =>
  withCleanFolder(async (_, folder) => {
    const contendersOf = async (options: Partial<EvaluateOptions>) => {
      const checked = checkEvaluateOptions({ ...shared, folder, prior: [conditioned], ...options });
      return (await gridPlan(checked, 1)).contenders.map((contender) =>
        contenderName(contender).replace(/.*?, /, ''),
      );
    };
    assert.equal(await contendersOf({ preset: ['fast', 'best'] }), ['fast', 'best']);
    assert.equal(await contendersOf({ preset: ['fast'], method: ['posterior-mean'] }), [
      'fast',
      'posterior mean',
    ]);
    assert.equal(await contendersOf({ preset: ['fast'], beta: [2] }), ['fast', 'beta-MAP, beta 2']);
    assert.equal(await contendersOf({ beta: [2, 'auto'] }), [
      'beta-MAP, beta 2',
      'beta-MAP, calibrated beta',
    ]);
    assert.equal(await contendersOf({ method: ['posterior-mean'] }), ['posterior mean']);
  }));

test('count, crop, clip, and Poisson-Gaussian noise', () =>
  withCleanFolder(async (_, folder) => {
    const { results, shown } = await evaluate({
      ...shared,
      folder,
      prior: [conditioned],
      method: ['posterior-mean'],
      noise: 'poisson-gaussian',
      gain: [4, 8],
      sigma: [5],
      clip: true,
      count: 2,
      crop: { width: 24, height: 16 },
      shown: 1,
    });
    assert.equal(results.levels, [
      { model: 'poisson-gaussian', gain: 4, sigma: 5 },
      { model: 'poisson-gaussian', gain: 8, sigma: 5 },
    ]);
    assert.ok(results.pictures.every(({ width, height }) => width === 24 && height === 16));
    assert.is(results.pictures.length, 2);
    assert.equal(
      shown.map(({ picture, level, restored }) => [picture, level, restored.size]),
      [
        ['a.png', 0, 1],
        ['a.png', 1, 1],
      ],
    );
    const [four, eight] = results.noisy.map((row) => row[0]?.psnr ?? Number.NaN);
    assert.ok(Number(four) > Number(eight) + 1, 'twice the gain is 3 dB, less where it is clipped');
  }));

test('progress counts every picture, an estimate comes first, and an abort ends it', () =>
  withCleanFolder(async (_, folder) => {
    const options = {
      ...shared,
      folder,
      prior: [conditioned],
      method: ['posterior-mean'],
      sigma: [15, 25],
    } as const;
    const told: (EvaluationProgress | number)[] = [];
    await evaluate({
      ...options,
      onEstimate: ({ total }) => told.push(total),
      onProgress: (each) => told.push(each),
    });
    assert.is(told[0], 6);
    assert.equal(
      told.slice(1).map((each) => (typeof each === 'number' ? each : each.done)),
      [1, 2, 3, 4, 5, 6],
    );
    const stop = new AbortController();
    const reason = new Error('enough');
    await evaluate({ ...options, signal: stop.signal, onProgress: () => stop.abort(reason) }).then(
      () => assert.unreachable('it went on'),
      (error: unknown) => assert.is(error, reason),
    );
  }));

test('other programs get the same pixels, and their results are measured beside ours', () =>
  withCleanFolder(async (root, folder) => {
    const options: EvaluateOptions = {
      ...shared,
      folder,
      prior: [conditioned],
      method: ['posterior-mean'],
      sigma: [15],
      seed: 3,
    };
    const pairs = join(root, 'pairs');
    const { levels, pictures } = await exportPictures(options, pairs);
    assert.equal(levels, [{ model: 'gaussian', sigma: 15, folder: 'sigma-15' }]);
    assert.equal(pictures, ['a.tif', 'b.tif', 'below/c.tif']);
    const metadata = await sharp(join(pairs, 'sigma-15/b.tif')).metadata();
    assert.equal([metadata.depth, metadata.width, metadata.height], ['float', 32, 32]);
    // One program that does nothing, and one that is perfect.
    const noise = join(pairs, 'noise');
    await cp(join(pairs, 'sigma-15'), join(noise, 'sigma-15'), { recursive: true });
    await cp(join(pairs, 'clean'), join(pairs, 'oracle/sigma-15'), { recursive: true });
    const { results } = await evaluate({
      ...options,
      given: { nothing: noise, oracle: join(pairs, 'oracle') },
    });
    const [own, nothing, oracle] = [0, 1, 2].map((contender) =>
      results.cells.find((cell) => cell.contender === contender),
    );
    assert.ok(own?.secondsPerMegapixel !== undefined && nothing?.secondsPerMegapixel === undefined);
    for (const [i, { mse, psnr, residual }] of (nothing?.pictures ?? []).entries()) {
      // Cut off at black and white, as every result is.
      assert.ok(mse <= (results.noisy[0]?.[i]?.mse ?? 0) && psnr > 24, `${psnr}`);
      assert.is(residual.rms, 0);
    }
    for (const [i, { mse, ssim, residual }] of (oracle?.pictures ?? []).entries()) {
      assert.equal([mse, ssim], [0, 1]);
      assert.is(residual.rms, results.noisy[0]?.[i]?.residual.rms);
    }
    // Equal pictures have no PSNR that JSON could hold; it is written all the same.
    await writeEvaluation({ results, shown: [] }, join(root, 'out'));
    const written = JSON.parse(await readFile(join(root, 'out/results.json'), 'utf8')) as typeof results;
    assert.is(written.cells[2]?.pictures[0]?.psnr, null);
    assert.match(await readFile(join(root, 'out/results.md'), 'utf8'), /\| oracle \| ∞ ± /);
    await evaluate({ ...options, given: { nobody: join(root, 'nowhere') } }).then(
      () => assert.unreachable('nothing was there'),
      (error: unknown) => {
        assert.instance(error, FlowDenoiseError);
        assert.match(String(error), /nowhere.*nobody.*--export/);
      },
    );
  }));

test('a program that is called gets the noisy picture and its noise, one at a time', () =>
  withCleanFolder(async (_, folder) => {
    let inWork = 0;
    const { results } = await evaluate({
      ...shared,
      folder,
      prior: [conditioned],
      method: ['posterior-mean'],
      sigma: [15, 25],
      given: {
        async half({ data, channels }, { sigma = Number.NaN }) {
          inWork += 1;
          assert.equal([inWork, channels], [1, 3]);
          await new Promise((resolve) => setTimeout(resolve, 5));
          inWork -= 1;
          return data.map((value) => value - sigma / 510);
        },
      },
    });
    assert.equal(results.contenders[1], { kind: 'given', name: 'half' });
    const cells = results.cells.filter(({ contender }) => contender === 1);
    assert.is(cells.length, 2);
    for (const { pictures, secondsPerMegapixel = 0 } of cells) {
      assert.ok(secondsPerMegapixel > 0);
      for (const { residual } of pictures) isNear(residual.rms, 0.5, 1e-4);
    }
    const bad = { ...shared, folder, prior: [conditioned], sigma: [15], count: 1 };
    await evaluate({ ...bad, given: { short: async () => new Float32Array(3) } }).then(
      () => assert.unreachable('too few samples'),
      (error: unknown) => assert.match(String(error), /short.*a\.png.*3/),
    );
  }));

const isBadOption = (pattern: RegExp) => (error: unknown) => {
  assert.ok(error instanceof FlowDenoiseError && error.code === 'BAD_OPTION', String(error));
  assert.match(String(error), pattern);
};

test('options that do not go together, and folders without pictures, are refused', () =>
  withCleanFolder(async (root, folder) => {
    const refusals: readonly (readonly [object, RegExp])[] = [
      [{ protocol: 'paper', sigma: [25] }, /protocol 'paper' or sigma/],
      [{ protocol: 'paper', preset: ['fast'] }, /Pass either protocol 'paper' or preset, not both/],
      [{ preset: ['slow'] }, /preset/],
      [{ protocol: 'paper', clip: true }, /protocol 'paper' or noise or clip/],
      [{ noise: 'poisson-gaussian' }, /gain/],
      [{ gain: [4] }, /gain/],
      [{ sigma: [0] }, /sigma/],
      [{ sigma: ['strong'] }, /sigma/],
      [{ beta: ['none'] }, /beta/],
      [{ crop: { width: 500, height: 400 } }, /a\.png.*crop/],
      [{ crop: 4000 }, /a\.png.*crop/],
      [{ colour: 1 }, /colour/],
    ];
    for (const [options, pattern] of refusals)
      await evaluate({ ...shared, folder, prior: [conditioned], ...options } as EvaluateOptions).then(
        () => assert.unreachable(JSON.stringify(options)),
        isBadOption(pattern),
      );
    await evaluate({ ...shared, folder: join(root, 'nowhere') }).then(
      () => assert.unreachable('no folder'),
      isBadOption(/nowhere/),
    );
    await evaluate({ ...shared, folder, sigma: [150], prior: [conditioned] }).then(
      () => assert.unreachable('no such sigma'),
      (error: unknown) => assert.match(String(error), /for sigma with prior/),
    );
  }));

test.run();
