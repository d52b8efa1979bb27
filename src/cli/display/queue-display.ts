// What a person sees while pictures of a queue are waited for: one bar over all machines on a terminal, lines elsewhere.
import { MultiBar, type SingleBar } from 'cli-progress';
import { printableLines, timeWords } from '../../core/printable.js';
import type { JobOutcome } from '../../queue/index.js';
import { BAR, type Display } from './progress.js';

interface QueueDisplay extends Pick<Display, 'say' | 'complain' | 'end'> {
  /** One more picture of so many bytes is waited for. */
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
    // Bytes are known of all pictures, their pixels only of those that are done.
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
