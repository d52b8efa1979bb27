// Trains the network that tells noise from texture, on simulated noise over a folder of clean pictures.
// Usage: node --import tsx scripts/train-noise-network.ts <folder> <output> [minutes] [weights to begin with]
import { prepareTensorflowEnvironment } from '#src/core/engine/tensorflow-package.js';
import { openBackend } from '#src/core/engine/tfjs-backend.js';
import { trainNoiseNetwork } from '#src/train/noise-network/train-noise-network.js';

const [folder, output, minutes = '60', from] = process.argv.slice(2);
if (folder === undefined || output === undefined) {
  console.error('usage: train-noise-network <folder of clean pictures> <output> [minutes] [weights]');
  process.exit(2);
}
prepareTensorflowEnvironment();
const backend = await openBackend('tensorflow');
let [loss, error] = [0, 0];
await trainNoiseNetwork({
  folder,
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
backend.close();
