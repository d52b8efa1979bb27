// Training's time and memory per step: the whole loop (crops, loss, gradient, Adam, average), without validations and
// checkpoints, from a folder of pictures under ../shared; live tensors at the third step and at the last.
// Usage: node --import tsx bench/speed/train.ts [presets] [steps] [folder under ../shared] [sheet tile]
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { prepareTensorflowEnvironment } from '#src/core/engine/packages/tensorflow-package.js';
import { openBackend } from '#src/core/engine/tfjs/tfjs-backend.js';
import { openCrops } from '#src/train/data/crops.js';
import { parameterLayout } from '#src/train/loop/parameter-vector.js';
import { runTraining } from '#src/train/loop/trainer.js';
import { checkTrainOptions, newSettings, type PresetName } from '#src/train/options.js';
import { sharedPath } from '../../test/shared.js';
import { median } from '../results.js';

const [names = 'small,natural', steps = '30', from = 'data/bsds432', tile] = process.argv.slice(2);
const folder = sharedPath(from);
if (!folder) process.exit(0);
const sheetTile = tile === undefined ? undefined : Number(tile);

prepareTensorflowEnvironment();
const { device } = await openBackend('tensorflow');
console.log(`${device.library}, ${device.device}`);

for (const preset of names.split(',') as PresetName[]) {
  const output = await mkdtemp(join(tmpdir(), 'flow-denoise-bench-'));
  const never = 1e9;
  const options = { folder, output, preset, sheetTile, steps: never, validateEvery: never };
  const settings = await newSettings(checkTrainOptions({ ...options, checkpointEvery: never }));
  const { crop, batch, seed } = settings;
  const crops = await openCrops({ folders: [folder], crop, batch, seed, sheetTile });
  const seconds: number[] = [];
  const tensors: number[] = [];
  let most = 0;
  const run = runTraining({ settings, crops, checkpoint: undefined, isStopped: () => false });
  for await (const record of run) {
    if (record.kind !== 'step') continue;
    // The first steps warm up: kernels are chosen, memory is taken.
    if (record.step > 3) seconds.push(record.seconds);
    tensors.push(tf.memory().numTensors);
    most = Math.max(most, process.memoryUsage().rss);
    if (record.step >= Number(steps)) break;
  }
  await crops.close();
  await rm(output, { recursive: true, force: true });
  const [least, last] = [Math.min(...seconds), Math.max(...seconds)];
  console.log(
    `${preset}: ${(parameterLayout(settings.architecture).size / 1e6).toFixed(1)} million parameters, batch ${batch} of ${crop} x ${crop}: ` +
      `${median(seconds).toFixed(2)} s a step (${least.toFixed(2)} to ${last.toFixed(2)} over ${seconds.length}), ` +
      `${(most / 1e9).toFixed(2)} GB resident at most; live tensors ${tensors[2]} at step 3, ${tensors.at(-1)} at step ${tensors.length}`,
  );
}
