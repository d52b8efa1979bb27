// How long the priors of an evaluation will compute, measured on this machine before it starts.
import type { Size } from '../../core/picture.js';
import { checkSigma } from '../../denoiser/noise/check-sigma.js';
import { openDenoiser } from '../../denoiser/open-denoiser.js';
import { type Approach, PRESETS } from '../../denoiser/preset.js';
import type { Contender } from '../contender.js';
import type { EvaluationPlan, EvaluationTask } from '../plan.js';
import { CONVERGENCE, type RestorerOptions } from './restorer.js';

/**
 * @param pictures  all of them
 * @returns         expected seconds of every task; 0 where another program computed
 * @throws          FlowDenoiseError SIGMA_OUT_OF_RANGE, BAD_PRIOR, NEEDS_CONDITIONING, ENGINE_UNAVAILABLE: what would
 *                  fail later fails here
 */
export async function expectedSeconds(
  { tasks, levels, subjects }: EvaluationPlan,
  pictures: readonly Size[],
  options: RestorerOptions,
  signal: AbortSignal | undefined,
): Promise<ReadonlyMap<EvaluationTask, number>> {
  const seconds = new Map<EvaluationTask, number>(tasks.map((task) => [task, 0]));
  for (const prior of new Set(subjects.flatMap((subject) => ('prior' in subject ? subject.prior : [])))) {
    signal?.throwIfAborted();
    const denoiser = await openDenoiser({ ...options, prior, method: 'beta-map' });
    try {
      for (const level of levels) if (level.model === 'gaussian') checkSigma(level.sigma, denoiser);
      for (const task of tasks) {
        const { subject, count } = task;
        if (!('prior' in subject) || subject.prior !== prior) continue;
        const sizes = pictures.slice(0, count);
        const estimate = await denoiser.estimate(sizes, approachOf(subject));
        const climb =
          subject.kind === 'converged' ? (CONVERGENCE.steps + 1) * estimate.tiles : estimate.evaluations;
        seconds.set(task, (estimate.preparation ?? 0) + (estimate.seconds / estimate.evaluations) * climb);
      }
    } finally {
      await denoiser.close();
    }
  }
  return seconds;
}

function approachOf(subject: Contender): Partial<Approach> {
  if (subject.kind === 'preset') return PRESETS[subject.preset];
  return { method: subject.kind === 'product' ? subject.method : 'beta-map', ensemble: 1, scales: 1 };
}
