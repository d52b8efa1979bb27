// Finding figures in the results of an evaluation.

import type { Cell, EvaluationResults, MeasureName, Measures } from '../measure/results.js';
import { statisticOf } from '../measure/results.js';
import { isSameNoise, type NoiseLevel } from '../noise-level.js';

export function levelIndex({ levels }: EvaluationResults, wanted: NoiseLevel): number {
  return levels.findIndex((level) => isSameNoise(level, wanted));
}

export function cellAt({ cells }: EvaluationResults, level: number, subject: number): Cell | undefined {
  return cells.find((cell) => cell.level === level && cell.subject === subject);
}

/** The values of a measure over the pictures of a cell. */
export function valuesAt(
  results: EvaluationResults,
  level: number,
  subject: number,
  measure: MeasureName,
): readonly number[] | undefined {
  return cellAt(results, level, subject)?.pictures.map((picture) => picture[measure]);
}

/** The same of the noisy pictures; of the first so many. */
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
  subject: number,
  measure: MeasureName,
): number | undefined {
  const values = valuesAt(results, level, subject, measure);
  return values && statisticOf(values).mean;
}

/** Whether a subject met any of the noises. */
export function hasMet({ cells }: EvaluationResults, subject: number, levels: readonly number[]): boolean {
  return cells.some((cell) => cell.subject === subject && levels.includes(cell.level));
}
