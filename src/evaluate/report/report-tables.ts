// The tables of a report: contenders down, noises across. And how numbers read in them.
import { mean, sum } from '../../core/metrics/index.js';
import { type Contender, contenderName } from '../contender.js';
import {
  type Cell,
  cellAt,
  contendersAt,
  type EvaluationResults,
  levelName,
  type MeasureName,
  type Measures,
  meanOf,
  type ResidualMeasures,
} from '../measure/results.js';

export interface ReportTable {
  readonly caption: string;
  readonly header: readonly string[];
  /** The first cell of a row is its name; the others are figures. */
  readonly rows: readonly (readonly string[])[];
}

export const MEASURES = {
  psnr: { name: 'PSNR (dB)', digits: 2, spreadDigits: 2, scale: 1 },
  ssim: { name: 'SSIM', digits: 4, spreadDigits: 3, scale: 1 },
  mse: { name: 'MSE x 100', digits: 4, spreadDigits: 3, scale: 100 },
} as const satisfies Record<MeasureName, object>;
const MEASURE_NAMES = Object.keys(MEASURES) as MeasureName[];

export const RESIDUAL_WORDS =
  'What was taken off is N − C_hat, in units of the noise’s standard deviation. Its strength is 1 where as much was taken ' +
  'off as there was noise. Its unevenness is the standard deviation, over blocks of 8 x 8 pixels, of the block’s own ' +
  'strength. Neighbours of white noise have no correlation; a negative one says that the noise’s smooth part stayed in the picture, a positive one that structure of the picture went.';

/** A number with fixed decimals and a typographic minus; a sign if it is infinite, nothing without a number. */
export function fixed(value: number | undefined, digits: number): string {
  if (value === undefined || Number.isNaN(value)) return '';
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '−∞';
  const text = value.toFixed(digits);
  return (Number(text) === 0 ? text.replace('-', '') : text).replace('-', '−');
}

/** The same with a plus or a minus. */
export function signed(value: number | undefined, digits: number): string {
  return `${value !== undefined && value > 0 ? '+' : ''}${fixed(value, digits)}`;
}

/** Mean and standard deviation (n - 1) over pictures. */
export function measureWords(pictures: readonly Measures[] = [], measure: MeasureName): string {
  if (pictures.length === 0) return '';
  const { digits, spreadDigits, scale } = MEASURES[measure];
  const values = pictures.map((picture) => picture[measure]);
  const middle = mean(values);
  const words = fixed(middle * scale, digits);
  if (values.length === 1) return words;
  const spread = Math.sqrt(sum(values.map((value) => (value - middle) ** 2)) / (values.length - 1));
  return `${words} ± ${fixed(spread * scale, spreadDigits)}`;
}

/** A table for each measure. */
export function measureTables(results: EvaluationResults, levels: readonly number[]): ReportTable[] {
  return MEASURE_NAMES.map((measure) => {
    const caption = `${MEASURES[measure].name}, mean ± standard deviation over pictures`;
    return tableOf(results, levels, caption, ({ pictures }) => measureWords(pictures, measure), 'noisy');
  });
}

/** How many pictures each contender improved, by each measure. */
export function improvedTable(results: EvaluationResults, levels: readonly number[]): ReportTable {
  return tableOf(results, levels, 'Pictures improved, by PSNR / SSIM / MSE', ({ level, pictures }) => {
    const counts = MEASURE_NAMES.map((measure) => {
      const isBetter = (after: Measures, i: number) => {
        const before = results.noisy[level]?.[i]?.[measure] ?? Number.NaN;
        return measure === 'mse' ? after.mse < before : after[measure] > before;
      };
      return pictures.filter(isBetter).length;
    });
    return `${counts.join(' / ')} of ${pictures.length}`;
  });
}

export function paceTable(results: EvaluationResults, levels: readonly number[]): ReportTable {
  const caption = 'Seconds per megapixel, pictures in parallel';
  return tableOf(results, levels, caption, ({ secondsPerMegapixel: pace }) =>
    fixed(pace, pace !== undefined && pace < 10 ? 2 : 1),
  );
}

/** The residual compared with the noise. */
export function residualTable(results: EvaluationResults, levels: readonly number[]): ReportTable {
  const caption = 'What was taken off: strength / unevenness / correlation of neighbours';
  const words = ({ pictures }: RowCell) => {
    if (pictures.length === 0) return '';
    const average = (key: keyof ResidualMeasures) => meanOf(pictures, ({ residual }) => residual[key]);
    return `${fixed(average('rms'), 3)} / ${fixed(average('unevenness'), 3)} / ${signed(average('correlation'), 3)}`;
  };
  return tableOf(results, levels, caption, words, 'the noise itself');
}

type RowCell = Omit<Cell, 'contender'>;

/** A row for every contender that met one of the noises; with `noisyRow`, one of that name for the noisy pictures too. */
function tableOf(
  results: EvaluationResults,
  levels: readonly number[],
  caption: string,
  words: (cell: RowCell) => string,
  noisyRow?: string,
): ReportTable {
  const noisy = levels.map((level) => words({ level, pictures: results.noisy[level] ?? [] }));
  const rows = contendersAt(results, levels).map((at) => [
    contenderName(results.contenders[at] as Contender),
    ...levels.map((level) => {
      const cell = cellAt(results, level, at);
      return cell ? words(cell) : '';
    }),
  ]);
  return {
    caption,
    header: ['', ...levels.map((level) => levelName(results, level))],
    rows: noisyRow === undefined ? rows : [[noisyRow, ...noisy], ...rows],
  };
}
