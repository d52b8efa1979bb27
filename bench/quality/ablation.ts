// The measurements that decide defaults: named studies on crops from the middle of pictures of CBSD68, Gaussian noise that
// is not clipped, prior natural, one tile a crop; PSNR of every crop and evaluations of the prior. With --save rows go to
// docs/results/ablation.json as they are done; rows that are there are not measured again. Tile size and overlap:
// bench/quality/seams.ts.
// Usage: npm run bench -- ablation [studies, or all] [sigmas] [crops] [side] [--save]
import type { Engine } from '#src/core/engine/engine.js';
import { runEstimation } from '#src/core/engine/engine.js';
import { openEngine } from '#src/core/engine/open-engine.js';
import { type BetaMapOptions, betaMap } from '#src/core/inference/beta-map.js';
import { calibratedBetaMap } from '#src/core/inference/calibration.js';
import { posteriorMean } from '#src/core/inference/posterior-mean.js';
import { psnr } from '#src/core/metrics/index.js';
import { findPrior } from '#src/core/model/find-prior.js';
import { loadPrior, type Prior } from '#src/core/model/load-prior.js';
import { clamped } from '#src/core/picture.js';
import { coarseTile, withCoarse } from '#src/denoiser/passes/scales.js';
import { SYMMETRIES, turned, turnedBack, turnedShape } from '#src/denoiser/passes/symmetries.js';
import {
  ensemblePass,
  scalesPass,
  type TileEstimator,
  type TilePass,
  throughPasses,
} from '#src/denoiser/passes/tile-pass.js';
import { type NoisyCrop, noisyCrops } from '../pictures.js';
import { benchArguments, mean, openResults, rounded } from '../results.js';

/** What a study compares: its variants, each a tile's estimator for a noise level. */
type Study = (lab: Lab, sigma: number) => Readonly<Record<string, TileEstimator>>;

interface Lab {
  /** beta-MAP as calibrated, but for what is said. */
  map(sigma: number, changes?: (calibrated: BetaMapOptions) => Partial<BetaMapOptions>): TileEstimator;
  readonly posteriorMean: TileEstimator;
  readonly scales: (count: 1 | 2 | 3) => TilePass;
}

function labOf(engine: Engine, { model }: Prior): Lab {
  const options = { leastSigma: model.sigmaRange[0], multiple: 8 };
  return {
    map: (sigma, changes) => async (tile) => {
      const calibrated = calibratedBetaMap(model, sigma / 255);
      const changed = { ...calibrated, ...changes?.(calibrated) };
      return (await runEstimation(engine, tile, betaMap(tile.data, tile.sigma, changed))).estimate;
    },
    posteriorMean: async (tile) =>
      (await runEstimation(engine, tile, posteriorMean(tile.data, tile.sigma))).estimate,
    scales: (count) => scalesPass(count, options),
  };
}

const named = <T>(values: readonly T[], name: (value: T) => string, make: (value: T) => TileEstimator) =>
  Object.fromEntries(values.map((value) => [name(value), make(value)]));

/** The mean over the symmetries with these numbers, where not the first so many are wanted. */
function over(numbers: readonly number[], next: TileEstimator): TileEstimator {
  return async (tile) => {
    const members = await Promise.all(
      numbers.map(async (number) => {
        const symmetry = SYMMETRIES[number] as (typeof SYMMETRIES)[number];
        const data = turned(tile.data, tile, symmetry);
        return turnedBack(await next({ ...tile, ...turnedShape(tile, symmetry), data }), tile, symmetry);
      }),
    );
    return tile.data.map((_, i) => mean(members.map((member) => member[i] as number)));
  };
}

