// `prior: 'auto'`: the prior under which a picture is likeliest, judged by a few tiles spread over it.
import { setMaxListeners } from 'node:events';
import { squeezeFactor } from '../core/flow/architecture.js';
import { type Evidence, evidence } from '../core/inference/evidence.js';
import { sum } from '../core/metrics/index.js';
import { DEFAULT_PRIOR } from '../core/model/find-prior.js';
import type { PriorModel } from '../core/model/model-json.js';
import { colourChannels, type Picture, type Size } from '../core/picture.js';
import { extractTile } from '../tile/extract.js';
import { planTiles, spreadTiles, type TilePlan } from '../tile/plan.js';
import type { Schedule } from '../tile/schedule.js';
import type { PriorChoice, SigmaRange } from './denoiser.js';
import type { NoiseOfCall } from './noise/noise-options.js';
import { type NoiseContext, planNoise } from './noise/noise-plan.js';
import { asGrey } from './passes/grey.js';
import { greyPass, type TileSamples, throughPasses } from './passes/tile-pass.js';
import { viewOf } from './view/picture-view.js';

/** Pixels, as in the crops that the shipped priors were trained on. */
const PROBE_SIDE = 64;
const MOST_PROBES = 8;

/** With fewer tiles, the noise is drawn several times for each. */
const LEAST_DRAWS = 4;

/** A prior that may be chosen. It is conditioned on the noise level. */
export interface Candidate {
  readonly name: string;
  readonly model: PriorModel;
  /** Opens the prior; called only if there is something to compare. */
  readonly open: () => Promise<Pick<Schedule, 'run'>>;
}

type ChosenPrior = PriorChoice & { readonly prior: string };
type ChoiceOptions = NoiseOfCall & { readonly signal?: AbortSignal | undefined };

/**
 * Among the candidates that know the picture's noise level, the one under which the noisy picture is likeliest per sample.
 * If at most one knows it, that one or the first.
 *
 * @param candidates  the first is the default
 * @throws            FlowDenoiseError BAD_OPTION (options that contradict each other), BAD_PRIOR, ENGINE_UNAVAILABLE,
 *                    ENGINE_FAILED; the signal's reason when aborted
 */
export async function choosePrior(
  picture: Picture,
  options: ChoiceOptions,
  candidates: readonly Candidate[],
  context: Pick<NoiseContext, 'method' | 'meter'>,
): Promise<ChosenPrior> {
  const [{ name: first } = { name: DEFAULT_PRIOR }] = candidates;
  const without = (prior: string, why: string): ChosenPrior => ({ prior, why, figures: [] });
  if (options.strength === 0) return without(first, 'nothing is to be changed');
  const { shown } = await viewOf(picture, options);
  const probes = await probesOf(await asGrey(shown), options, candidates, context);
  if (probes.length === 0) return without(first, 'the picture looks clean');

  const levels = probes.map(({ sigma }) => sigma);
  const [least, most] = [Math.min(...levels), Math.max(...levels)];
  const able = candidates.filter(
    ({ model: { sigmaRange } }) => knows(sigmaRange, least) && knows(sigmaRange, most),
  );
  const [only, ...others] = able;
  if (only === undefined) return without(first, 'no other knows such noise any better');
  if (others.length === 0) return without(only.name, 'no other knows such noise');
  const mostSigma = Math.min(...able.map(({ model }) => model.sigmaRange[1]));
  if (most > ROOM * mostSigma) return without(only.name, 'the noise is too strong to tell');

  const figures: { prior: string; natsPerSample: number }[] = [];
  for (const { name, open } of able) {
    const natsPerSample = await meanEvidence(probes, mostSigma, await open(), options.signal);
    figures.push({ prior: name, natsPerSample });
  }
  figures.sort((a, b) => b.natsPerSample - a.natsPerSample);
  const words = figures.map(({ prior, natsPerSample }) => `${prior} ${natsPerSample.toFixed(4)}`);
  const why = `the picture is likeliest under it (nats per sample above a flat prior: ${words.join(', ')})`;
  return { prior: figures[0]?.prior ?? first, why, figures };
}

