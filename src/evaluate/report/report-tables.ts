// The tables of a report: contenders down, noises across.
import { contenderName } from '../contender.js';
import { type EvaluationResults, improvedCount, type MeasureName, statisticOf } from '../measure/results.js';
import type { ReportTable } from './report.js';
import {
  cellAt,
  fixed,
  hasMet,
  levelName,
  MEASURES,
  NOTHING,
  noisyValues,
  signed,
  valuesAt,
  valuesWords,
} from './result-queries.js';

export const MEASURE_NAMES: readonly MeasureName[] = ['psnr', 'ssim', 'mse'];

export function measureTable(
  results: EvaluationResults,
  levels: readonly number[],
  measure: MeasureName,
): ReportTable {
  const noisy = levels.map((level) => valuesWords(noisyValues(results, level, measure), measure));
  return {
    caption: `${MEASURES[measure].name}, mean ± standard deviation over pictures`,
    header: ['', ...levels.map((level) => levelName(results, level))],
    rows: [
      ['noisy', ...noisy],
      ...contenderRows(results, levels, (level, contender) =>
        valuesWords(valuesAt(results, level, contender, measure), measure),
      ),
    ],
  };
}

/** How many pictures each contender improved, by each measure. */
export function improvedTable(results: EvaluationResults, levels: readonly number[]): ReportTable {
  return {
    caption: `Pictures improved, by ${MEASURE_NAMES.map((measure) => MEASURES[measure].name.split(' ')[0]).join(' / ')}`,
    header: ['', ...levels.map((level) => levelName(results, level))],
    rows: contenderRows(results, levels, (level, contender) => {
      const pictures = cellAt(results, level, contender)?.pictures;
      if (pictures === undefined) return NOTHING;
      const noisy = results.noisy[level] ?? [];
      const counts = MEASURE_NAMES.map((measure) => improvedCount(noisy, pictures, measure));
      return `${counts.join(' / ')} of ${pictures.length}`;
    }),
  };
}

/** Seconds per megapixel. */
export function paceTable(results: EvaluationResults, levels: readonly number[]): ReportTable {
  return {
    caption: 'Seconds per megapixel, pictures in parallel',
    header: ['', ...levels.map((level) => levelName(results, level))],
    rows: contenderRows(results, levels, (level, contender) => {
      const pace = cellAt(results, level, contender)?.secondsPerMegapixel;
      return pace === undefined ? NOTHING : fixed(pace, pace < 10 ? 2 : 1);
    }),
  };
}

/** The residual compared with the noise. */
export function residualTable(results: EvaluationResults, levels: readonly number[]): ReportTable {
  type Residual = EvaluationResults['noisy'][number][number]['residual'];
  const words = (all: readonly { readonly residual: Residual }[] | undefined) => {
    if (all === undefined || all.length === 0) return NOTHING;
    const mean = (key: keyof Residual) => statisticOf(all.map(({ residual }) => residual[key])).mean;
    return `${fixed(mean('rms'), 3)} / ${fixed(mean('unevenness'), 3)} / ${signed(mean('correlation'), 3)}`;
  };
  return {
    caption: 'What was taken off: strength / unevenness / correlation of neighbours',
    header: ['', ...levels.map((level) => levelName(results, level))],
    rows: [
      ['the noise itself', ...levels.map((level) => words(results.noisy[level]))],
      ...contenderRows(results, levels, (level, contender) =>
        words(cellAt(results, level, contender)?.pictures),
      ),
    ],
  };
}

export const RESIDUAL_WORDS =
  'What was taken off is N − C_hat, in units of the noise’s standard deviation. Its strength is 1 where as much was taken ' +
  'off as there was noise. Its unevenness is the standard deviation, over blocks of 8 x 8 pixels, of the block’s own ' +
  'strength. Neighbours of white noise have no correlation; a negative one says that the noise’s smooth part stayed in the picture, a positive one that structure of the picture went.';

/** A row for every contender that met one of the noises. */
function contenderRows(
  results: EvaluationResults,
  levels: readonly number[],
  words: (level: number, contender: number) => string,
): string[][] {
  return results.contenders.flatMap((contender, at) =>
    hasMet(results, at, levels)
      ? [[contenderName(contender), ...levels.map((level) => words(level, at))]]
      : [],
  );
}
