// The paper's protocol: its printed cells, its noise, what is run, and what the report says of it.
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { openEngine } from '#src/core/engine/open-engine.js';
import { hasBrokenDown } from '#src/core/inference/estimation.js';
import { findPrior } from '#src/core/model/find-prior.js';
import { loadPrior } from '#src/core/model/load-prior.js';
import { contenderName, priorName } from '#src/evaluate/contender.js';
import { type EvaluationResults, evaluate, withoutPictures, writeEvaluation } from '#src/evaluate/index.js';
import { measureNoisy, measureRestored } from '#src/evaluate/measure/residual.js';
import { openRestorer } from '#src/evaluate/measure/restorer.js';
import { besideThePaper, bestAt, bestTable, gainPerBeta } from '#src/evaluate/paper/paper-comparison.js';
import {
  EQUAL_LEVELS,
  PAPER_BETAS,
  PAPER_PSNR,
  PAPER_SIGMAS,
  PAPER_TABLES,
  paperBestPsnr,
  STATED_LEVELS,
} from '#src/evaluate/paper/paper-protocol.js';
import { noisyPair, readClean, withNoise } from '#src/evaluate/pictures.js';
import { extractTile } from '#src/tile/extract.js';
import { planTiles } from '#src/tile/plan.js';
import { fixtureFolder } from '../core/fixture.js';
import { sharedPath } from '../shared.js';
import { withCleanFolder } from './folder.js';

type Printed = Record<'mean' | 'spread', (number | null)[][]> & Record<'noisy' | 'noisySpread', number[]>;

test('the printed cells are those that were copied from the paper', () => {
  const path = sharedPath('paper-tables.json');
  if (!path) return;
  const printed = JSON.parse(readFileSync(path, 'utf8')) as Record<
    'ssim' | 'psnr' | 'mseTimes100',
    Printed
  > & {
    sigma: number[];
    beta: number[];
  };
  assert.equal(printed.sigma, [...PAPER_SIGMAS]);
  assert.equal(printed.beta, [...PAPER_BETAS]);
  for (const [ours, theirs] of [
    [PAPER_TABLES.ssim, printed.ssim],
    [PAPER_TABLES.psnr, printed.psnr],
    [PAPER_TABLES.mse, printed.mseTimes100],
  ] as const) {
    const numbers = ours.map((row) =>
      row.map((cell) => (cell === '–' ? [null, null] : cell.split(' ± ').map(Number))),
    );
    const column = (at: 0 | 1) => numbers.map((row) => row.map((cell) => cell[at]));
    const joined = (noisy: number[], cells: (number | null)[][]) => cells.map((row, i) => [noisy[i], ...row]);
    assert.equal(column(0), joined(theirs.noisy, theirs.mean));
    assert.equal(column(1), joined(theirs.noisySpread, theirs.spread));
  }
});

test('the paper’s best, and the noise at which its noisy PSNR is ours', () => {
  assert.equal([0, 1, 2, 3].map(paperBestPsnr), [39.4, 34.2, 29.1, 22.9]);
  const data = new Float32Array(3 * 128 * 128).fill(0.5);
  const clean = { name: 'grey', data, width: 128, height: 128, channels: 3 } as const;
  for (const [i, level] of EQUAL_LEVELS.entries()) {
    const { psnr } = measureNoisy(clean, withNoise(data, level, i, false), level);
    assert.ok(Math.abs(psnr - (PAPER_PSNR[i]?.noisy ?? 0)) < 0.1, `sigma ${level.sigma}: ${psnr} dB`);
  }
  assert.equal(
    STATED_LEVELS.map(({ sigma }) => sigma),
    [6.375, 12.75, 25.5, 51],
  );
});

const noResidual = { rms: 1, unevenness: 0, correlation: 0 };
const picture = (psnr: number) => ({ psnr, mse: 10 ** (-psnr / 10), ssim: 0.9, residual: noResidual });

