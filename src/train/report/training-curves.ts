// The curves of a training: kept as numbers, drawn with no more points than an eye can tell apart.
import { mean } from '../../core/metrics/index.js';
import type { LoggedRecord, LoggedValidation } from './training-log.js';

type Points = readonly (readonly [x: number, y: number])[];

export interface TrainingCurves {
  add(record: LoggedRecord): void;
  /** All steps, skipped ones, and those that restored a snapshot. */
  readonly steps: number;
  readonly skipped: number;
  readonly restored: number;
  /** Mean seconds of the last hundred steps. */
  readonly secondsPerStep: number;
  readonly secondsLeft: number | undefined;
  readonly validations: readonly LoggedValidation[];
  /**
   * A quantity of the batches, averaged over runs of steps without skipped ones.
   *
   * @param from  the first step to show
   */
  batches(what: BatchQuantity, from?: number): Points;
}

type BatchQuantity = 'loss' | 'bitsPerDimension' | 'denoisingError' | 'rate';

const MOST_POINTS = 300;
const RECENT = 100;

export function trainingCurves(): TrainingCurves {
  const steps: number[] = [];
  const values: Record<BatchQuantity, number[]> = {
    loss: [],
    bitsPerDimension: [],
    denoisingError: [],
    rate: [],
  };
  const quantities = Object.keys(values) as BatchQuantity[];
  const validations: LoggedValidation[] = [];
  const recent: number[] = [];
  const counts = { steps: 0, skipped: 0, restored: 0 };
  let secondsLeft: number | undefined;

  return {
    add(record) {
      if (record.kind === 'validation') validations.push(record);
      if (record.kind !== 'step') return;
      counts.steps = record.step;
      if (record.restored) counts.restored++;
      secondsLeft = record.secondsLeft;
      recent.push(record.seconds);
      if (recent.length > RECENT) recent.shift();
      if (record.skipped !== undefined) {
        counts.skipped++;
        return;
      }
      steps.push(record.step);
      for (const what of quantities) values[what].push(record[what] ?? Number.NaN);
    },
    get steps() {
      return counts.steps;
    },
    get skipped() {
      return counts.skipped;
    },
    get restored() {
      return counts.restored;
    },
    get secondsPerStep() {
      return mean(recent);
    },
    get secondsLeft() {
      return secondsLeft;
    },
    validations,
    batches: (what, from = 0) => thinned(steps, values[what], from),
  };
}

/** Averages runs of equal length; values that are not finite do not count. */
function thinned(steps: readonly number[], values: readonly number[], from: number): Points {
  const first = steps.findIndex((step) => step >= from);
  if (first === -1) return [];
  const length = Math.ceil((steps.length - first) / MOST_POINTS);
  const points: [number, number][] = [];
  for (let begin = first; begin < steps.length; begin += length) {
    let [x, y, count] = [0, 0, 0];
    for (let i = begin; i < Math.min(begin + length, steps.length); i++) {
      const value = values[i] ?? Number.NaN;
      if (!Number.isFinite(value)) continue;
      x += steps[i] ?? 0;
      y += value;
      count++;
    }
    if (count > 0) points.push([x / count, y / count]);
  }
  return points;
}
