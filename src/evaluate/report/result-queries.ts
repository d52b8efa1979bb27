// Queries on the results of an evaluation, and the format of figures in tables.
import {
  type Cell,
  type EvaluationResults,
  type MeasureName,
  type Measures,
  type Statistic,
  statisticOf,
} from '../measure/results.js';
import { isSameNoise, type NoiseLevel, noiseName } from '../noise-level.js';

export function levelIndex({ levels }: EvaluationResults, wanted: NoiseLevel): number {
  return levels.findIndex((level) => isSameNoise(level, wanted));
}

export function levelName({ levels }: EvaluationResults, level: number): string {
  const found = levels[level];
  return found === undefined ? '' : noiseName(found);
}

export function cellAt({ cells }: EvaluationResults, level: number, contender: number): Cell | undefined {
  return cells.find((cell) => cell.level === level && cell.contender === contender);
}

/** The values of a measure over the pictures of a cell. */
export function valuesAt(
  results: EvaluationResults,
  level: number,
  contender: number,
  measure: MeasureName,
): readonly number[] | undefined {
  return cellAt(results, level, contender)?.pictures.map((picture) => picture[measure]);
}

/** The same for the first noisy pictures. */
export function noisyValues(
  { noisy }: EvaluationResults,
  level: number,
  measure: MeasureName,
  count?: number,
): readonly number[] {
  return (noisy[level] ?? []).slice(0, count).map((picture: Measures) => picture[measure]);
}

export function meanAt(
  results: EvaluationResults,
  level: number,
  contender: number,
  measure: MeasureName,
): number | undefined {
  const values = valuesAt(results, level, contender, measure);
  return values && statisticOf(values).mean;
}

/** Whether a contender was measured under any of the noises. */
export function hasMet({ cells }: EvaluationResults, contender: number, levels: readonly number[]): boolean {
  return cells.some((cell) => cell.contender === contender && levels.includes(cell.level));
}

/** Shown if there is no figure. */
export const NOTHING = '';

interface Style {
  readonly name: string;
  readonly digits: number;
  readonly spreadDigits: number;
  readonly scale: number;
  /** Whether more is better. */
  readonly isGain: boolean;
}

export const MEASURES: Readonly<Record<MeasureName, Style>> = {
  psnr: { name: 'PSNR (dB)', digits: 2, spreadDigits: 2, scale: 1, isGain: true },
  ssim: { name: 'SSIM', digits: 4, spreadDigits: 3, scale: 1, isGain: true },
  mse: { name: 'MSE x 100', digits: 4, spreadDigits: 3, scale: 100, isGain: false },
};

/** A number with fixed decimals and a typographic minus; a word if it is infinite. */
export function fixed(value: number | undefined, digits: number): string {
  if (value === undefined || Number.isNaN(value)) return NOTHING;
  if (!Number.isFinite(value)) return value > 0 ? '∞' : '−∞';
  const text = value.toFixed(digits);
  return (Number(text) === 0 ? text.replace('-', '') : text).replace('-', '−');
}

/** The same with a plus or a minus. */
export function signed(value: number | undefined, digits: number): string {
  const text = fixed(value, digits);
  return value !== undefined && value > 0 && text !== NOTHING ? `+${text}` : text;
}

function statisticWords({ mean, spread }: Statistic, measure: MeasureName): string {
  const { digits, spreadDigits, scale } = MEASURES[measure];
  const about = spread === undefined ? '' : ` ± ${fixed(spread * scale, spreadDigits)}`;
  return `${fixed(mean * scale, digits)}${about}`;
}

export function valuesWords(values: readonly number[] | undefined, measure: MeasureName): string {
  return values === undefined || values.length === 0 ? NOTHING : statisticWords(statisticOf(values), measure);
}