/** Two pictures a cell: `psnr` 0.1 below and above. */
function resultsOf(
  cells: readonly { readonly level: number; readonly contender: number; readonly psnr: number }[],
): EvaluationResults {
  return {
    format: 'flow-denoise-evaluation',
    version: 1,
    made: { with: '', on: '', engine: '', date: '', seconds: 1 },
    settings: { protocol: 'paper', folder: 'faces', seed: 1, clip: false, crop: 8 },
    pictures: [1, 2].map((name) => ({ name: `${name}.png`, width: 64, height: 64 })),
    levels: EQUAL_LEVELS,
    contenders: [
      { kind: 'product', prior: 'faces64', method: 'posterior-mean' },
      { kind: 'product', prior: 'faces64', method: 'beta-map', beta: 2 },
      { kind: 'converged', prior: 'faces64', beta: 2 },
      { kind: 'given', name: 'BM3D', folder: 'bm3d' },
      { kind: 'preset', prior: 'faces64', preset: 'best' },
    ],
    noisy: PAPER_PSNR.map(({ noisy: psnr }) => [picture(psnr), picture(psnr)]),
    cells: cells.map(({ psnr, ...cell }) => ({
      ...cell,
      pictures: [picture(psnr - 0.1), picture(psnr + 0.1)],
    })),
  };
}

test('our best is the product’s, beside the paper’s and beside other programs’', () => {
  const results = resultsOf([
    { level: 0, contender: 0, psnr: 40 },
    { level: 0, contender: 1, psnr: 40.4 },
    { level: 0, contender: 2, psnr: 41 },
    { level: 0, contender: 3, psnr: 42 },
  ]);
  const best = bestAt(results, 0, 0);
  assert.is(best?.contender, 1);
  assert.ok(Math.abs((best?.gain ?? 0) - 1) < 1e-9);
  assert.is(bestAt(results, 1, 1), undefined);
  const withQuality = resultsOf([
    { level: 0, contender: 1, psnr: 40.4 },
    { level: 0, contender: 4, psnr: 40.5 },
  ]);
  assert.is(bestTable(withQuality, [0]).rows[0]?.[4], 'faces64, best');
  const { header, rows } = bestTable(results, [0, 1]);
  assert.equal(header.slice(-2), ['asked', 'BM3D']);
  assert.equal(rows[0], [
    '0.025 (sigma 4.28)',
    '35.50',
    '39.4',
    '40.40',
    'faces64, beta-MAP, beta 2',
    '+1.00',
    '+0.5',
    '42.00',
  ]);
  assert.equal(rows[1]?.slice(3), ['', '', '', '+1.5', '']);
});

test('each printed cell has ours under it, beta under beta', () => {
  const results = resultsOf([
    { level: 2, contender: 1, psnr: 31 },
    { level: 2, contender: 0, psnr: 32 },
  ]);
  const { rows } = besideThePaper(results, [2], 'psnr');
  // Level 2 of the paper is the third of its table only where it stands third in the reading.
  const third = besideThePaper(results, [0, 1, 2], 'psnr').rows.slice(-3);
  assert.is(rows.length, 3);
  assert.equal(third, [
    ['0.1 (sigma 17): the paper', '23.5 ± 0.12', '25.2 ± 0.39', '–', '29.1 ± 1.01', '–', ''],
    ['faces64, posterior mean', '23.50 ± 0.00', '', '', '', '', '32.00 ± 0.14'],
    ['faces64, beta-MAP', '23.50 ± 0.00', '', '31.00 ± 0.14', '', '', ''],
  ]);
  const gains = gainPerBeta(resultsOf([{ level: 0, contender: 1, psnr: 40 }]), [0]).rows;
  assert.equal(gains, [['0.025 (sigma 4.28): faces64, beta-MAP', '', '+0.60', '', '']]);
});

test('a climb begins at the posterior mean where the prior breaks down at the noisy picture, and there only', async () => {
  const folder = fileURLToPath(new URL('../../examples/photos/', import.meta.url));
  const clean = await readClean(folder, 'astronaut.png', { width: 16, height: 16 });
  const restorer = await openRestorer({ kind: 'converged', prior: 'faces64', beta: 4 }, { threads: 1 });
  const prior = await loadPrior(findPrior('faces64'));
  const engine = await openEngine(prior, { engine: 'onnx', threads: 1 });
  try {
    for (const [sigma, start] of [
      [4, 'noisy'],
      [50, 'posterior-mean'],
    ] as const) {
      const level = { model: 'gaussian', sigma } as const;
      const { noisy } = await noisyPair(clean, 0, level, { seed: 1, clip: false });
      // The prior itself, asked about the noisy picture without the climb.
      const plan = planTiles({ width: 16, height: 16, tileSize: 16, overlap: 0, multiple: 8 });
      const y = plan.tiles.flatMap((tile) => [...extractTile(noisy, plan, tile)]);
      const [weakest] = prior.model.sigmaRange;
      const shape = { channels: 3, height: 16, width: 16 };
      const density = await engine.evaluate({ shape, y: Float32Array.from(y), sigma: weakest });
      const isBroken = hasBrokenDown(density, weakest);
      assert.is(isBroken, start === 'posterior-mean', `sigma ${sigma}`);

      const { data, ...told } = await restorer.restore(noisy, level, { beta: 4, signal: undefined });
      assert.is(told.start, start);
      assert.is(told.fallbackTiles, undefined, 'the climb itself did not break off');
      assert.ok(told.isConverged && (told.steps ?? 0) > 10, `${told.steps} steps`);
      const { psnr } = measureRestored(clean, noisy.data, data, level);
      const before = measureNoisy(clean, noisy.data, level).psnr;
      assert.ok(psnr > before + 1, `sigma ${sigma}: ${psnr} dB, ${before} dB before`);
    }
  } finally {
    await restorer.close();
    await engine.close();
  }
});

