// Trains the network that tells noise from texture, on simulated noise over clean pictures. Writes what models/noise-network
// holds. The examples are made first, into a file beside the output that a second run goes on with.
// Usage: node --import tsx scripts/train-noise-network.ts <photographs> <pristine photographs> <output> [examples] [steps] [weights to begin with] [rate]
import { prepareTensorflowEnvironment } from '#src/core/engine/packages/tensorflow-package.js';
import { openBackend } from '#src/core/engine/tfjs/tfjs-backend.js';
import { makeShots, openShotFile } from './noise-network/shot-file.js';
import { sceneFiles } from './noise-network/shots.js';
import { type NoiseTrainingFigures, trainNoiseNetwork } from './noise-network/train-noise-network.js';

const SEED = 12345;
const TOLD_EVERY = 100;

const [folder, pristine, output, examples = '14000', steps = '12000', from, rate = '1e-3'] =
  process.argv.slice(2);
if (folder === undefined || pristine === undefined || output === undefined) {
  console.error(
    'usage: train-noise-network <photographs> <pristine photographs> <output> [examples] [steps] [weights] [rate]',
  );
  process.exit(2);
}
const words = ({ loss, cellError, pictureError, surprise }: NoiseTrainingFigures) =>
  `loss ${loss.toFixed(3)}, error of ln sigma ${cellError.toFixed(3)} of cells, ${pictureError.toFixed(3)} of noisy pictures, surprise ${surprise.toFixed(4)}`;

const files = await sceneFiles(folder, pristine);
const file = `${output}.shots`;
await makeShots(file, { files, count: Number(examples), seed: SEED }, (made) => {
  if (made % 500 === 0) console.log(`${made} examples`);
});
prepareTensorflowEnvironment();
const backend = await openBackend('tensorflow');
const shots = await openShotFile(file);
let sums = { loss: 0, cellError: 0, pictureError: 0, surprise: 0 };
await trainNoiseNetwork({
  shots,
  output,
  steps: Number(steps),
  rate: Number(rate),
  from,
  onStep(step, figures) {
    for (const key of Object.keys(sums) as (keyof typeof sums)[]) sums[key] += figures[key] / TOLD_EVERY;
    if (step % TOLD_EVERY !== 0) return;
    console.log(`step ${step}: ${words(sums)}`);
    sums = { loss: 0, cellError: 0, pictureError: 0, surprise: 0 };
  },
  onCheck: (step, figures) => console.log(`held back, step ${step}: ${words(figures)}`),
});
await shots.close();
backend.close();
