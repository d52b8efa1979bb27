// Compares the paper's printed cells with ours, in tables.
import { plural } from '../../core/printable.js';
import { type Beta, betaOf, type Contender, contenderName, methodName } from '../contender.js';
import { type Cell, cellAt, type EvaluationResults, type MeasureName, meanOf } from '../measure/results.js';
import type { NoiseLevel } from '../noise-level.js';
import { fixed, MEASURES, measureWords, type ReportTable, signed } from '../report/report-tables.js';
import { PAPER_BETAS, PAPER_PSNR, PAPER_TABLES, paperBestPsnr } from './paper-protocol.js';

/** The gain over the paper's best that we aim for, dB, per level. */
export const ASKED_GAINS = [0.5, 1.5, 1.5, 1.5] as const;

/** The four levels for one reading of the paper's noise: indices into the results' levels. */
export type Reading = readonly number[];

const BETA_HEADERS = PAPER_BETAS.map((beta) => `beta ${beta}`);

/** Our best at a level, among the product's presets and methods, without climbs to convergence and other programs. */
export function bestAt(results: EvaluationResults, level: number, row: number) {
  const found = results.contenders.flatMap((each, contender) => {
    const isOurs = each.kind === 'product' || each.kind === 'preset';
    const psnr = isOurs ? meanOf(cellAt(results, level, contender)?.pictures) : undefined;
    return psnr === undefined ? [] : [{ contender, psnr, gain: psnr - paperBestPsnr(row) }];
  });
  return found.toSorted((a, b) => b.psnr - a.psnr)[0];
}

/** The paper's best, ours, and other programs' at each level. */
export function bestTable(results: EvaluationResults, reading: Reading): ReportTable {
  const others = results.contenders.flatMap((each, contender) =>
    each.kind === 'given' ? [{ name: each.name, contender }] : [],
  );
  const rows = reading.map((level, row) => {
    const best = bestAt(results, level, row);
    return [
      levelWords(results, level),
      fixed(meanOf(results.noisy[level]), 2),
      fixed(paperBestPsnr(row), 1),
      fixed(best?.psnr, 2),
      best ? contenderName(results.contenders[best.contender] as Contender) : '',
      signed(best?.gain, 2),
      signed(ASKED_GAINS[row], 1),
      ...others.map(({ contender }) => fixed(meanOf(cellAt(results, level, contender)?.pictures), 2)),
    ];
  });
  const names = others.map(({ name }) => name);
  return {
    caption: 'PSNR in dB',
    header: ['noise', 'noisy', 'paper’s best', 'our best', 'which', 'gain', 'asked', ...names],
    rows,
  };
}

/** A table of the paper with our rows below each of its rows. */
export function besideThePaper(
  results: EvaluationResults,
  reading: Reading,
  measure: MeasureName,
): ReportTable {
  const rows = reading.flatMap((level, row) => [
    [`${levelWords(results, level)}: the paper`, ...(PAPER_TABLES[measure][row] ?? []), ''],
    ...ownRows(results, level, measure),
  ]);
  return {
    caption: `${MEASURES[measure].name}, mean ± spread over pictures`,
    header: ['', 'noisy', ...BETA_HEADERS, 'auto, or none'],
    rows,
  };
}

function ownRows(results: EvaluationResults, level: number, measure: MeasureName): string[][] {
  return [...methodsAt(results, level)].map(([method, cells]) => {
    const at = (beta: Beta | undefined) => measureWords(cells.get(beta)?.pictures, measure);
    const count = Math.max(...[...cells.values()].map(({ pictures }) => pictures.length));
    const noisy = measureWords(results.noisy[level]?.slice(0, count), measure);
    const few = count < results.pictures.length ? ` (${plural(count, 'picture')})` : '';
    return [method + few, noisy, ...PAPER_BETAS.map(at), at('auto') || at(undefined)];
  });
}

/** Our gain over each of the paper's cells in dB, by beta. */
export function gainPerBeta(results: EvaluationResults, reading: Reading): ReportTable {
  const rows = reading.flatMap((level, row) =>
    [...methodsAt(results, level)].flatMap(([method, cells]) => {
      if (!PAPER_BETAS.some((beta) => cells.has(beta))) return [];
      const gains = PAPER_BETAS.map((beta, column) => {
        const ours = meanOf(cells.get(beta)?.pictures);
        return signed(ours && ours - (PAPER_PSNR[row]?.betas[column] ?? Number.NaN), 2);
      });
      return [[`${levelWords(results, level)}: ${method}`, ...gains]];
    }),
  );
  return { caption: 'Our PSNR less the paper’s, dB', header: ['', ...BETA_HEADERS], rows };
}

/** The methods measured under a noise, each with its cells by beta. */
function methodsAt(
  results: EvaluationResults,
  level: number,
): ReadonlyMap<string, ReadonlyMap<Beta | undefined, Cell>> {
  const methods = new Map<string, Map<Beta | undefined, Cell>>();
  for (const [at, contender] of results.contenders.entries()) {
    const cell = cellAt(results, level, at);
    if (cell === undefined) continue;
    const name = methodName(contender);
    methods.set(name, (methods.get(name) ?? new Map()).set(betaOf(contender), cell));
  }
  return methods;
}

/** The level as the paper states it and in 8-bit units. */
export function levelWords({ levels }: EvaluationResults, level: number): string {
  const { sigma, stated } = levels[level] as NoiseLevel;
  return stated === undefined ? `sigma ${sigma}` : `${stated} (sigma ${sigma})`;
}
