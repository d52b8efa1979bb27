// The progress of a training on stderr: a bar on a terminal, an occasional line elsewhere, and a line for each validation.
import { SingleBar } from 'cli-progress';
import { printableLines, timeWords } from '../../core/printable.js';
import type { StepRecord, TrainingRecord, ValidationRecord } from '../../train/progress.js';
import { BAR } from './progress.js';

interface TrainingDisplay {
  add(record: TrainingRecord): void;
  end(): void;
}

/** Without a bar, the least time between lines about steps. */
const SECONDS_BETWEEN_LINES = 30;
const WHOLE = 1000;

/**
 * @param isQuiet  print warnings only
 * @param steps    of the whole training, if its length is in steps
 */
export function openTrainingDisplay(
  isQuiet: boolean,
  steps: number | undefined,
  stream: NodeJS.WriteStream = process.stderr,
): TrainingDisplay {
  const write = (line: string): void => {
    stream.write(`${printableLines(line)}\n`);
  };
  if (isQuiet)
    return {
      add: (record) => {
        if (record.kind === 'warning') write(warningLine(record.message));
      },
      end: () => {},
    };
  return stream.isTTY ? renewedDisplay(steps, stream, write) : lineDisplay(steps, write);
}

function lineDisplay(steps: number | undefined, write: (line: string) => void): TrainingDisplay {
  let last = Number.NEGATIVE_INFINITY;
  return {
    add(record) {
      if (record.kind !== 'step') {
        const line = lineOf(record);
        if (line !== undefined) write(line);
        return;
      }
      const now = performance.now() / 1000;
      if (now - last < SECONDS_BETWEEN_LINES) return;
      last = now;
      write(stepWords(record, steps));
    },
    end: () => {},
  };
}

function renewedDisplay(
  steps: number | undefined,
  stream: NodeJS.WriteStream,
  write: (line: string) => void,
): TrainingDisplay {
  const bar = new SingleBar({
    stream,
    format: '{bar} {words}',
    ...BAR,
    barsize: 16,
    linewrap: false,
  });
  let spent = 0;
  const begin = (words: string, done: number): void => bar.start(WHOLE, done, { words });
  let latest: { readonly words: string; readonly done: number } | undefined;
  return {
    add(record) {
      if (record.kind === 'step') {
        spent += record.seconds;
        const { secondsLeft } = record;
        const done = secondsLeft === undefined ? 0 : Math.round((WHOLE * spent) / (spent + secondsLeft));
        latest = { words: stepWords(record, steps), done };
        if (bar.isActive) bar.update(done, { words: latest.words });
        else begin(latest.words, done);
        return;
      }
      const line = lineOf(record);
      if (line === undefined) return;
      // Print the line in the bar's place; the bar continues below.
      bar.stop();
      write(line);
      if (latest !== undefined) begin(latest.words, latest.done);
    },
    end: () => bar.stop(),
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

/** Undefined if it is not worth a line. */
function lineOf(record: Exclude<TrainingRecord, StepRecord>): string | undefined {
  switch (record.kind) {
    case 'validation':
      return validationWords(record);
    case 'warning':
      return warningLine(record.message);
    case 'checkpoint':
      return undefined;
    default:
      return record satisfies never;
  }
}

/** "step 250: 3.310 bits per dimension; 28.12 dB at sigma 25 (noisy 20.17)". */
export function validationWords({ step, bitsPerDimension, psnr }: ValidationRecord): string {
  const decibels = psnr.map(
    ({ sigma255, noisy, denoised }) =>
      `${denoised.toFixed(2)} dB at sigma ${Number(sigma255.toPrecision(3))} (noisy ${noisy.toFixed(2)})`,
  );
  return `step ${number(step)}: ${[`${bitsPerDimension.toFixed(3)} bits per dimension`, ...decibels].join('; ')}`;
}

function warningLine(message: string): string {
  return `warning: ${message}`;
}

function number(value: number): string {
  return value.toLocaleString('en-GB');
}
