// What an evaluation runs: noises, subjects, and which of them meet on how many pictures. The grid is here, the paper's
// choice in paper-protocol.ts.
import { DEFAULT_PRIOR } from '../core/model/find-prior.js';
import { type NoiseLevel, noiseName } from './noise-level.js';
import type { CheckedEvaluateOptions } from './options.js';
import { type Subject, subjectName } from './subject.js';

export interface EvaluationTask {
  readonly level: NoiseLevel;
  readonly subject: Subject;
  /** The first so many pictures. */
  readonly count: number;
}

export interface EvaluationPlan {
  readonly levels: readonly NoiseLevel[];
  readonly subjects: readonly Subject[];
  readonly tasks: readonly EvaluationTask[];
}

/** Every subject under every noise. */
export function gridPlan(options: CheckedEvaluateOptions, count: number): EvaluationPlan {
  const levels = distinct(gridLevels(options), noiseName);
  const { prior = [DEFAULT_PRIOR], method = ['beta-map'], beta = ['auto'] } = options;
  const own = prior.flatMap((prior) =>
    method.flatMap((method): Subject[] =>
      method === 'posterior-mean'
        ? [{ kind: 'product', prior, method }]
        : beta.map((beta) => ({ kind: 'product', prior, method, beta })),
    ),
  );
  const subjects = distinct([...own, ...givenSubjects(options)], subjectName);
  return planOf(levels, subjects, () => count);
}

export function givenSubjects({ given }: Pick<CheckedEvaluateOptions, 'given'>): Subject[] {
  return Object.entries(given).map(([name, what]) =>
    typeof what === 'string' ? { kind: 'given', name, folder: what } : { kind: 'given', name },
  );
}

/** @param count  of the pictures on which a subject meets a noise; none leaves the cell out */
export function planOf(
  levels: readonly NoiseLevel[],
  subjects: readonly Subject[],
  count: (subject: Subject, level: NoiseLevel) => number,
): EvaluationPlan {
  const tasks = subjects.flatMap((subject) =>
    levels.map((level) => ({ level, subject, count: count(subject, level) })),
  );
  return { levels, subjects, tasks: tasks.filter(({ count }) => count > 0) };
}

function gridLevels({ noise, sigma, gain = [] }: CheckedEvaluateOptions): NoiseLevel[] {
  if (noise === 'gaussian') return (sigma ?? [15, 25, 50]).map((sigma) => ({ model: noise, sigma }));
  return gain.flatMap((gain) => (sigma ?? [0]).map((sigma) => ({ model: noise, gain, sigma })));
}

function distinct<T>(all: readonly T[], key: (item: T) => string): T[] {
  return [...new Map(all.map((item) => [key(item), item])).values()];
}
