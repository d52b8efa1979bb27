// How far an evaluation is: a bar on a terminal, a line for each cell elsewhere, nothing when quiet. Always on stderr.
import { SingleBar } from 'cli-progress';
import { printableLines, timeWords } from '../../core/printable.js';
import type { EvaluationProgress } from '../../evaluate/index.js';
import { BAR } from './progress.js';

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
  return stream.isTTY ? barDisplay(stream) : lineDisplay(stream);
}

const beginLine = ({ seconds, total }: { readonly seconds: number; readonly total: number }) =>
  `${total} pictures to restore, about ${timeWords(seconds)}`;

function lineDisplay(stream: NodeJS.WriteStream): EvaluationDisplay {
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

function barDisplay(stream: NodeJS.WriteStream): EvaluationDisplay {
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
