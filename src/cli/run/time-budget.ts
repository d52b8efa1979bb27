// `--time-budget`: takes the best preset whose expected time fits, by the same measurement as the plan.
import { z } from 'zod';
import { timeWords } from '../../core/printable.js';
import type { Denoiser } from '../../denoiser/denoiser.js';
import { PRESET_NAMES, type Preset } from '../../denoiser/preset.js';
import type { Job } from './inputs.js';
import { approachWords, type PlanOptions, planJobs, presetSeconds } from './plan.js';

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
  .optional();

function secondsOf(text: string): number {
  const [, amount = '', unit = ''] = /^\s*([\d.]+)\s*(\w+)\s*$/.exec(text) ?? [];
  return Number(amount) * (SECONDS[unit] ?? 1);
}

export interface Choice {
  /** Undefined if the prior allows only one approach. */
  readonly preset: Preset | undefined;
  /** The choice and its reason, for the user. */
  readonly why: string;
}

/** A preset and its expected time in seconds. */
export interface Candidate {
  readonly preset: Preset;
  readonly seconds: number;
}

export async function presetWithin(
  seconds: number,
  jobs: readonly Job[],
  denoiser: Denoiser,
  options: PlanOptions,
  signal: AbortSignal,
): Promise<Choice> {
  const plan = await planJobs(jobs, denoiser, options, signal);
  const sizes = plan.jobs.flatMap(({ size }) => size ?? []);
  const times = await Promise.all(
    PRESET_NAMES.map(async (preset) => ({ preset, seconds: await presetSeconds(preset, sizes, denoiser) })),
  );
  const possible = times.flatMap(({ preset, seconds }) => (seconds === undefined ? [] : { preset, seconds }));
  if (possible.length > 0) return choose(seconds, possible);
  const why = `the prior ${denoiser.prior} has ${approachWords(denoiser)} only; --time-budget does nothing`;
  return { preset: undefined, why };
}

/**
 * The best candidate that fits, or else the fastest.
 *
 * @param budget      seconds
 * @param candidates  at least one, from the fastest to the slowest, which is the best
 */
export function choose(budget: number, candidates: readonly Candidate[]): Choice {
  const limit = timeWords(budget);
  const time = ({ seconds }: Candidate) => `about ${timeWords(seconds)}`;
  const fitting = candidates.filter(({ seconds }) => seconds <= budget);
  const chosen = fitting.at(-1) ?? candidates[0];
  if (!chosen) throw new RangeError('there is nothing to choose from');
  const { preset } = chosen;
  if (fitting.length === 0)
    return { preset, why: `nothing fits into ${limit}; taking the preset ${preset}: ${time(chosen)}` };
  const better = candidates[candidates.indexOf(chosen) + 1];
  if (!better) return { preset, why: `the preset ${preset} fits into ${limit}: ${time(chosen)}` };
  const tooLong = `the preset ${better.preset} would take ${time(better)}, more than ${limit}`;
  return { preset, why: `${tooLong}; ${preset} fits: ${time(chosen)}` };
}