export const STUDIES: Readonly<Record<string, Study>> = {
  steps: ({ map }, sigma) =>
    named(
      [2, 3, 5, 8, 12],
      (steps) => `${steps} steps`,
      (steps) => map(sigma, () => ({ steps })),
    ),
  rate: ({ map }, sigma) =>
    named(
      [0.02, 0.05, 0.1, 0.15],
      (rate) => `rate ${rate} sigma`,
      (rate) => map(sigma, () => ({ rate })),
    ),
  start: ({ map }, sigma) => ({
    'posterior mean, 5 steps': map(sigma),
    'noisy, 5 steps': map(sigma, () => ({ start: 'noisy' })),
    'noisy, 30 steps at rate 0.15 sigma': map(sigma, () => ({ start: 'noisy', steps: 30, rate: 0.15 })),
  }),
  beta: ({ map }, sigma) =>
    named(
      [0.5, 0.7, 1, 1.4, 2],
      (factor) => `${factor} x calibrated`,
      (factor) => map(sigma, ({ beta }) => ({ beta: factor * beta })),
    ),
  'prior noise level': ({ map }, sigma) =>
    named(
      [2.5, 5, 10],
      (s) => `s = ${s}`,
      (s) => map(sigma, () => ({ priorSigma: s / 255 })),
    ),
  polish: ({ map }, sigma) => ({
    with: map(sigma),
    without: map(sigma, () => ({ polish: false })),
  }),
  ensemble: ({ map, posteriorMean }, sigma) => ({
    'posterior mean': posteriorMean,
    'posterior mean, 4 flips': throughPasses([ensemblePass(4)], posteriorMean),
    'posterior mean, 4 turns': over([0, 3, 5, 6], posteriorMean),
    'posterior mean, 8': throughPasses([ensemblePass(8)], posteriorMean),
    'beta-MAP': map(sigma),
    'beta-MAP, 4 flips': throughPasses([ensemblePass(4)], map(sigma)),
    'beta-MAP, 8': throughPasses([ensemblePass(8)], map(sigma)),
  }),
  scales: ({ map, posteriorMean, scales }, sigma) => ({
    ...named(
      [1, 2, 3] as const,
      (count) => `posterior mean, ${count}`,
      (count) => throughPasses([scales(count)], posteriorMean),
    ),
    ...named(
      [1, 3] as const,
      (count) => `beta-MAP, ${count}`,
      (count) => throughPasses([scales(count)], map(sigma)),
    ),
  }),
  coarse: ({ posteriorMean }) =>
    named(
      [0.5, 1, 1.5, 2, 3],
      (width) => `Gaussian of ${width} coarse pixels`,
      (width) => async (tile) => {
        const half = coarseTile(tile.data, tile, 8);
        const coarse = await posteriorMean({ ...tile, ...half, sigma: tile.sigma / 2 });
        return withCoarse(await posteriorMean(tile), tile, { ...half, data: coarse }, width);
      },
    ),
  quality: ({ map, posteriorMean, scales }, sigma) => ({
    'posterior mean': posteriorMean,
    'posterior mean, 3 scales: fast': throughPasses([scales(3)], posteriorMean),
    'posterior mean, ensemble 4, 3 scales: best': throughPasses([scales(3), ensemblePass(4)], posteriorMean),
    'posterior mean, ensemble 8, 3 scales': throughPasses([scales(3), ensemblePass(8)], posteriorMean),
    'beta-MAP': map(sigma),
    'beta-MAP, ensemble 8, 3 scales': throughPasses([scales(3), ensemblePass(8)], map(sigma)),
  }),
  estimators: ({ map, posteriorMean }, sigma) => ({
    'posterior mean': posteriorMean,
    'beta-MAP': map(sigma),
    'their mean': async (tile) => {
      const second = await map(sigma)(tile);
      return (await posteriorMean(tile)).map((value, i) => (value + (second[i] as number)) / 2);
    },
  }),
};

/** One variant on all crops. */
export async function measureVariant(
  study: string,
  label: string,
  sigma: number,
  crops: readonly NoisyCrop[],
  { engine, prior }: { readonly engine: Engine; readonly prior: Prior },
): Promise<{ psnr: number[]; evaluations: number }> {
  let evaluations = 0;
  const counted: Engine = Object.create(engine, {
    evaluate: {
      value: (tile: Parameters<Engine['evaluate']>[0]) => {
        evaluations += 1;
        return engine.evaluate(tile);
      },
    },
  });
  const estimator = STUDIES[study]?.(labOf(counted, prior), sigma)[label];
  if (!estimator) throw new RangeError(`study ${study} has no variant ${label}`);
  const values = await Promise.all(
    crops.map(async ({ clean, noisy, side }, seed) => {
      const tile = { data: noisy, channels: 3, height: side, width: side, sigma: sigma / 255, seed };
      return psnr(clean, clamped(await estimator(tile)));
    }),
  );
  return { psnr: rounded(values), evaluations: evaluations / crops.length };
}

async function main(): Promise<void> {
  const { args, isKept } = benchArguments();
  const [wanted = 'all', sigmas = '25,50', count = '6', side = '96'] = args;
  const prior = await loadPrior(findPrior('natural'));
  const engine = await openEngine(prior, { engine: 'onnx' });
  const keys = ['study', 'label', 'sigma', 'crops', 'side'];
  const results = await openResults('ablation', keys, 'npm run bench -- ablation --save', isKept);
  const studies = wanted === 'all' ? Object.keys(STUDIES) : wanted.split(',');
  for (const study of studies)
    for (const sigma of sigmas.split(',').map(Number)) {
      const crops = await noisyCrops(Number(count), Number(side), sigma);
      for (const label of Object.keys(STUDIES[study]?.(labOf(engine, prior), sigma) ?? {})) {
        const row = { study, label, sigma, crops: crops.length, side: Number(side) };
        const { psnr: values, evaluations } = await results.measured(row, () =>
          measureVariant(study, label, sigma, crops, { engine, prior }),
        );
        console.log(
          `${study}, ${label}, sigma ${sigma}: ${mean(values).toFixed(3)} dB, ${evaluations} evaluations`,
        );
      }
    }
  await engine.close();
}

if (!process.argv[1]?.endsWith('.test.ts')) await main();
