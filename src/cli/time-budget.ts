// `--time-budget`: the best method whose expected time fits, by the same measurement that the plan is told from.
import { z } from 'zod';
import { FlowDenoiseError } from '../core/errors.js';
import type { Denoiser, Method } from '../denoiser/denoiser.js';
import { timeWords } from '../figure/time-words.js';
import type { Job } from './inputs.js';
import { methodWords, planJobs } from './plan.js';

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
  readonly method: Method;
  /** What was chosen and why, for people. */
  readonly why: string;
}

/** @param denoiser  with beta-MAP, the better method and the slower */
export async function methodWithin(
  seconds: number,
  jobs: readonly Job[],
  denoiser: Denoiser,
  signal: AbortSignal,
): Promise<Choice> {
  const plan = await planJobs(jobs, denoiser, signal);
  const sizes = plan.jobs.flatMap(({ size }) => size ?? []);
  const fast = await denoiser.estimate(sizes, 'posterior-mean').catch((error: unknown) => {
    if (error instanceof FlowDenoiseError && error.code === 'NEEDS_CONDITIONING') return undefined;
    throw error;
  });
  return fast
    ? choose(seconds, plan.seconds, fast.seconds)
    : { method: 'beta-map', why: onlyMethod(denoiser) };
}

function onlyMethod({ prior }: Denoiser): string {
  return `the prior ${prior} has ${methodWords['beta-map']} only; the time budget is not heeded`;
}

/** The best method that fits, or else the fastest; all in seconds. */
export function choose(budget: number, betaMap: number, posteriorMean: number): Choice {
  const [best, fast] = [methodWords['beta-map'], methodWords['posterior-mean']];
  const [limit, bestTime, fastTime] = [budget, betaMap, posteriorMean].map(timeWords);
  if (betaMap <= budget) return { method: 'beta-map', why: `${best} fits into ${limit}: about ${bestTime}` };
  const tooLong = `${best} would take about ${bestTime}, more than ${limit}`;
  if (posteriorMean <= budget)
    return { method: 'posterior-mean', why: `${tooLong}; ${fast} fits: about ${fastTime}` };
  const noneFits = `nothing fits into ${limit}; going on with the fastest, ${fast}: about ${fastTime}`;
  return { method: 'posterior-mean', why: noneFits };
}
