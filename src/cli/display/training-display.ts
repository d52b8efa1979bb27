// The progress of a training: a bar on a terminal, an occasional line elsewhere, and a line for each validation.
import { timeWords } from '../../core/printable.js';
import type { StepRecord, TrainingRecord, ValidationRecord } from '../../train/progress.js';
import type { Display } from './progress.js';

/** Without a bar, the least time between lines about steps. */
const SECONDS_BETWEEN_LINES = 30;
const WHOLE = 1000;

/**
 * Returns a function that shows what training yields; when quiet, warnings only.
 *
 * @param steps  of the whole training, if its length is in steps
 */
export function trainingDisplay(
  display: Display,
  steps: number | undefined,
): (record: TrainingRecord) => void {
  let spent = 0;
  let last = Number.NEGATIVE_INFINITY;

  function showStep(record: StepRecord): void {
    const words = stepWords(record, steps);
    const { seconds, secondsLeft = Number.POSITIVE_INFINITY } = record;
    spent += seconds;
    display.show('{bar} {words}', WHOLE, Math.round((WHOLE * spent) / (spent + secondsLeft)), { words });
    const now = performance.now() / 1000;
    if (display.hasBar || now - last < SECONDS_BETWEEN_LINES) return;
    last = now;
    display.say(words);
  }

  return (record) => {
    switch (record.kind) {
      case 'step':
        return showStep(record);
      case 'validation':
        return display.say(validationWords(record));
      case 'warning':
        return display.complain(`warning: ${record.message}`);
      case 'checkpoint':
        return;
      default:
        return record satisfies never;
    }
  };
}

/** "step 120 of 4,000  loss -0.812  3.42 bits/dim  rate 0.001  0.91 s/step  59 min 2 s left". */
export function stepWords(record: StepRecord, steps: number | undefined): string {
  const { step, loss, bitsPerDimension, rate, seconds, secondsLeft, skipped, restored } = record;
  const words = [
    `step ${number(step)}${steps === undefined ? '' : ` of ${number(steps)}`}`,
    `loss ${loss.toFixed(3)}`,
    `${bitsPerDimension.toFixed(2)} bits/dim`,
    `rate ${Number(rate.toPrecision(2))}`,
    `${seconds.toFixed(2)} s/step`,
    ...(secondsLeft === undefined ? [] : [`${timeWords(secondsLeft)} left`]),
    ...(skipped === undefined ? [] : [`skipped: ${skipped}${restored ? ', back to the snapshot' : ''}`]),
  ];
  return words.join('  ');
}

/** "step 250: 3.310 bits per dimension; 28.12 dB at sigma 25 (noisy 20.17)". */
export function validationWords({ step, bitsPerDimension, psnr }: ValidationRecord): string {
  const decibels = psnr.map(
    ({ sigma255, noisy, denoised }) =>
      `${denoised.toFixed(2)} dB at sigma ${Number(sigma255.toPrecision(3))} (noisy ${noisy.toFixed(2)})`,
  );
  return `step ${number(step)}: ${[`${bitsPerDimension.toFixed(3)} bits per dimension`, ...decibels].join('; ')}`;
}

function number(value: number): string {
  return value.toLocaleString('en-GB');
}
