// Progress on stderr: a bar on a terminal, lines elsewhere, only errors when quiet. stdout belongs to --json.
import { MultiBar, SingleBar } from 'cli-progress';
import { printableLines, timeWords } from '../../core/printable.js';
import type { EvaluationProgress } from '../../evaluate/index.js';
import type { JobOutcome } from '../../queue/index.js';
import type { Plan, PlannedJob } from '../run/plan.js';

export interface Display {
  /** Prints a line, unless quiet. */
  say(line: string): void;
  /** Prints a line, even if quiet. */
  complain(line: string): void;
  begin(plan: Plan): void;
  /** Sets how many tiles of this picture are done. */
  advance(job: PlannedJob, tilesDone: number): void;
  /** This picture has ended, done or failed. */
  settle(job: PlannedJob): void;
  end(): void;
}

/** What every command gets: stdout, and a signal that stops it. */
export interface CommandContext {
  /** Writes a line to stdout, for programs to read. */
  readonly writeLine: (line: string) => void;
  readonly signal: AbortSignal;
}

export interface RunContext extends CommandContext {
  readonly display: Display;
}

export const say = (line: string): void => void process.stderr.write(`${printableLines(line)}\n`);

export const BAR = {
  barsize: 24,
  hideCursor: true,
  clearOnComplete: true,
  // main.ts handles interrupts; they end a display like any other end.
  gracefulExit: false,
};

/** The display that suits the terminal. */
export function openDisplay(isQuiet: boolean, stream: NodeJS.WriteStream = process.stderr): Display {
  const display = displayOn(isQuiet, stream);
  return {
    ...display,
    say: (line) => display.say(printableLines(line)),
    complain: (line) => display.complain(printableLines(line)),
  };
}

function displayOn(isQuiet: boolean, stream: NodeJS.WriteStream): Display {
  if (isQuiet) return lineDisplay(stream, () => {});
  return stream.isTTY ? barDisplay(stream) : lineDisplay(stream, (line) => stream.write(`${line}\n`));
}

function lineDisplay(stream: NodeJS.WriteStream, say: (line: string) => void): Display {
  return {
    say,
    complain: (line) => stream.write(`${line}\n`),
    begin: () => {},
    advance: () => {},
    settle: () => {},
    end: () => {},
  };
}

function barDisplay(stream: NodeJS.WriteStream): Display {
  const bars = new MultiBar({
    stream,
    format: '{bar} {value}/{total} tiles  {rate}  {left} left',
    ...BAR,
    emptyOnZero: true,
  });
  let update: (job: PlannedJob, tilesDone: number) => void = () => {};
  const say = (line: string): void => {
    if (bars.isActive) bars.log(`${line}\n`);
    else stream.write(`${line}\n`);
  };
  return {
    say,
    complain: say,
    begin(plan) {
      const pace = measurePace(plan);
      const bar = bars.create(plan.tiles, 0, { rate: '- s/MP', left: timeWords(plan.seconds) });
      update = (job, tilesDone) => {
        const { tiles, secondsPerMegapixel, secondsLeft } = pace(job, tilesDone);
        const rate = `${secondsPerMegapixel?.toFixed(1) ?? '-'} s/MP`;
        bar.update(tiles, { rate, left: timeWords(secondsLeft) });
      };
    },
    advance: (job, tilesDone) => update(job, tilesDone),
    settle: (job) => update(job, job.tiles),
    end() {
      // Otherwise, lines printed since the last frame are lost.
      if (bars.isActive) bars.update();
      bars.stop();
    },
  };
}

interface Pace {
  readonly tiles: number;
  /** Undefined before the first tile. */
  readonly secondsPerMegapixel: number | undefined;
  readonly secondsLeft: number;
}

/** Returns a function that counts tiles over all pictures and gives the pace. */
function measurePace(plan: Plan): (job: PlannedJob, tilesDone: number) => Pace {
  const started = performance.now();
  const tilesDone = new Map<string, number>();
  let tiles = 0;
  return (job, count) => {
    tiles += count - (tilesDone.get(job.output) ?? 0);
    tilesDone.set(job.output, count);
    const seconds = (performance.now() - started) / 1000;
    const part = plan.tiles === 0 ? 1 : tiles / plan.tiles;
    return {
      tiles,
      secondsPerMegapixel: part === 0 ? undefined : seconds / (part * plan.megapixels),
      secondsLeft: part === 0 ? plan.seconds : Math.max(0, seconds / part - seconds),
    };
  };
}

