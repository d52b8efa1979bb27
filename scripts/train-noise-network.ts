// Trains the network that tells noise from texture, on simulated noise over clean pictures: first the part that
// reads cells, then the head that pools them. Writes what models/noise-network holds.
// Usage: node --import tsx scripts/train-noise-network.ts <photographs> <pristine photographs> <output> [minutes] [pictures for the head] [weights to begin with]
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { prepareTensorflowEnvironment } from '#src/core/engine/packages/tensorflow-package.js';
import { openBackend } from '#src/core/engine/tfjs/tfjs-backend.js';
import { readSafetensors, writeSafetensors } from '#src/core/model/safetensors.js';
import { sceneFiles } from './noise-network/shots.js';
import { trainNoiseNetwork } from './noise-network/train-noise-network.js';
import { describePictures, trainPictureHead } from './noise-network/train-picture-head.js';

const HEAD_STEPS = 8000;
const HEAD_SEED = 12345;

const [folder, pristine, output, minutes = '60', pictures = '3000', from] = process.argv.slice(2);
if (folder === undefined || pristine === undefined || output === undefined) {
  console.error(
    'usage: train-noise-network <photographs> <pristine photographs> <output> [minutes] [pictures] [weights]',
  );
  process.exit(2);
}
prepareTensorflowEnvironment();
const files = await sceneFiles(folder, pristine);
const backend = await openBackend('tensorflow');
let [loss, error] = [0, 0];
await trainNoiseNetwork({
  files,
  output,
  minutes: Number(minutes),
  from,
  onStep(step, stepLoss, stepError, seconds) {
    loss += stepLoss / 50;
    error += stepError / 50;
    if (step % 50 !== 0) return;
    console.log(
      `step ${step}, ${(seconds / step).toFixed(2)} s each: loss ${loss.toFixed(3)}, error of ln sigma ${error.toFixed(3)}`,
    );
    [loss, error] = [0, 0];
  },
});

const file = path.join(output, 'weights.safetensors');
const tensors = readSafetensors(await readFile(file));
const cells = new Map(
  [...tensors].map(([name, { shape, data }]) => [name, { shape, data: Float32Array.from(data) }] as const),
);
console.log(`describing ${pictures} pictures`);
const described = await describePictures(cells, files, Number(pictures), HEAD_SEED);
const head = await trainPictureHead(described, {
  steps: HEAD_STEPS,
  onCheck: (step, seen, kept, keptError) =>
    console.log(
      `head, step ${step}: loss ${seen.toFixed(3)}, held back ${kept.toFixed(3)}, error of ln sigma ${keptError.toFixed(3)}`,
    ),
});
const bytes = writeSafetensors(new Map([...cells, ...head]), () => 'F16');
await writeFile(file, bytes);
const sha256 = createHash('sha256').update(bytes).digest('hex');
const card = {
  format: 'flow-denoise-noise-network',
  version: 1,
  weights: { file: 'weights.safetensors', sha256 },
};
await writeFile(path.join(output, 'network.json'), `${JSON.stringify(card, null, 2)}\n`);
backend.close();
