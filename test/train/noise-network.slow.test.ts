// The training of the noise network: examples whose levels are those of the noise in them, and a few steps that learn.
import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, stat, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import sharp from 'sharp';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { FlowDenoiseError } from '#src/core/errors.js';
import { readSafetensors } from '#src/core/model/safetensors.js';
import {
  CELL,
  FLOOR_255,
  LEVELS,
  noiseNetworkShapes,
  uncertaintyOf,
} from '#src/core/noise/estimate/noise-network.js';
import { CELL_INPUTS, pictureHeadShapes, poolCells } from '#src/core/noise/estimate/picture-head.js';
import { gaussianGenerator } from '#src/core/noise/random.js';
import { layoutOf, parameterSource, parameterTensors, toVector } from '#src/train/loop/parameter-vector.js';
import { drawsFrom } from '../../scripts/draws.js';
import { drawnGraphics } from '../../scripts/noise-network/drawn-graphics.js';
import { headOf } from '../../scripts/noise-network/network-loss.js';
import { noisyShot, SIDE } from '../../scripts/noise-network/noisy-shot.js';
import { makeShots, openShotFile } from '../../scripts/noise-network/shot-file.js';
import { sceneFiles } from '../../scripts/noise-network/shots.js';
import { trainNoiseNetwork } from '../../scripts/noise-network/train-noise-network.js';
import { photo } from '../core/photo.js';
import { temporaryFolder } from './data/training-pictures.js';
import { openTensorflow, withoutLeak } from './loop/training-backends.js';

const CELLS = (SIDE / CELL) ** 2;
const coffee = await photo('coffee.png');
const scene = { ...coffee, data: Uint8Array.from(coffee.data, (value) => Math.round(255 * value)) };

test('a seed makes an example, another makes another; sizes and ranges are as told', async () => {
  const [one, again, other] = await Promise.all([5, 5, 6].map((seed) => noisyShot(scene, seed)));
  assert.equal(one, again);
  assert.not.equal(one?.picture, other?.picture);
  for (const shot of [one, other]) {
    assert.equal([shot?.picture.length, shot?.levels.length], [SIDE * SIDE * 3, CELLS * LEVELS]);
    assert.ok(shot?.picture.every((value) => value >= 0 && value <= 1));
    assert.ok(shot?.levels.every((level) => level >= Math.log(FLOOR_255) - 1e-6 && level < Math.log(255)));
  }
});

test('of many examples some have no noise at all, most have some', async () => {
  const floor = Math.log(FLOOR_255);
  let clean = 0;
  const seeds = Array.from({ length: 24 }, (_, i) => 100 + i);
  for (const seed of seeds) {
    const { levels } = await noisyShot(scene, seed);
    if (levels.every((level) => Math.abs(level - floor) < 1e-6)) clean += 1;
  }
  // Drawn with a chance of a fifth: 4.8 of 24, and 13 is four deviations away.
  assert.ok(clean >= 1 && clean <= 13, `${clean} of ${seeds.length} are clean`);
});

test('draws are in their ranges and graphics are pictures', () => {
  const draws = drawsFrom(3);
  const values = Array.from({ length: 2000 }, () => draws.logUniform(0.01, 100));
  assert.ok(values.every((value) => value >= 0.01 && value <= 100));
  const below = values.filter((value) => value < 1).length;
  // Half of them are below the middle of the logarithm; five deviations of a fair coin.
  assert.ok(Math.abs(below - 1000) < 5 * Math.sqrt(500), `${below} of 2000`);
  // Boxes, text and regular texture come up in so many.
  for (let seed = 0; seed < 24; seed++) {
    const drawn = drawnGraphics(64, drawsFrom(seed));
    assert.ok(drawn.length === 3 * 64 * 64 && drawn.every((value) => value >= 0 && value <= 1));
    assert.equal(drawn, drawnGraphics(64, drawsFrom(seed)));
  }
  assert.ok(new Set(drawnGraphics(64, drawsFrom(7))).size > 1);
});

const refused = (work: Promise<unknown>, pattern: RegExp) =>
  work.then(
    () => assert.unreachable('it was taken'),
    (error: unknown) => {
      assert.ok(error instanceof FlowDenoiseError && error.code === 'BAD_OPTION', String(error));
      assert.match(String(error), pattern);
    },
  );

test('too few pictures are refused', async () => {
  const { folder, remove } = await temporaryFolder();
  try {
    await writeFile(join(folder, 'one.png'), '');
    await refused(sceneFiles(folder, folder), /more than 32 pictures.*found 1/);
    assert.equal(await readdir(folder), ['one.png']);
  } finally {
    await remove();
  }
});

/** 36 parts of a photograph; 32 of them are held back. */
async function scenesIn(folder: string) {
  const pictures = join(folder, 'pictures');
  await mkdir(pictures);
  const cut = (left: number, top: number) =>
    sharp(scene.data, { raw: { width: scene.width, height: scene.height, channels: 3 } })
      .extract({ left, top, width: 200, height: 200 })
      .png()
      .toBuffer();
  for (let i = 0; i < 36; i++)
    await writeFile(join(pictures, `${100 + i}.png`), await cut((i % 6) * 70, Math.floor(i / 6) * 35));
  return sceneFiles(pictures, pictures);
}

