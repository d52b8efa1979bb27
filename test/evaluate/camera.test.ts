// The noise of a simulated camera in an evaluation: its reference is the camera's own picture without noise, and the
// denoiser is told nothing.
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FlowDenoiseError } from '#src/core/errors.js';
import { psnr } from '#src/core/metrics/index.js';
import { cameraAt, takePicture } from '#src/core/noise/simulate/camera.js';
import { type EvaluateOptions, evaluate, exportPictures, writeEvaluation } from '#src/evaluate/index.js';
import { measureResidual, standardisedResidual } from '#src/evaluate/measure/residual.js';
import { type CameraNoise, noiseFolder, noiseName, toldNoise } from '#src/evaluate/noise-level.js';
import { checkEvaluateOptions } from '#src/evaluate/options.js';
import { cameraShot, readClean } from '#src/evaluate/pictures.js';
import { gridPlan } from '#src/evaluate/plan.js';
import { fixtureFolder } from '../core/fixture.js';
import { expectBelow, largestDifference } from '../core/flow/differences.js';
import { photo, planar } from '../core/photo.js';
import { withCleanFolder } from './folder.js';

const size = { width: 64, height: 48 };
const scene = {
  name: 'chelsea',
  data: (await photo('chelsea.png', { left: 120, top: 40, ...size })).data,
  ...size,
  channels: 3 as const,
};
const plain: CameraNoise = { model: 'camera', iso: 6400 };
const coded: CameraNoise = { ...plain, jpeg: { quality: 75, chromaSubsampling: '4:2:0' } };

test('a shot is what the camera takes, in bytes; its reference has no noise and no JPEG', async () => {
  const { clean, noisy } = takePicture(planar(scene.data), size, cameraAt(6400), 9);
  const shot = await cameraShot(scene, plain, 9);
  assert.equal(planar(shot.reference.data), clean);
  assert.ok(shot.noisy.data.every((value) => Math.abs(255 * value - Math.round(255 * value)) < 1e-4));
  expectBelow(largestDifference(planar(shot.noisy.data), noisy), 0.501 / 255, 'rounding');
  const jpeg = await cameraShot(scene, coded, 9);
  assert.equal(jpeg.reference.data, shot.reference.data);
  assert.not.equal(jpeg.noisy.data, shot.noisy.data);
  // The same file by sharp alone.
  const bytes = Uint8Array.from(shot.noisy.data, (value) => Math.round(255 * value));
  const file = await sharp(bytes, { raw: { ...size, channels: 3 } })
    .jpeg({ quality: 75, chromaSubsampling: '4:2:0' })
    .toBuffer();
  const decoded = await sharp(file).raw().toBuffer();
  assert.equal(
    jpeg.noisy.data,
    Float32Array.from(decoded, (value) => value / 255),
  );
});

test('the seed makes the noise; a grey scene is taken in colour', async () => {
  const taken = async (seed: number) => (await cameraShot(scene, plain, seed)).noisy.data;
  assert.equal(await taken(3), await taken(3));
  assert.not.equal(await taken(3), await taken(4));
  const grey = { ...scene, data: new Float32Array(64 * 48).fill(0.4), channels: 1 as const };
  const { reference, noisy } = await cameraShot(grey, plain, 1);
  assert.equal([reference.channels, noisy.data.length], [3, 3 * 64 * 48]);
  assert.ok(Math.abs((reference.data[300] as number) - (reference.data[302] as number)) < 1e-4);
  assert.not.equal(noisy.data[300], noisy.data[302]);
});

test('its names, and that nothing of it is told', () => {
  assert.equal([plain, coded].map(noiseName), ['ISO 6400', 'ISO 6400, JPEG 75 4:2:0']);
  assert.equal([plain, coded].map(noiseFolder), ['iso-6400', 'iso-6400-jpeg-75-420']);
  assert.equal(toldNoise(coded), {});
});

test('what was taken off is measured in the RMS of the noise', async () => {
  const { reference, noisy } = await cameraShot(scene, plain, 2);
  const whole = standardisedResidual(noisy.data, reference.data, reference.data, plain);
  expectBelow(Math.abs(measureResidual(whole, noisy).rms - 1), 1e-5, 'all of the noise');
  const nothing = standardisedResidual(noisy.data, noisy.data, reference.data, plain);
  assert.is(measureResidual(nothing, noisy).rms, 0);
  // A picture without any noise.
  assert.ok(standardisedResidual(noisy.data, noisy.data, noisy.data, plain).every((value) => value === 0));
});

