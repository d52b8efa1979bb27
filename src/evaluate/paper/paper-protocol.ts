// The paper's experiments: noises, betas, priors. Its own grid is sigma .025 to .2 by beta 1 to 8 on 32 faces of 64 x 64. We add
// what the paper leaves open: both readings of its noise, the maximum at convergence, the prior's own beta, the posterior mean,
// the product's presets, and noise that grows with the signal.
import { findPrior, shippedPriors } from '../../core/model/find-prior.js';
import { loadModel } from '../../core/model/load-prior.js';
import type { PriorModel } from '../../core/model/model-json.js';
import { PRESET_NAMES } from '../../denoiser/preset.js';
import type { Contender } from '../contender.js';
import { CONVERGENCE } from '../measure/restorer.js';
import type { MeasureName } from '../measure/results.js';
import type { AddedNoise, NoiseLevel } from '../noise-level.js';
import type { CheckedEvaluateOptions } from '../options.js';
import { type EvaluationPlan, givenContenders, planOf } from '../plan.js';

/** As the paper states them, in [0, 1] units. */
export const PAPER_SIGMAS = [0.025, 0.05, 0.1, 0.2] as const;
export const PAPER_BETAS = [1, 2, 4, 8] as const;

export const PAPER_COUNT = 32;

/** The faces' priors: ours, and one trained by likelihood alone as the paper's was, if it is there. */
const PRIORS: readonly string[] = ['faces64', 'faces64-likelihood'];

/** Noise with the paper's noisy PSNR. The paper's noisy MSE is 0.447 sigma^2 at every level: 0.669 sigma. */
export const EQUAL_LEVELS: readonly AddedNoise[] = [4.28, 8.5, 17, 34].map((sigma, i) => ({
  model: 'gaussian',
  sigma,
  stated: PAPER_SIGMAS[i],
}));

export const STATED_LEVELS: readonly AddedNoise[] = PAPER_SIGMAS.map((stated) => ({
  model: 'gaussian',
  sigma: Number((stated * 255).toPrecision(6)),
  stated,
}));

/** 120, 30 and 10 photons at white. */
export const SENSOR_LEVELS: readonly AddedNoise[] = [120, 30, 10].map((photons) => ({
  model: 'poisson-gaussian',
  gain: Number((255 / photons).toPrecision(6)),
  sigma: 2,
}));

/** In the order of the results. */
export const PAPER_LEVELS: readonly NoiseLevel[] = [...EQUAL_LEVELS, ...STATED_LEVELS, ...SENSOR_LEVELS];

/** @throws FlowDenoiseError BAD_PRIOR */
export async function paperPlan(options: CheckedEvaluateOptions, pictures: number): Promise<EvaluationPlan> {
  const shipped = shippedPriors();
  const priors = options.prior ?? PRIORS.filter((name) => shipped.includes(name));
  const models = await Promise.all(priors.map((prior) => loadModel(findPrior(prior))));
  const contenders = priors.flatMap((prior, i) => contendersOf(prior, models[i] as PriorModel));
  // An unconditioned prior's climbs are all long.
  const slow = priors.filter((_, i) => models[i]?.conditioning === null);
  const converged = Math.min(options.convergedCount, pictures);
  return planOf(PAPER_LEVELS, [...contenders, ...givenContenders(options)], (contender, level) => {
    const isEqual = EQUAL_LEVELS.some((each) => each === level);
    if (contender.kind === 'given') return isEqual ? pictures : 0;
    if (contender.kind === 'converged' || slow.includes(contender.prior)) return isEqual ? converged : 0;
    return pictures;
  });
}

function contendersOf(prior: string, { conditioning, calibration }: PriorModel): Contender[] {
  const betas = [...PAPER_BETAS, 'auto' as const].map(
    (beta): Contender => ({ kind: 'product', prior, method: 'beta-map', beta }),
  );
  const climbs = PAPER_BETAS.map((beta): Contender => ({ kind: 'converged', prior, beta }));
  if (conditioning !== null) {
    const presets = PRESET_NAMES.map((preset): Contender => ({ kind: 'preset', prior, preset }));
    return [...presets, { kind: 'product', prior, method: 'posterior-mean' }, ...betas, ...climbs];
  }
  // If its calibration is missing or climbs to convergence, it would run the same climb twice.
  const { steps, rate } = calibration?.betaMap ?? CONVERGENCE;
  const isConvergent = steps >= CONVERGENCE.steps && rate === CONVERGENCE.rate;
  return isConvergent ? betas : [...betas, ...climbs];
}

/**
 * Tables 1 to 3 as printed (MSE times 100, PSNR in dB): mean ± spread over the last 32 pictures of CelebA at 64 x 64, with
 * a Glow of 4 blocks of 32 steps. A row for each sigma: the noisy pictures, then a cell for each beta.
 */
export const PAPER_TABLES: Readonly<Record<MeasureName, readonly (readonly string[])[]>> = {
  ssim: [
    ['0.966 ± 0.02', '0.964 ± 0.01', '0.981 ± 0.01', '0.976 ± 0.01', '0.963 ± 0.01'],
    ['0.894 ± 0.04', '0.899 ± 0.03', '0.932 ± 0.03', '0.943 ± 0.03', '0.881 ± 0.03'],
    ['0.723 ± 0.06', '0.689 ± 0.06', '–', '0.841 ± 0.06', '–'],
    ['0.453 ± 0.07', '0.657 ± 0.07', '–', '0.557 ± 0.07', '–'],
  ],
  psnr: [
    ['35.5 ± 0.08', '37.4 ± 0.67', '39.4 ± 0.58', '38.2 ± 0.47', '36.8 ± 0.23'],
    ['29.5 ± 0.09', '32.2 ± 0.44', '34.2 ± 0.46', '34.0 ± 0.73', '30.7 ± 0.16'],
    ['23.5 ± 0.12', '25.2 ± 0.39', '–', '29.1 ± 1.01', '–'],
    ['17.5 ± 0.09', '22.9 ± 1.15', '–', '20.6 ± 0.48', '–'],
  ],
  mse: [
    ['0.028 ± 0.00', '0.018 ± 0.00', '0.012 ± 0.00', '0.015 ± 0.00', '0.021 ± 0.00'],
    ['0.112 ± 0.00', '0.061 ± 0.01', '0.039 ± 0.00', '0.041 ± 0.01', '0.085 ± 0.00'],
    ['0.447 ± 0.01', '0.303 ± 0.03', '–', '0.128 ± 0.03', '–'],
    ['1.784 ± 0.04', '0.528 ± 0.16', '–', '0.868 ± 0.10', '–'],
  ],
};

/** The means of its PSNR, dB: a row for each sigma, NaN for a dash. */
export const PAPER_PSNR = PAPER_TABLES.psnr.map(([noisy = '', ...betas]) => ({
  noisy: Number.parseFloat(noisy),
  betas: betas.map(Number.parseFloat),
}));

export function paperBestPsnr(level: number): number {
  return Math.max(...(PAPER_PSNR[level]?.betas ?? []).filter(Number.isFinite));
}
