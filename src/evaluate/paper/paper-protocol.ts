// The paper's experiments: noises, betas, priors. Its own grid is sigma .025 to .2 by beta 1 to 8 on 32 faces of 64 x 64. We add
// what the paper leaves open: both readings of its noise, the maximum at convergence, the prior's own beta, the posterior mean,
// the product's presets, and noise that grows with the signal.
import { findPrior, shippedPriors } from '../../core/model/find-prior.js';
import { loadModel } from '../../core/model/load-prior.js';
import type { PriorModel } from '../../core/model/model-json.js';
import { PRESET_NAMES } from '../../denoiser/preset.js';
import type { Contender } from '../contender.js';
import { CONVERGENCE } from '../measure/restorer.js';
import type { AddedNoise, NoiseLevel } from '../noise-level.js';
import type { CheckedEvaluateOptions } from '../options.js';
import { type EvaluationPlan, givenContenders, planOf } from '../plan.js';
import { PAPER_BETAS, PAPER_SIGMAS, PAPER_SIGMAS_AT_EQUAL_PSNR } from './paper-tables.js';

export const PAPER_COUNT = 32;

/** The faces' priors: ours, and one trained by likelihood alone as the paper's was, if it is there. */
const PRIORS: readonly string[] = ['faces64', 'faces64-likelihood'];

/** 120, 30 and 10 photons at white, in 8-bit units. */
const GAINS = [120, 30, 10].map((photons) => 255 / photons);
const READ_NOISE = 2;

export const EQUAL_LEVELS: readonly AddedNoise[] = PAPER_SIGMAS_AT_EQUAL_PSNR.map((sigma, i) => ({
  model: 'gaussian',
  sigma,
  stated: PAPER_SIGMAS[i] ?? sigma / 255,
}));

export const STATED_LEVELS: readonly AddedNoise[] = PAPER_SIGMAS.map((stated) => ({
  model: 'gaussian',
  sigma: Number((stated * 255).toPrecision(6)),
  stated,
}));

export const SENSOR_LEVELS: readonly AddedNoise[] = GAINS.map((gain) => ({
  model: 'poisson-gaussian',
  gain: Number(gain.toPrecision(6)),
  sigma: READ_NOISE,
}));

const isAmong = (levels: readonly NoiseLevel[], level: NoiseLevel) => levels.includes(level);

/** @throws FlowDenoiseError BAD_PRIOR */
export async function paperPlan(options: CheckedEvaluateOptions, pictures: number): Promise<EvaluationPlan> {
  const shipped = shippedPriors();
  const priors = options.prior ?? PRIORS.filter((name) => shipped.includes(name));
  const models = await Promise.all(priors.map((prior) => loadModel(findPrior(prior))));
  const contenders = priors.flatMap((prior, i) => contendersOf(prior, models[i]));
  // An unconditioned prior's climbs are all long.
  const slow = priors.filter((_, i) => models[i]?.conditioning === null);
  const levels = [...EQUAL_LEVELS, ...STATED_LEVELS, ...SENSOR_LEVELS];
  const converged = Math.min(options.convergedCount, pictures);
  return planOf(levels, [...contenders, ...givenContenders(options)], (contender, level) => {
    switch (contender.kind) {
      case 'converged':
        return isAmong(EQUAL_LEVELS, level) ? converged : 0;
      case 'given':
        return isAmong(EQUAL_LEVELS, level) ? pictures : 0;
      case 'preset':
      case 'product':
        if (!slow.includes(contender.prior)) return pictures;
        return isAmong(EQUAL_LEVELS, level) ? converged : 0;
      default:
        return contender satisfies never;
    }
  });
}

function contendersOf(prior: string, model: PriorModel | undefined): Contender[] {
  const betas = [...PAPER_BETAS, 'auto' as const].map(
    (beta): Contender => ({ kind: 'product', prior, method: 'beta-map', beta }),
  );
  const climbs = PAPER_BETAS.map((beta): Contender => ({ kind: 'converged', prior, beta }));
  if (model?.conditioning) {
    const presets = PRESET_NAMES.map((preset): Contender => ({ kind: 'preset', prior, preset }));
    return [...presets, { kind: 'product', prior, method: 'posterior-mean' }, ...betas, ...climbs];
  }
  // If its calibration is missing or climbs to convergence, it would run the same climb twice.
  const { steps, rate } = model?.calibration?.betaMap ?? CONVERGENCE;
  const isConvergent = steps >= CONVERGENCE.steps && rate === CONVERGENCE.rate;
  return isConvergent ? betas : [...betas, ...climbs];
}
