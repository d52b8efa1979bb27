// `--dry-run`: what would be done, a line for each picture. Nothing is decoded or written.
import { timeWords } from '../../figure/time-words.js';
import { wayOf } from '../display/report.js';
import type { Job } from './inputs.js';
import type { Plan, PlannedJob } from './plan.js';

/** @param left  pictures whose results are there already */
export function dryRunLines({ jobs }: Plan, left: readonly Job[], isJson: boolean): string[] {
  const write = isJson ? jsonOf : wordsOf;
  return [...jobs.map((job) => write(job)), ...left.map((job) => (isJson ? leftJson(job) : leftLine(job)))];
}

/** The line of a picture whose result is there already. */
export function leftLine(job: Job): string {
  return `${wayOf(job)}  left: is there already (--overwrite replaces it)`;
}

export function leftJson({ input, output }: Job): string {
  return JSON.stringify({ input, output, skipped: 'the output is there already' });
}

function wordsOf({ size, megapixels, seconds, ...job }: PlannedJob): string {
  const words = size
    ? `${size.width} x ${size.height}, ${megapixels.toFixed(2)} MP  about ${timeWords(seconds)}`
    : 'its header cannot be read';
  return `${wayOf(job)}  ${words}`;
}

function jsonOf({ input, output, size, tiles, seconds }: PlannedJob): string {
  return JSON.stringify({ input, output, ...(size && { ...size, tiles, seconds }) });
}