/** Comparing adds noise, so the picture's own must stay below this share of the strongest noise that all priors know. */
const ROOM = 0.95;

/** Noise levels from different computations may differ by this. */
const TOLERANCE = 1e-3;

function knows([least, most]: readonly [number, number], sigma: number): boolean {
  return sigma >= least * (1 - TOLERANCE) && sigma <= most * (1 + TOLERANCE);
}

/** The noise levels that any of them knows, [0, 1] units. */
export function rangeOf(candidates: readonly Candidate[]): SigmaRange {
  const ends = candidates.flatMap(({ model }) => model.sigmaRange);
  return [Math.min(...ends), Math.max(...ends)];
}

/** Tiles spread over the picture, as they reach the prior; none if the picture is clean. */
async function probesOf(
  picture: Picture,
  options: ChoiceOptions,
  candidates: readonly Candidate[],
  context: Pick<NoiseContext, 'method' | 'meter'>,
): Promise<readonly TileSamples[]> {
  const noise = await planNoise(picture, options, { range: rangeOf(candidates), ...context });
  if (noise.isClean) return [];

  const plan = probePlan(picture, candidates, noise.multiple);
  const channels = colourChannels(picture.channels);
  const probes: TileSamples[] = [];
  for (const [seed, tile] of spreadTiles(plan, MOST_PROBES).entries()) {
    const data = extractTile(picture, plan, tile);
    const shape = { channels, height: plan.tileHeight, width: plan.tileWidth };
    // A pass may ask several times; the first is for the tile itself.
    let first: TileSamples | undefined;
    const collect = throughPasses([...noise.passes, greyPass()], async (samples) => {
      first ??= samples;
      return samples.data;
    });
    await collect({ data, ...shape, seed, ...noise.at(tile, plan) });
    if (first) probes.push(first);
  }
  return probes;
}

function drawsFor(probes: number): number {
  return Math.ceil(LEAST_DRAWS / probes);
}

/** The sizes of the tiles compared for a picture of this size, each as often as its noise is drawn, without splitting. */
export function evidenceSizes(size: Size, candidates: readonly Candidate[]): readonly Size[] {
  const plan = probePlan(size, candidates);
  const probes = spreadTiles(plan, MOST_PROBES).length;
  return new Array(probes * drawsFor(probes)).fill({ width: plan.tileWidth, height: plan.tileHeight });
}

function probePlan({ width, height }: Size, candidates: readonly Candidate[], split = 1): TilePlan {
  const multiple = split * Math.max(...candidates.map(({ model }) => squeezeFactor(model)));
  return planTiles({ width, height, tileSize: Math.max(PROBE_SIDE, multiple), overlap: 0, multiple });
}

async function meanEvidence(
  probes: readonly TileSamples[],
  mostSigma: number,
  schedule: Pick<Schedule, 'run'>,
  signal: AbortSignal | undefined,
): Promise<number> {
  const draws = drawsFor(probes.length);
  const drawn = probes.flatMap((probe) =>
    Array.from({ length: draws }, (_, draw) => ({ ...probe, seed: probe.seed + draw * MOST_PROBES })),
  );
  const failure = new AbortController();
  const either = signal ? AbortSignal.any([signal, failure.signal]) : failure.signal;
  setMaxListeners(0, either);
  const found = await Promise.all(
    drawn.map(({ data, channels, height, width, sigma, seed }): Promise<Evidence> => {
      const estimation = evidence(data, Math.min(sigma, ROOM * mostSigma), { mostSigma, seed });
      return schedule.run({ shape: { channels, height, width }, estimation, signal: either });
    }),
  ).catch((error: unknown) => {
    failure.abort(error);
    throw error;
  });
  const samples = drawn.map(({ data }) => data.length);
  const total = sum(samples);
  return found.reduce((sum, { nats }, i) => sum + (nats * (samples[i] ?? 0)) / total, 0);
}
