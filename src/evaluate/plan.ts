// The plan of an evaluation: noises, contenders, and the number of pictures for each pair. paper-protocol.ts has the paper's.
import { DEFAULT_PRIOR, findPrior } from '../core/model/find-prior.js';
import { loadModel } from '../core/model/load-prior.js';
import { DEFAULT_PRESET } from '../denoiser/preset.js';
import { type Contender, contenderName } from './contender.js';
import { type NoiseLevel, noiseName } from './noise-level.js';
import type { CheckedEvaluateOptions } from './options.js';

export type EvaluationPlan = ReturnType<typeof planOf>;
export type EvaluationTask = EvaluationPlan['tasks'][number];

/** Every contender under every noise. @throws FlowDenoiseError BAD_PRIOR */
export async function gridPlan(options: CheckedEvaluateOptions, count: number): Promise<EvaluationPlan> {
  const levels = distinct(gridLevels(options), noiseName);
  const { prior: priors = [DEFAULT_PRIOR] } = options;
  const own = await Promise.all(priors.map((prior) => ownContenders(prior, options)));
  const contenders = distinct([...own.flat(), ...givenContenders(options)], contenderName);
  return planOf(levels, contenders, () => count);
}

/** The contenders by default: the default preset, and each method. */
async function ownContenders(
  prior: string,
  { preset, method, beta }: CheckedEvaluateOptions,
): Promise<Contender[]> {
  const isOpen = (preset ?? method ?? beta) === undefined;
  if (isOpen && (prior === 'auto' || (await loadModel(findPrior(prior))).conditioning !== null))
    return [
      { kind: 'preset', prior, preset: DEFAULT_PRESET },
      { kind: 'product', prior, method: 'posterior-mean' },
      { kind: 'product', prior, method: 'beta-map', beta: 'auto' },
    ];
  const methods = method ?? (preset && !beta ? [] : (['beta-map'] as const));
  return [
    ...(preset ?? []).map((preset): Contender => ({ kind: 'preset', prior, preset })),
    ...methods.flatMap((method): Contender[] =>
      method === 'posterior-mean'
        ? [{ kind: 'product', prior, method }]
        : (beta ?? (['auto'] as const)).map((beta) => ({ kind: 'product', prior, method, beta })),
    ),
  ];
}

export function givenContenders({ given }: CheckedEvaluateOptions): Contender[] {
  return Object.entries(given).map(([name, what]) => ({
    kind: 'given',
    name,
    ...(typeof what === 'string' && { folder: what }),
  }));
}

/** @param count  how many pictures, the first, a contender gets under a noise; 0 leaves the cell out */
export function planOf(
  levels: readonly NoiseLevel[],
  contenders: readonly Contender[],
  count: (contender: Contender, level: NoiseLevel) => number,
) {
  const tasks = contenders.flatMap((contender) =>
    levels.map((level) => ({ level, contender, count: count(contender, level) })),
  );
  return { levels, contenders, tasks: tasks.filter(({ count }) => count > 0) };
}

const DEFAULT_ISO: readonly number[] = [400, 3200, 12_800, 51_200];

function gridLevels(options: CheckedEvaluateOptions): NoiseLevel[] {
  const { noise, sigma, gain = [], iso = DEFAULT_ISO, jpegQuality = ['none'] } = options;
  const { jpegSampling: chromaSubsampling = '4:2:0' } = options;
  switch (noise) {
    case 'gaussian':
      return (sigma ?? [15, 25, 50]).map((sigma) => ({ model: noise, sigma }));
    case 'poisson-gaussian':
      return gain.flatMap((gain) => (sigma ?? [0]).map((sigma) => ({ model: noise, gain, sigma })));
    case 'camera':
      return jpegQuality.flatMap((quality) => {
        const jpeg = quality === 'none' ? {} : { jpeg: { quality, chromaSubsampling } };
        return iso.map((iso) => ({ model: noise, iso, ...jpeg }));
      });
    default:
      return noise satisfies never;
  }
}

function distinct<T>(all: readonly T[], key: (item: T) => string): T[] {
  return [...new Map(all.map((item) => [key(item), item])).values()];
}