test('a file of examples that was cut short goes on with the same examples', async () => {
  const { folder, remove } = await temporaryFolder();
  try {
    const files = await scenesIn(folder);
    const [whole, cut] = [join(folder, 'whole'), join(folder, 'cut')];
    await makeShots(whole, { files, count: 3, seed: 7 });
    await makeShots(cut, { files, count: 2, seed: 7 });
    // A process that was ended in the middle of a record.
    await truncate(cut, (await stat(cut)).size - 5);
    const made: number[] = [];
    await makeShots(cut, { files, count: 3, seed: 7 }, (count) => made.push(count));
    assert.equal(made, [2, 3]);
    assert.ok((await readFile(whole)).equals(await readFile(cut)));
    const shots = await openShotFile(whole);
    assert.is(shots.count, 3);
    const { picture, levels } = await shots.read(2);
    await shots.close();
    assert.equal([picture.length, levels.length], [SIDE * SIDE * 3, CELLS * LEVELS]);
    assert.ok(picture.every((value) => value >= 0 && value <= 1));
    assert.ok(levels.every((level) => level >= Math.log(FLOOR_255) - 1e-6 && level < Math.log(255)));
  } finally {
    await remove();
  }
});

const training = 'the noise network learns';
const hasTensorflow = await openTensorflow(training);
if (hasTensorflow)
  test('the head that learns is the head that reads pictures', async () => {
    const next = gaussianGenerator(4);
    const weights = new Map(
      Object.entries(pictureHeadShapes()).map(([name, shape]) => {
        const size = shape.reduce((a, b) => a * b, 1);
        return [name, { shape, data: Float32Array.from({ length: size }, () => 0.2 * next()) }] as const;
      }),
    );
    const counts = [1, 7, 40];
    for (const count of counts) {
      const cells = Float32Array.from({ length: count * CELL_INPUTS }, next);
      const layout = layoutOf(pictureHeadShapes());
      const learned = tf.tidy(() => {
        const source = parameterSource(
          layout,
          parameterTensors(layout, tf.tensor1d(toVector(layout, weights))),
        );
        return headOf(source, tf.tensor3d(cells, [1, count, CELL_INPUTS])).dataSync();
      });
      const { levels, deviations, evidence } = poolCells(weights, cells);
      const read = [...levels, ...deviations, Math.log(evidence / (1 - evidence))];
      const expected = Array.from(learned, (value, i) =>
        i < LEVELS || i === 2 * LEVELS ? value : uncertaintyOf(value),
      );
      for (const [i, value] of read.entries())
        assert.ok(
          Math.abs(value - (expected[i] as number)) < 1e-4 * (1 + Math.abs(value)),
          `${count} cells, ${i}: ${value} and ${expected[i]}`,
        );
    }
  });
if (hasTensorflow)
  test('steps lower the loss, weights go on where they were, and no tensor is left', async () => {
    const { folder, remove } = await temporaryFolder();
    const examples = join(folder, 'examples');
    await makeShots(examples, { files: await scenesIn(folder), count: 20, seed: 1 });
    const shots = await openShotFile(examples);
    const train = async (name: string, steps: number, from?: string) => {
      const losses: number[] = [];
      const checks: number[] = [];
      await withoutLeak(() =>
        trainNoiseNetwork({
          shots,
          output: join(folder, name),
          steps,
          batch: 4,
          // Rates rise over 500 steps, so a short run asks for a higher one.
          rate: 0.05,
          from,
          onStep: (_, { loss }) => losses.push(loss),
          onCheck: (_, { loss }) => checks.push(loss),
        }),
      );
      assert.is(losses.length, steps);
      assert.ok(checks.length === 1 && checks.every(Number.isFinite));
      return losses;
    };
    const mean = (losses: readonly number[]) => losses.reduce((sum, loss) => sum + loss, 0) / losses.length;
    try {
      const losses = await train('first', 16);
      const [begun, ended] = [mean(losses.slice(0, 4)), mean(losses.slice(-4))];
      assert.ok(ended < begun - 0.1, `loss ${begun}, then ${ended}`);
      const file = join(folder, 'first/weights.safetensors');
      const weights = readSafetensors(await readFile(file));
      for (const [name, shape] of Object.entries({ ...noiseNetworkShapes(), ...pictureHeadShapes() }))
        assert.equal(weights.get(name)?.shape, shape, name);
      const { weights: told } = JSON.parse(await readFile(join(folder, 'first/network.json'), 'utf8'));
      const sha256 = createHash('sha256')
        .update(await readFile(file))
        .digest('hex');
      assert.equal(told, { file: 'weights.safetensors', sha256 });
      // The same examples as the first run's first step saw, by weights that have learned.
      const [again = Number.NaN] = await train('second', 1, file);
      assert.ok(again < (losses[0] ?? Number.NaN), `${again} after ${losses[0]}`);
    } finally {
      await shots.close();
      await remove();
    }
  });

test.run();
