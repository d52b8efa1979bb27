// The evaluations below docs/results: a slice of each is measured again and compared picture by picture, its Markdown says
// what its JSON does, and what was asked of the paper's experiments holds in them.
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { globSync } from 'tinyglobby';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { betaOf, contenderName, methodName } from '#src/evaluate/contender.js';
import type { EvaluationResults } from '#src/evaluate/index.js';
import { measureNoisy, measureRestored } from '#src/evaluate/measure/residual.js';
import { openRestorer } from '#src/evaluate/measure/restorer.js';
import { ASKED_GAINS, bestAt } from '#src/evaluate/paper/paper-comparison.js';
import { noisyPair, readClean } from '#src/evaluate/pictures.js';
import { reportMarkdown } from '#src/evaluate/report/report-pages.js';
import { reportOf } from '#src/evaluate/report/write-evaluation.js';
import { root } from '../docs/documents.js';

/** How far a figure may be off: engines and machines differ in rounding, which a climb amplifies. */
const TOLERANCE = { psnr: 0.02, ssim: 5e-4 };
const PICTURES = 2;

const files = globSync('docs/results/*/results.json', { cwd: root }).sort();
if (files.length === 0) {
  console.log('SKIP there are no evaluations in docs/results');
  test.skip('no evaluations', () => {});
}

/** One cell of each kind of contender: the quickest noise does, since all of them go the same way. */
function sliceOf({ cells, contenders }: EvaluationResults) {
  const seen = new Set<string>();
  return cells.filter(({ contender }) => {
    const what = contenders[contender];
    if (what === undefined || what.kind === 'given') return false;
    return seen.size < seen.add(methodName(what)).size;
  });
}

const isNear = (value: number, wanted: number, tolerance: number, what: string) =>
  assert.ok(Math.abs(value - wanted) <= tolerance, `${what}: ${value}, stored ${wanted}`);

for (const file of files) {
  const results = JSON.parse(readFileSync(`${root}${file}`, 'utf8')) as EvaluationResults;
  const { settings, levels, contenders, pictures, noisy } = results;
  const folder = path.resolve(root, settings.folder);

  test(`${file}: a slice of it, measured again`, async () => {
    if (!existsSync(folder)) return console.log(`SKIP ${settings.folder} is not here`);
    const [width = 0, height = 0] = String(settings.crop).split('x').map(Number);
    const crop = typeof settings.crop === 'number' ? settings.crop : { width, height };
    const slice = sliceOf(results);
    assert.ok(slice.length > 0, 'nothing of ours is in it');
    for (const cell of slice) {
      const [level, contender] = [levels[cell.level], contenders[cell.contender]];
      if (level === undefined || contender === undefined) throw new Error('a cell of no level or contender');
      const { tileSize, overlap } = settings;
      const restorer = await openRestorer(contender, { tileSize, overlap });
      try {
        for (const [index, stored] of cell.pictures.slice(0, PICTURES).entries()) {
          const clean = await readClean(folder, pictures[index]?.name ?? '', crop);
          const { noisy: made } = await noisyPair(clean, index, level, settings);
          const what = `${contenderName(contender)}, sigma ${level.sigma}, ${clean.name}`;
          const before = measureNoisy(clean, made.data, level);
          isNear(before.psnr, noisy[cell.level]?.[index]?.psnr ?? Number.NaN, 1e-4, `${what}, noisy`);
          const { data } = await restorer.restore(made, level, {
            beta: betaOf(contender),
            signal: undefined,
          });
          const measured = measureRestored(clean, made.data, data, level);
          isNear(measured.psnr, stored.psnr, TOLERANCE.psnr, `${what}, PSNR`);
          isNear(measured.ssim, stored.ssim, TOLERANCE.ssim, `${what}, SSIM`);
        }
      } finally {
        await restorer.close();
      }
    }
  });

  test(`${file}: the Markdown beside it is made of it`, () => {
    const written = readFileSync(`${root}${path.posix.dirname(file)}/results.md`, 'utf8');
    const tables = (text: string) => text.split('\n').filter((line) => line.startsWith('|'));
    const made = tables(reportMarkdown(reportOf({ results, shown: [] }), 'figures'));
    assert.ok(made.length > 4);
    assert.equal(tables(written), made);
  });

  if (settings.protocol === 'paper')
    test(`${file}: our best is above the paper's by what was asked`, () => {
      for (const [row, asked] of ASKED_GAINS.entries()) {
        const gain = bestAt(results, row, row)?.gain ?? Number.NaN;
        assert.ok(
          gain >= asked,
          `sigma ${levels[row]?.sigma}: ${gain} dB above the paper's best, asked ${asked}`,
        );
      }
    });
}

test.run();
