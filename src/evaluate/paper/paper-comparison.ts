// Compares the paper's printed cells with ours, in tables.
import { mean } from '../../core/metrics/index.js';
import { plural } from '../../core/printable.js';
import { type Beta, betaOf, contenderName, isProduct, methodName } from '../contender.js';
import type { EvaluationResults, MeasureName } from '../measure/results.js';
import type { ReportTable } from '../report/report.js';
import {
  fixed,
  MEASURES,
  meanAt,
  NOTHING,
  noisyValues,
  signed,
  valuesAt,
  valuesWords,
} from '../report/result-queries.js';
import { PAPER_BETAS, PAPER_TABLES, paperBestPsnr } from './paper-tables.js';

/** The gain over the paper's best that we aim for, dB, per level. */
export const ASKED_GAINS = [0.5, 1.5, 1.5, 1.5] as const;

/** The four levels for one reading of the paper's noise: indices into the results' levels. */
export type Reading = readonly number[];

interface BestContender {
  readonly contender: number;
  readonly psnr: number;
  readonly gain: number;
}

/** Our best at a level, among the product's presets and methods, without climbs to convergence and other programs. */
export function bestAt(results: EvaluationResults, level: number, row: number): BestContender | undefined {
  const found = results.contenders.flatMap((each, contender) => {
    const psnr = isProduct(each) ? meanAt(results, level, contender, 'psnr') : undefined;
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
    const named = best && results.contenders[best.contender];
    return [
      levelWords(results, level),
      fixed(mean(noisyValues(results, level, 'psnr')), 2),
      fixed(paperBestPsnr(row), 1),
      fixed(best?.psnr, 2),
      named ? contenderName(named) : NOTHING,
      signed(best?.gain, 2),
      signed(ASKED_GAINS[row], 1),
      ...others.map(({ contender }) => fixed(meanAt(results, level, contender, 'psnr'), 2)),
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
  const { mean: means, spread, noisy, noisySpread } = PAPER_TABLES[measure];
  const rows = reading.flatMap((level, row) => {
    const printed = (value = Number.NaN, about = Number.NaN) =>
      Number.isNaN(value) ? '–' : printedWords(value, about, measure);
    const paper = [
      `${levelWords(results, level)}: the paper`,
      printed(noisy[row], noisySpread[row]),
      ...PAPER_BETAS.map((_, beta) => printed(means[row]?.[beta], spread[row]?.[beta])),
      NOTHING,
    ];
    return [paper, ...ownRows(results, level, measure)];
  });
  return {
    caption: `${MEASURES[measure].name}, mean ± spread over pictures`,
    header: ['', 'noisy', ...PAPER_BETAS.map((beta) => `beta ${beta}`), 'auto, or none'],
    rows,
  };
}

/** Our gain over each of the paper's cells in dB, by beta. */
export function gainPerBeta(results: EvaluationResults, reading: Reading): ReportTable {
  const rows = reading.flatMap((level, row) =>
    methodsAt(results, level).flatMap(({ method, contenders }) => {
      const gains = PAPER_BETAS.map((beta, column) => {
        const contender = contenders.find((at) => betaOf(results.contenders[at] ?? NONE) === beta);
        const ours = contender === undefined ? undefined : meanAt(results, level, contender, 'psnr');
        return ours === undefined ? undefined : ours - (PAPER_TABLES.psnr.mean[row]?.[column] ?? Number.NaN);
      });
      if (gains.every((gain) => gain === undefined)) return [];
      return [[`${levelWords(results, level)}: ${method}`, ...gains.map((gain) => signed(gain, 2))]];
    }),
  );
  return {
    caption: 'Our PSNR less the paper’s, dB',
    header: ['', ...PAPER_BETAS.map((beta) => `beta ${beta}`)],
    rows,
  };
}

/** As the paper prints it, with as many digits. */
function printedWords(mean: number, spread: number, measure: MeasureName): string {
  const { scale } = MEASURES[measure];
  return `${fixed(scale * mean, measure === 'psnr' ? 1 : 3)} ± ${fixed(scale * spread, 2)}`;
}

const NONE = { kind: 'given', name: '', folder: '' } as const;

function ownRows(results: EvaluationResults, level: number, measure: MeasureName): string[][] {
  return methodsAt(results, level).map(({ method, contenders }) => {
    const at = (beta: Beta | undefined) => {
      const contender = contenders.find((each) => betaOf(results.contenders[each] ?? NONE) === beta);
      return valuesWords(
        contender === undefined ? undefined : valuesAt(results, level, contender, measure),
        measure,
      );
    };
    const count = Math.max(...contenders.map((each) => valuesAt(results, level, each, measure)?.length ?? 0));
    const noisy = valuesWords(noisyValues(results, level, measure, count), measure);
    const few = count < results.pictures.length ? ` (${plural(count, 'picture')})` : '';
    return [method + few, noisy, ...PAPER_BETAS.map(at), at('auto') || at(undefined)];
  });
}

/** The methods measured under a noise, each with its contenders. */
function methodsAt(
  results: EvaluationResults,
  level: number,
): readonly { readonly method: string; readonly contenders: readonly number[] }[] {
  const methods = new Map<string, number[]>();
  for (const [at, contender] of results.contenders.entries()) {
    if (valuesAt(results, level, at, 'psnr') === undefined) continue;
    const name = methodName(contender);
    methods.set(name, [...(methods.get(name) ?? []), at]);
  }
  return [...methods].map(([method, contenders]) => ({ method, contenders }));
}

/** The level as the paper states it and in 8-bit units. */
export function levelWords({ levels }: EvaluationResults, level: number): string {
  const found = levels[level];
  const [sigma, stated] = [found?.sigma, found?.stated];
  return stated === undefined ? `sigma ${sigma}` : `${stated} (sigma ${sigma})`;
}
