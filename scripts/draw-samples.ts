// Draws pictures from a prior's flow, side by side at several temperatures, a row each.
// Usage: node --import tsx scripts/draw-samples.ts <prior> <picture.png> [temperatures] [side]
import sharp from 'sharp';
import { openBackend } from '#src/core/engine/tfjs/tfjs-backend.js';
import { parametersFrom } from '#src/core/flow/parameters.js';
import { findPrior } from '#src/core/model/find-prior.js';
import { loadPrior } from '#src/core/model/load-prior.js';
import { tfjsOps } from '#src/core/ops/tfjs-ops.js';
import { sampleFlow } from '#src/train/loop/validation.js';

const [name = 'faces64-likelihood', picture = 'samples.png', temperatures = '0.5,0.7,1', side = '64'] =
  process.argv.slice(2);
const { model, weights } = await loadPrior(findPrior(name));
await openBackend('wasm');
const size = Number(side);
const source = parametersFrom(tfjsOps, weights);
const task = { architecture: model, source, sigmaRange: model.sigmaRange, seed: 1, crop: size };
const rows = temperatures.split(',').map((temperature) => sampleFlow(task, Number(temperature)).pictures);
const raw = { width: size, height: size, channels: 3 } as const;
const tiles = rows.flatMap((row, y) =>
  row.map((pixels, x) => ({ input: Buffer.from(pixels), raw, left: x * size, top: y * size })),
);
const [width, height] = [size * Math.max(...rows.map((row) => row.length)), size * rows.length];
await sharp({ create: { width, height, channels: 3, background: 'black' } })
  .composite(tiles)
  .png()
  .toFile(picture);
console.log(`${picture}: ${rows.length} rows, temperatures ${temperatures}`);
