// `--time-budget`: the best of the qualities whose expected time fits, by the same measurement that the plan is told
// from.
import { z } from 'zod';
import { FlowDenoiseError } from '../../core/errors.js';
import type { Denoiser } from '../../denoiser/denoiser.js';
import { type Approach, QUALITIES, QUALITY_NAMES } from '../../denoiser/preset.js';
import { timeWords } from '../../figure/time-words.js';
import type { Job } from './inputs.js';
import { approachWords, type PlanOptions, planJobs } from './plan.js';

const SECONDS: Readonly<Record<string, number>> = { s: 1, min: 60, h: 3600 };

/** "60s", "1.5 min", "2h", 60: seconds. */
export const timeBudgetSchema = z
  .union([
    z.number().positive().max(1e7),
    z
      .string()
      .regex(/^\s*(\d+(\.\d+)?|\.\d+)\s*(s|min|h)\s*$/)
      .transform(secondsOf),
  ])
  .optional()
  .describe('a time above 0 such as 60s, 5min or 2h');

function secondsOf(text: string): number {
  const [, amount = '', unit = ''] = /^\s*([\d.]+)\s*(\w+)\s*$/.exec(text) ?? [];
  return Number(amount) * (SECONDS[unit] ?? 1);
}

export interface Choice {
  readonly approach: Approach;
  /** What was chosen and why, for people. */
  readonly why: string;
}

/** An approach and its expected time in seconds. */
export interface Candidate {
  readonly approach: Approach;
  readonly seconds: number;
}

export async function approachWithin(
  seconds: number,
  jobs: readonly Job[],
  denoiser: Denoiser,
  options: PlanOptions,
  signal: AbortSignal,
): Promise<Choice> {
  const plan = await planJobs(jobs, denoiser, options, signal);
  const sizes = plan.jobs.flatMap(({ size }) => size ?? []);
  const candidates = await Promise.all(
    QUALITY_NAMES.map((name) => candidateOf(QUALITIES[name], sizes, denoiser)),
  );
  const possible = candidates.flatMap((candidate) => candidate ?? []);
  if (possible.length > 1) return choose(seconds, possible);
  const { method, ensemble, scales } = denoiser;
  const approach = { method, ensemble, scales };
  const why = `the prior ${denoiser.prior} has ${approachWords(approach)} only; the time budget is not heeded`;
  return { approach, why };
}

/** Undefined where the prior does not have the method. */
async function candidateOf(
  approach: Approach,
  sizes: Parameters<Denoiser['estimate']>[0],
  denoiser: Denoiser,
): Promise<Candidate | undefined> {
  try {
    const { seconds } = await denoiser.estimate(sizes, approach);
    return { approach, seconds };
  } catch (error) {
    if (error instanceof FlowDenoiseError && error.code === 'NEEDS_CONDITIONING') return undefined;
    throw error;
  }
}

/**
 * The best that fits, or else the fastest.
 *
 * @param budget      seconds
 * @param candidates  at least one, from the fastest to the slowest, which is the best
 */
export function choose(budget: number, candidates: readonly Candidate[]): Choice {
  const limit = timeWords(budget);
  const words = ({ approach }: Candidate) => approachWords(approach);
  const time = ({ seconds }: Candidate) => `about ${timeWords(seconds)}`;
  const fitting = candidates.filter(({ seconds }) => seconds <= budget);
  const chosen = fitting.at(-1) ?? candidates[0];
  if (!chosen) throw new RangeError('there is nothing to choose from');
  const { approach } = chosen;
  if (fitting.length === 0)
    return {
      approach,
      why: `nothing fits into ${limit}; going on with the fastest, ${words(chosen)}: ${time(chosen)}`,
    };
  const better = candidates[candidates.indexOf(chosen) + 1];
  if (!better) return { approach, why: `${words(chosen)} fits into ${limit}: ${time(chosen)}` };
  const tooLong = `${words(better)} would take ${time(better)}, more than ${limit}`;
  return { approach, why: `${tooLong}; ${words(chosen)} fits: ${time(chosen)}` };
}