test('the whole protocol, with two small priors, on two pictures', () =>
  withCleanFolder(async (root, folder) => {
    const [conditioned, unconditioned] = [fixtureFolder('conditioned'), fixtureFolder('unconditioned')];
    const evaluation = await evaluate({
      folder,
      protocol: 'paper',
      prior: [conditioned, unconditioned],
      engine: 'onnx',
      threads: 1,
      count: 1,
      convergedCount: 1,
      crop: { width: 16, height: 16 },
      shown: 1,
    });
    const { results } = evaluation;
    const kinds = (prior: string) =>
      results.contenders.flatMap((contender) =>
        'prior' in contender && contender.prior === prior
          ? contenderName(contender).slice(priorName(prior).length + 2)
          : [],
      );
    const betas = ['beta 1', 'beta 2', 'beta 4', 'beta 8'];
    const calls = [...betas, 'calibrated beta'].map((beta) => `beta-MAP, ${beta}`);
    const climbs = betas.map((beta) => `beta-MAP at convergence, ${beta}`);
    assert.equal(kinds(conditioned), ['fast', 'best', 'posterior mean', ...calls, ...climbs]);
    assert.equal(kinds(unconditioned), calls, 'without noise levels every call is a climb to convergence');
    const met = (contender: number) => results.cells.filter((cell) => cell.contender === contender).length;
    for (const quality of [0, 1]) assert.is(met(quality), 4 + 4 + 3, 'a conditioned prior meets every noise');
    assert.is(met(kinds(conditioned).length - 1), 4, 'a climb to convergence the paper’s');
    assert.is(met(results.contenders.length - 1), 4);

    const out = join(root, 'out');
    const files = await writeEvaluation(evaluation, out, { command: 'flow-denoise evaluate faces' });
    const markdown = await readFile(join(out, 'results.md'), 'utf8');
    for (const heading of [
      'Our best and the paper’s best',
      'At the noise that the paper’s pictures have',
      'At the noise that the paper states',
      '“In almost all cases”',
      'The change of the picture against beta, at convergence',
      'Uneven removal',
      'Noise that grows with the signal',
      'Pictures',
    ])
      assert.ok(markdown.includes(`\n## ${heading}\n`), heading);
    assert.match(markdown, /39\.4 ± 0\.58/);
    for (const [, link = ''] of markdown.matchAll(/\]\((figures\/[^)]+)\)/g))
      assert.ok(files.includes(join(out, link)), link);
    const html = await readFile(join(out, 'results.html'), 'utf8');
    for (const name of [
      'Figure 4',
      'Figures 2 and 3',
      'Change of the picture against beta',
      'Unevenness against beta',
    ])
      assert.ok(html.includes(name), name);
    // Published without its pictures, it keeps the maps and every figure.
    const bare = join(root, 'bare');
    const kept = await writeEvaluation({ results, shown: withoutPictures(evaluation.shown) }, bare);
    const maps = (paths: readonly string[]) =>
      paths.filter((path) => /uneven-[^/\\]*\d\.svg$/.test(path)).length;
    assert.is(maps(kept), maps(files));
    assert.ok(maps(kept) > 0);
    const page = await readFile(join(bare, 'results.html'), 'utf8');
    assert.ok(html.includes('data:image/webp') && html.includes('data:image/png'));
    assert.ok(!page.includes('data:image/webp') && page.includes('data:image/png'));
    assert.not.match(page, />original<\/text>/, 'no columns without pictures');
    const rows = (text: string) => text.split('\n').filter((line) => line.startsWith('|'));
    assert.equal(rows(await readFile(join(bare, 'results.md'), 'utf8')), rows(markdown));
    assert.not.match(`${html}${page}${markdown}`.replaceAll(/base64,[^"]*/g, ''), /NaN|undefined|Infinity/);
  }));

test.run();
