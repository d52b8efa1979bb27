// What goes to the terminal. stderr: lines, a bar if it is a terminal, only errors when quiet. stdout: what programs read.
import type { EventEmitter } from 'node:events';
import { MultiBar, type SingleBar } from 'cli-progress';
import { printableLines, timeWords } from '../../core/printable.js';
import { isOptionFault } from '../../plugin/encoded-picture.js';
import type { Job } from '../run/destination.js';
import type { Plan } from '../run/plan.js';
import { errorJson, errorLine } from './report.js';

export const writeLine = (line: string): void => void process.stdout.write(`${line}\n`);

/** Writes one line of JSON for every event: `event`, `time`, and the event's data. */
export function writeEvents(emitter: EventEmitter, events: readonly string[]): void {
  for (const event of events)
    emitter.on(event, (told?: { readonly error?: unknown }) => {
      const error = told?.error instanceof Error ? { error: errorJson(told.error) } : {};
      writeLine(JSON.stringify({ event, time: new Date().toISOString(), ...told, ...error }));
    });
}

export const say = (line: string): void => void process.stderr.write(`${printableLines(line)}\n`);

export type Display = ReturnType<typeof openDisplay>;

export interface RunContext {
  readonly display: Display;
  readonly signal: AbortSignal;
}

/**
 * Works on one picture after the other. A failure is told and does not stop the others. Returns how many failed.
 *
 * @param pictures  what the line of JSON for a failure tells of each
 * @throws          a fault of the options, which every picture has; the signal's reason when aborted
 */
export async function eachPicture<Told extends { readonly input: string }>(
  pictures: readonly Told[],
  work: (picture: Told) => Promise<void>,
  { display, signal }: RunContext,
  isJson = false,
): Promise<number> {
  let failed = 0;
  for (const picture of pictures) {
    try {
      signal.throwIfAborted();
      await work(picture);
    } catch (error) {
      signal.throwIfAborted();
      if (isOptionFault(error)) throw error;
      failed++;
      if (isJson) writeLine(JSON.stringify({ ...picture, error: errorJson(error) }));
      display.complain(errorLine(error));
    }
  }
  return failed;
}

export function openDisplay(isQuiet = false, stream: NodeJS.WriteStream = process.stderr) {
  const hasBar = stream.isTTY && !isQuiet;
  const bars = new MultiBar({
    stream,
    barsize: 24,
    hideCursor: true,
    clearOnComplete: true,
    emptyOnZero: true,
    // main.ts handles interrupts; they end a display like any other end.
    gracefulExit: false,
  });
  let bar: SingleBar | undefined;
  const write = (line: string): void => {
    const text = `${printableLines(line)}\n`;
    if (bars.isActive) bars.log(text);
    else stream.write(text);
  };
  return {
    /** Prints a line, unless quiet. */
    say: isQuiet ? () => {} : write,
    /** Prints a line, even if quiet. */
    complain: write,
    /** Whether `show` draws a bar: on a terminal, unless quiet. */
    hasBar,
    /** Draws the bar, or draws it anew. The first call decides the format, which is cli-progress's. */
    show(format: string, total: number, done: number, told: Readonly<Record<string, string | number>>): void {
      if (!hasBar) return;
      if (bar === undefined) {
        bar = bars.create(total, done, told, { format });
        bars.update();
      }
      bar.setTotal(total);
      bar.update(done, told);
    },
    /** Removes the bar. May be called again. */
    end(): void {
      if (!bars.isActive) return;
      // Otherwise, lines printed since the last frame are lost.
      bars.update();
      bars.stop();
    },
  };
}

/** Sets how many of a picture's tiles are done; 'all' when it has ended, done or failed. */
export type TileProgress = (job: Job, tilesDone: number | 'all') => void;

/** The bar of a run, which counts tiles over all pictures. */
export function tileProgress(
  display: Display,
  { jobs, tiles: total, megapixels, seconds: expected }: Omit<Plan, 'sizes' | 'fastSeconds'>,
): TileProgress {
  const started = performance.now();
  const tilesOf = new Map(jobs.map(({ output, tiles }) => [output, { planned: tiles, done: 0 }]));
  let tiles = 0;
  const show = (pace: string, secondsLeft: number) =>
    display.show('{bar} {value}/{total} tiles  {pace} s/MP  {left} left', total, tiles, {
      pace,
      left: timeWords(secondsLeft),
    });
  show('-', expected);
  return ({ output }, tilesDone) => {
    const job = tilesOf.get(output);
    if (job === undefined) return;
    const done = tilesDone === 'all' ? job.planned : tilesDone;
    tiles += done - job.done;
    job.done = done;
    if (tiles === 0) return;
    const seconds = (performance.now() - started) / 1000;
    const part = tiles / total;
    show((seconds / (part * megapixels)).toFixed(1), Math.max(0, seconds / part - seconds));
  };
}
