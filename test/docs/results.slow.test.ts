// The documents' tables are what docs/results holds, and a small slice of what it holds is measured again.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openEngine } from '#src/core/engine/open-engine.js';
import { findPrior } from '#src/core/model/find-prior.js';
import { loadPrior } from '#src/core/model/load-prior.js';
import {
  approachWords,
  COST_CHART,
  costChart,
  DOCUMENTS,
  documented,
  tableFor,
} from '../../bench/document.js';
import { noisyCrops, readPictures } from '../../bench/pictures.js';
import { measureVariant } from '../../bench/quality/ablation.js';
import { measureStudy, noiseDenoiser, STUDIES } from '../../bench/quality/noise.js';
import { closePriors, measureChoice, openPriors, SETS } from '../../bench/quality/prior-auto.js';
import { measureQuality } from '../../bench/quality/quality.js';
import { measureSeams, seamsPictures, seamsReferences } from '../../bench/quality/seams.js';
import { type Row, readResults } from '../../bench/results.js';
import { sharedPath } from '../shared.js';
import { document } from './documents.js';

/** Machines round differently; measured on two of them, figures agree to a thousandth. */
const TOLERANCE = 0.005;
/** Nats per sample. */
const MARGIN_TOLERANCE = 5e-4;

const rowsOf = (name: string) =>
  readResults(name).then(
    ({ rows }) => rows,
    (): readonly Row[] => [],
  );

function expectNear(measured: number | undefined, kept: unknown, what: string, tolerance = TOLERANCE): void {
  const first = (kept as readonly number[])[0] ?? Number.NaN;
  assert.ok(
    Math.abs((measured ?? Number.NaN) - first) <= tolerance,
    `${what}: ${measured}, kept is ${first}`,
  );
}

for (const path of DOCUMENTS)
  test(`${path}: its tables are those of docs/results`, async () => {
    assert.is(await documented(document(path)), document(path), 'run: npm run bench -- document');
  });

test('the chart of cost and quality is that of docs/results', async () =>
  assert.is(document(COST_CHART), await costChart(), 'run: npm run bench -- document'));

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

  for (const { set, prior } of [
    { set: 'data/cbsd68', prior: 'natural' },
    { set: 'data/faces64/validation', prior: 'faces64' },
  ])
    test(`peers, ${set}: the first picture again, noisy and by flow-denoise`, async () => {
      const rows = (await rowsOf('peers')).filter((row) => row.set === set);
      const approach = 'posterior-mean:4:3';
      const kept = rows.find(({ side }) => side === `${prior} ${approach}`);
      if (!kept) return console.log('SKIP docs/results/peers.json has no such row');
      const sigma = Number(kept.sigma);
      const pictures = await readPictures('1', set);
      const { noisy, psnr } = await measureQuality({ prior, approach, sigma }, pictures);
      const before = rows.find((row) => row.side === 'noisy' && row.sigma === sigma);
      expectNear(noisy[0], before?.psnr, 'noisy');
      expectNear(psnr[0], kept.psnr, 'denoised');
    });

  test('noise: the first picture of each study again', async () => {
    const rows = await rowsOf('noise');
    for (const [name, study] of Object.entries(STUDIES)) {
      const kept = rows.find((row) => row.study === name);
      if (!kept) {
        console.log(`SKIP docs/results/noise.json has no study ${name}`);
        continue;
      }
      const denoiser = await noiseDenoiser(name);
      try {
        const measured = await measureStudy(study, denoiser, await study.pictures('1'), String(kept.level));
        for (const way of ['noisy', 'told', 'fitted', 'unsaid'] as const)
          if (kept[way]) expectNear(measured[way]?.[0], kept[way], `${name} ${kept.level}, ${way}`);
      } finally {
        await denoiser.close();
      }
    }
  });

  test('seams: the first picture again', async () => {
    const [kept] = await rowsOf('seams');
    if (!kept) return console.log('SKIP docs/results/seams.json is not there');
    const which = {
      approach: String(kept.approach),
      sigma: Number(kept.sigma),
      tile: Number(kept.tile),
      overlap: Number(kept.overlap),
    };
    const references = await seamsReferences(which, await seamsPictures('0'));
    const { border, elsewhere, loss } = await measureSeams(which, references);
    expectNear(border[0], kept.border, 'RMS at borders');
    expectNear(elsewhere[0], kept.elsewhere, 'RMS elsewhere');
    expectNear(loss[0], kept.loss, 'loss of PSNR');
  });

  test('prior: auto: the first face and photograph again', async () => {
    const rows = await rowsOf('prior-auto');
    if (rows.length === 0) return console.log('SKIP docs/results/prior-auto.json is not there');
    const priors = await openPriors();
    try {
      for (const { set, folder, right } of SETS) {
        const kept = rows.find((row) => row.set === set) as Row;
        const [picture] = await readPictures('1', folder);
        if (!picture) continue;
        const { margin } = await measureChoice(priors, { ...picture, index: 0 }, Number(kept.sigma), right);
        expectNear(margin, kept.margins, `${set}, nats per sample`, MARGIN_TOLERANCE);
      }
    } finally {
      await closePriors(priors);
    }
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
