// `prior: 'auto'`: a denoiser for each shipped prior, opened for the first picture that needs it. choose-prior.ts chooses.
import type { NoiseMeter } from '../core/engine/noise-meter/noise-meter.js';
import { evidenceEvaluations } from '../core/inference/evidence.js';
import { AUTO_PRIOR, DEFAULT_PRIOR, findPrior, shippedPriors } from '../core/model/find-prior.js';
import { loadModel } from '../core/model/load-prior.js';
import type { PriorModel } from '../core/model/model-json.js';
import type { Picture } from '../core/picture.js';
import type { Schedule } from '../tile/schedule.js';
import { checkCall } from './check-picture.js';
import { type Candidate, choosePrior, evidenceSizes, rangeOf } from './choose-prior.js';
import type { DenoiseReport, Denoiser, TimeEstimate } from './denoiser.js';
import { sigmaRange255 } from './estimator.js';
import type { CallOptions, OpeningOptions } from './options.js';
import type { Approach } from './preset.js';

/** The evidence takes single evaluations. */
const ALONE: Approach = { method: 'posterior-mean', ensemble: 1, scales: 1 };

export interface OpenedPrior {
  readonly denoiser: Denoiser;
  /** As the denoiser's `denoise`, for checked options. */
  run<P extends Picture>(
    picture: P,
    call: CallOptions,
  ): Promise<Picture<P['data']> & { readonly report: DenoiseReport }>;
  /** The approach for a call's options. */
  approachFor(options: CallOptions): Approach;
  readonly schedule: Pick<Schedule, 'run'>;
  readonly meter: NoiseMeter;
}

/** Chooses the prior for each picture. Opens the default prior at once, others when there is something to compare. */
export async function openAutoDenoiser(
  options: OpeningOptions,
  fingerprint: string,
  openOne: (options: OpeningOptions, meter?: NoiseMeter) => Promise<OpenedPrior>,
): Promise<Denoiser> {
  const opened = new Map<string, Promise<OpenedPrior>>();
  function open(prior: string, meter?: NoiseMeter): Promise<OpenedPrior> {
    const known = opened.get(prior);
    if (known) return known;
    const opening = openOne({ ...options, prior }, meter);
    opened.set(prior, opening);
    return opening;
  }
  const candidates = (await priorsToChooseFrom()).map(
    ({ name, model }): Candidate => ({ name, model, open: async () => (await open(name, meter)).schedule }),
  );
  // All share one meter, so that denoising need not read again what choosing the prior has read.
  const { denoiser: first, approachFor, meter } = await open(DEFAULT_PRIOR);

  return {
    ...first,
    prior: AUTO_PRIOR,
    fingerprint,
    sigmaRange: sigmaRange255(rangeOf(candidates)),
    async denoise(given, options) {
      const [picture, call] = await checkCall(given, options);
      const started = performance.now();
      const context = { method: approachFor(call).method, meter };
      const { prior, ...priorChoice } = await choosePrior(picture, call, candidates, context);
      const seconds = (performance.now() - started) / 1000;
      const { report, ...result } = await (await open(prior, meter)).run(picture, call);
      return { ...result, report: { ...report, priorChoice, seconds: report.seconds + seconds } };
    },
    async estimate(sizes, approach) {
      const denoising = await first.estimate(sizes, approach);
      const choosing = await timeToChoose(sizes, candidates, first);
      const evaluations = denoising.evaluations + choosing.evaluations;
      return { ...denoising, evaluations, seconds: denoising.seconds + choosing.seconds };
    },
    async close() {
      const all = await Promise.allSettled(opened.values());
      const denoisers = all.flatMap((each) => (each.status === 'fulfilled' ? each.value.denoiser : []));
      await Promise.all(denoisers.map((denoiser) => denoiser.close()));
    },
  };
}

/** The shipped priors that are conditioned on the noise level, the default first. Only their scores can be compared. */
export async function priorsToChooseFrom(): Promise<readonly { name: string; model: PriorModel }[]> {
  const all = await Promise.all(
    shippedPriors().map(async (name) => ({ name, model: await loadModel(findPrior(name)) })),
  );
  const isFirst = (name: string) => Number(name !== DEFAULT_PRIOR);
  return all
    .filter(({ model }) => model.conditioning !== null)
    .sort((a, b) => isFirst(a.name) - isFirst(b.name));
}

async function timeToChoose(
  sizes: Parameters<Denoiser['estimate']>[0],
  candidates: readonly Candidate[],
  denoiser: Denoiser,
): Promise<Pick<TimeEstimate, 'evaluations' | 'seconds'>> {
  const probes = sizes.flatMap((size) => evidenceSizes(size, candidates));
  const { seconds } = await denoiser.estimate(probes, ALONE);
  const perProbe = candidates.reduce((sum, { model: { sigmaRange } }) => {
    const [least, most] = sigmaRange;
    return sum + evidenceEvaluations(Math.sqrt(least * most), most);
  }, 0);
  return { evaluations: probes.length * perProbe, seconds: seconds * perProbe };
}
