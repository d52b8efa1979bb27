// The documents' tables are what docs/results holds, and a small slice of what it holds is measured again.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openEngine } from '#src/core/engine/open-engine.js';
import { findPrior } from '#src/core/model/find-prior.js';
import { loadPrior } from '#src/core/model/load-prior.js';
import { measureVariant } from '../../bench/ablation.js';
import { approachWords, DOCUMENTS, documented, tableFor } from '../../bench/document.js';
import { noisyCrops, readPictures } from '../../bench/pictures.js';
import { measureQuality } from '../../bench/quality.js';
import { type Row, readResults } from '../../bench/results.js';
import { sharedPath } from '../shared.js';
import { document } from './documents.js';

/** Machines round differently; measured on two of them, figures agree to a thousandth. */
const TOLERANCE = 0.005;

const rowsOf = (name: string) =>
  readResults(name).then(
    ({ rows }) => rows,
    (): readonly Row[] => [],
  );

function expectNear(measured: number | undefined, kept: unknown, what: string): void {
  const first = (kept as readonly number[])[0] ?? Number.NaN;
  assert.ok(
    Math.abs((measured ?? Number.NaN) - first) <= TOLERANCE,
    `${what}: ${measured}, kept is ${first}`,
  );
}

for (const path of DOCUMENTS)
  test(`${path}: its tables are those of docs/results`, async () => {
    assert.is(await documented(document(path)), document(path), 'run: npm run bench -- document');
  });

test('names of approaches, and a table of results that nobody has measured', async () => {
  assert.is(approachWords('posterior-mean:4:3'), 'posterior mean, ensemble 4, 3 scales');
  assert.is(approachWords('beta-map'), 'beta-MAP');
  assert.is(await tableFor('peers/no/such/folder'), 'Not measured yet.');
});

if (sharedPath('data/cbsd68/')) {
  test('quality: the first picture again', async () => {
    const rows = await rowsOf('quality');
    const kept = rows.find((row) => row.approach === 'posterior-mean' && row.prior === 'natural');
    if (!kept) return console.log('SKIP docs/results/quality.json has no such row');
    const which = { prior: 'natural', approach: 'posterior-mean', sigma: Number(kept.sigma) };
    const { noisy, psnr } = await measureQuality(which, await readPictures('1'));
    expectNear(noisy[0], kept.noisy, 'noisy');
    expectNear(psnr[0], kept.psnr, 'denoised');
  });

  test('ablation: the first crop of each study again, its first variant', async () => {
    const rows = await rowsOf('ablation');
    const prior = await loadPrior(findPrior('natural'));
    const engine = await openEngine(prior, { engine: 'onnx' });
    try {
      for (const study of new Set(rows.map((row) => String(row.study)))) {
        const kept = rows.find((row) => row.study === study) as Row;
        const crops = await noisyCrops(1, Number(kept.side), Number(kept.sigma));
        const label = String(kept.label);
        const measured = await measureVariant(study, label, Number(kept.sigma), crops, { engine, prior });
        expectNear(measured.psnr[0], kept.psnr, `${study}, ${label}`);
        assert.is(measured.evaluations, kept.evaluations, `${study}, ${label}`);
      }
    } finally {
      await engine.close();
    }
  });
}

test.run();
