// Computes the score of the built-in tile under a shipped prior, in float64 by loops and without any engine, and stores
// it beside the prior: what `flow-denoise doctor` compares engines with.
// Usage: node --import tsx scripts/store-check.ts natural
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { checkTile } from '#src/core/engine/check-tile.js';
import { REFERENCE_SIDE } from '#src/core/engine/examine-engine.js';
import { densityAndScore } from '#src/core/flow/log-density.js';
import { parametersFrom } from '#src/core/flow/parameters.js';
import { findPrior } from '#src/core/model/find-prior.js';
import { loadPrior } from '#src/core/model/load-prior.js';
import { writeSafetensors } from '#src/core/model/safetensors.js';
import { float64Ops, tensor64 } from '../test/core/flow/float64-ops.js';

const folder = findPrior(process.argv[2] ?? 'natural');
const { model, weights } = await loadPrior(folder);
const { shape, y, sigma } = checkTile(REFERENCE_SIDE);
const evaluate = densityAndScore(float64Ops, model, parametersFrom(float64Ops, weights));
const { score } = evaluate(
  tensor64(y, [1, shape.channels, shape.height, shape.width]),
  tensor64([sigma], [1, 1]),
);
const tensors = new Map([
  ['score', { shape: [3, shape.height, shape.width], data: Float32Array.from(score.data) }],
]);
await writeFile(path.join(folder, 'check.safetensors'), writeSafetensors(tensors));
console.log(`${folder}/check.safetensors: the score of ${score.data.length} samples`);
