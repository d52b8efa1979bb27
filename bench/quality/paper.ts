// The paper's experiments with BM3D called in the same run (PyPI's bm3d, for non-commercial use only, in the private
// Python environment of bench/peers/peers.ts): `flow-denoise evaluate --protocol paper` with one program more.
// The faces are not ours to publish (CelebA): what is kept has their figures and maps, the page with the pictures goes to
// out/paper, which git ignores.
// Usage: npm run bench -- paper [output folder] [pictures] [pictures that climb to convergence] [folder under ../shared]
import { relative } from 'node:path';
import { evaluate, withoutPictures, writeEvaluation } from '#src/evaluate/index.js';
import { sharedPath } from '../../test/shared.js';
import { openPeers } from '../peers/python.js';

const [output = 'docs/results/paper', count = '32', converged = '8', from = 'data/faces64/validation'] =
  process.argv.slice(2);
const folder = sharedPath(from);
if (!folder) process.exit(0);
const peers = await openPeers();
try {
  let last = '';
  const evaluation = await evaluate({
    folder: relative('', folder),
    protocol: 'paper',
    count: Number(count),
    convergedCount: Number(converged),
    given: {
      BM3D: async ({ data, width, height }, { sigma = 0 }) =>
        (await peers.denoise({ method: 'bm3d', noisy: data, width, height, sigma })).data,
    },
    onEstimate: ({ seconds, total }) =>
      console.log(`${total} pictures, about ${Math.ceil(seconds / 60)} min and BM3D`),
    onProgress({ done, total, what }) {
      if (what !== last) console.log(`${done} of ${total}: ${what}`);
      last = what;
    },
  });
  const command = `npm run bench -- paper ${process.argv.slice(2).join(' ')}`.trim();
  await writeEvaluation({ ...evaluation, shown: withoutPictures(evaluation.shown) }, output, { command });
  await writeEvaluation(evaluation, 'out/paper', { command });
} finally {
  await peers.close();
}