test('the grid: ISO speeds by codings, with defaults', async () => {
  const levelsOf = async (options: Partial<EvaluateOptions>) =>
    (await gridPlan(checkEvaluateOptions({ folder: 'x', noise: 'camera', ...options }), 1)).levels.map(
      noiseName,
    );
  assert.equal(await levelsOf({}), ['ISO 400', 'ISO 3200', 'ISO 12800', 'ISO 51200']);
  assert.equal(await levelsOf({ iso: [100, 200], jpegQuality: ['none', 90], jpegSampling: '4:4:4' }), [
    'ISO 100',
    'ISO 200',
    'ISO 100, JPEG 90 4:4:4',
    'ISO 200, JPEG 90 4:4:4',
  ]);
});

test('options that do not go together are refused', () => {
  for (const [options, message] of [
    [{ noise: 'camera', sigma: [5] }, /iso with noise 'camera'/],
    [{ iso: [400] }, /iso with noise 'camera' only/],
    [{ noise: 'gaussian', jpegQuality: [80], jpegSampling: '4:4:4' }, /jpegQuality, jpegSampling/],
    [{ noise: 'camera', jpegQuality: [0] }, /jpegQuality/],
    [{ noise: 'camera', iso: [3] }, /iso/],
    [{ protocol: 'paper', noise: 'camera' }, /protocol 'paper' or noise or clip/],
  ] as const)
    assert.throws(
      () => checkEvaluateOptions({ folder: 'x', ...options } as EvaluateOptions),
      (error: unknown) =>
        error instanceof FlowDenoiseError && error.code === 'BAD_OPTION' && message.test(error.message),
    );
});

test('an evaluation: figures against the reference, the same pixels for other programs, reports', () =>
  withCleanFolder(async (root, folder) => {
    const options = {
      folder,
      prior: [fixtureFolder('conditioned')],
      method: ['posterior-mean'],
      noise: 'camera',
      iso: [1600, 12_800],
      jpegQuality: ['none', 60],
      count: 1,
      seed: 5,
      shown: 1,
      engine: 'onnx',
      threads: 1,
    } as const satisfies EvaluateOptions;
    const pairs = join(root, 'pairs');
    const exported = await exportPictures(options, pairs);
    assert.equal(
      exported.levels.map((level) => level.folder),
      ['iso-1600', 'iso-12800', 'iso-1600-jpeg-60-420', 'iso-12800-jpeg-60-420'],
    );
    const same = async ({ data }: { readonly data: Float32Array }) => data;
    const evaluation = await evaluate({ ...options, given: { same, nothing: pairs } });
    const { levels, noisy, cells } = evaluation.results;
    const clean = await readClean(folder, 'a.png', 8);
    for (const [at, level] of levels.entries()) {
      if (level.model !== 'camera') throw new Error('another noise');
      const shot = await cameraShot(clean, level, 5);
      const expected = psnr(shot.reference.data, shot.noisy.data);
      const found = cells.filter((cell) => cell.level === at).map(({ pictures }) => pictures[0]);
      expectBelow(Math.abs((noisy[at]?.[0]?.psnr ?? 0) - expected), 1e-6, noiseName(level));
      assert.is(found.length, 3);
      // A program that returns what it got, and one whose folder has what was exported.
      for (const figures of found.slice(1)) {
        expectBelow(Math.abs((figures?.psnr ?? 0) - expected), 1e-6, 'the noisy picture itself');
        assert.is(figures?.residual.rms, 0);
      }
    }
    assert.equal(
      evaluation.shown.map(({ level, clean: image }) => [level, image !== undefined]),
      [0, 1, 2, 3].map((level) => [level, true]),
    );
    await writeEvaluation(evaluation, join(root, 'out'));
    const [head = '', first = ''] = (await readFile(join(root, 'out/results.csv'), 'utf8')).split('\r\n');
    const row = Object.fromEntries(head.split(',').map((name, i) => [name, first.split(',')[i]]));
    assert.equal([row.noise, row.sigma, row.iso, row.jpeg], ['camera', '', '1600', '']);
    const page = await readFile(join(root, 'out/results.html'), 'utf8');
    assert.match(page, /a simulated camera’s, cut off at black and white/);
    assert.match(page, /PSNR against ISO speed, JPEG 60 4:2:0/);
  }));

test.run();