interface EvaluationDisplay {
  say(line: string): void;
  begin(estimate: { readonly seconds: number; readonly total: number }): void;
  advance(progress: EvaluationProgress): void;
  /** May be called again. */
  end(): void;
}

export function openEvaluationDisplay(
  isQuiet: boolean,
  stream: NodeJS.WriteStream = process.stderr,
): EvaluationDisplay {
  const nothing = () => {};
  if (isQuiet) return { say: nothing, begin: nothing, advance: nothing, end: nothing };
  return stream.isTTY ? evaluationBar(stream) : evaluationLines(stream);
}

const beginLine = ({ seconds, total }: { readonly seconds: number; readonly total: number }) =>
  `${total} pictures to restore, about ${timeWords(seconds)}`;

function evaluationLines(stream: NodeJS.WriteStream): EvaluationDisplay {
  const say = (line: string) => void stream.write(`${printableLines(line)}\n`);
  let last = '';
  return {
    say,
    begin: (estimate) => say(beginLine(estimate)),
    advance({ done, total, what, secondsLeft }) {
      if (what === last) return;
      last = what;
      const left = secondsLeft === undefined ? '' : `, ${timeWords(secondsLeft)} left`;
      say(`${done} of ${total}${left}: ${what}`);
    },
    end: () => {},
  };
}

function evaluationBar(stream: NodeJS.WriteStream): EvaluationDisplay {
  const bar = new SingleBar({
    stream,
    format: '{bar} {value}/{total} pictures  {left} left  {what}',
    ...BAR,
  });
  return {
    say: (line) => void stream.write(`${printableLines(line)}\n`),
    begin(estimate) {
      stream.write(`${printableLines(beginLine(estimate))}\n`);
      bar.start(estimate.total, 0, { left: timeWords(estimate.seconds), what: '' });
    },
    advance: ({ done, what, secondsLeft }) =>
      bar.update(done, { what, left: secondsLeft === undefined ? '-' : timeWords(secondsLeft) }),
    end: () => bar.stop(),
  };
}

interface QueueDisplay extends Pick<Display, 'say' | 'complain' | 'end'> {
  /** Waits for one more picture, of this many bytes. */
  add(bytes: number): void;
  settle(outcome: JobOutcome): void;
}

export function openQueueDisplay(
  isQuiet: boolean,
  stream: NodeJS.WriteStream = process.stderr,
): QueueDisplay {
  const bars =
    isQuiet || !stream.isTTY
      ? undefined
      : new MultiBar({
          stream,
          format: '{bar} {value}/{total} pictures  {megapixels} MP  {failed} failed  {left} left',
          ...BAR,
          emptyOnZero: true,
        });
  const started = performance.now();
  const bytes = { all: 0, over: 0 };
  const count = { all: 0, over: 0, failed: 0, megapixels: 0 };
  let bar: SingleBar | undefined;

  function update(): void {
    const seconds = (performance.now() - started) / 1000;
    // We know the bytes of all pictures, but the pixels only of finished ones.
    const left = bytes.over === 0 ? '-' : timeWords((seconds * (bytes.all - bytes.over)) / bytes.over);
    const told = { megapixels: count.megapixels.toFixed(1), failed: count.failed, left };
    bar ??= bars?.create(count.all, count.over, told);
    bar?.setTotal(count.all);
    bar?.update(count.over, told);
  }
  const write = (line: string) => {
    const text = `${printableLines(line)}\n`;
    if (bars?.isActive) bars.log(text);
    else stream.write(text);
  };
  return {
    say: isQuiet ? () => {} : write,
    complain: write,
    add(size) {
      count.all++;
      bytes.all += size;
    },
    settle({ job, result, error }) {
      count.over++;
      bytes.over += job.bytes;
      if (error) count.failed++;
      count.megapixels += result?.megapixels ?? 0;
      update();
    },
    end() {
      if (bars?.isActive) bars.update();
      bars?.stop();
    },
  };
}
