// Opens a denoiser: a prior and an engine.
import { type NoiseMeter, openNoiseMeter, rememberReadings } from '../core/engine/noise-meter/noise-meter.js';
import { openEngine } from '../core/engine/open-engine.js';
import { squeezeFactor } from '../core/flow/architecture.js';
import { AUTO_PRIOR, findPrior } from '../core/model/find-prior.js';
import { loadPrior } from '../core/model/load-prior.js';
import type { PriorModel } from '../core/model/model-json.js';
import type { Picture } from '../core/picture.js';
import { planTiles, withRoom } from '../tile/plan.js';
import { createSchedule } from '../tile/schedule.js';
import { type OpenedPrior, openAutoDenoiser } from './auto-denoiser.js';
import { checkCall } from './check-picture.js';
import { denoisePicture, overlapFor } from './denoise-picture.js';
import type { DenoiseReport, Denoiser } from './denoiser.js';
import { checkMethod, chooseEstimator, sigmaRangeOf } from './estimator.js';
import { fingerprintOf } from './fingerprint.js';
import { isNoiseModel } from './noise/noise-options.js';
import { parseOptions } from './option-schema.js';
import {
  approachSchema,
  type CallOptions,
  type DenoiserOptions,
  type OpeningOptions,
  openingSchema,
  sizesSchema,
} from './options.js';
import { approachOf, withBetaMap } from './preset.js';
import { countTiles, paceOf } from './time-estimate.js';

/** A separate function, so that the weights can be freed once the engine has them. */
async function openPriorAndEngine(
  { engine: engineName, threads, ...options }: OpeningOptions,
  check: (model: PriorModel) => void,
) {
  const prior = await loadPrior(findPrior(options.prior));
  check(prior.model);
  const engine = await openEngine(prior, { engine: engineName, threads });
  return { model: prior.model, engine };
}

/**
 * Opens a denoiser: loads the prior and starts the engine. Close it when done. Pictures denoised at the same time share
 * the engine's threads. With `prior: 'auto'` each picture gets the shipped prior under which it is likeliest, and the
 * denoiser has an engine for each prior that it needed.
 *
 * @throws FlowDenoiseError BAD_OPTION, BAD_PRIOR, ENGINE_UNAVAILABLE, NEEDS_CONDITIONING
 */
export async function openDenoiser(options: DenoiserOptions = {}): Promise<Denoiser> {
  const parsed = parseOptions(openingSchema, options, 'openDenoiser');
  if (parsed.prior === AUTO_PRIOR) return openAutoDenoiser(parsed, await fingerprintOf(parsed), openOne);
  return (await openOne(parsed)).denoiser;
}

/** @param shared  another denoiser's meter, which that one closes; default: a new one */
async function openOne(parsed: OpeningOptions, shared?: NoiseMeter): Promise<OpenedPrior> {
  const asked = approachOf(parsed);
  const alone = withBetaMap(asked, parsed);
  const { beta, tileSize, overlap } = parsed;
  const fingerprint = await fingerprintOf(parsed);
  const usual = (model: PriorModel) => (model.conditioning === null ? alone : asked);
  const { model, engine } = await openPriorAndEngine(parsed, (model) => {
    checkMethod(model, usual(model).method);
    planTiles({ width: 1, height: 1, tileSize, overlap: overlap ?? 0, multiple: squeezeFactor(model) });
  });
  const approach = usual(model);
  /** A call needs beta-MAP if its noise has its own likelihood, or if it passes a beta. */
  const approachFor = ({ sigmaMap, noise, beta }: CallOptions) =>
    sigmaMap || isNoiseModel(noise) || typeof beta === 'number' ? alone : approach;
  const multiple = squeezeFactor(model);
  const schedule = createSchedule(engine);
  const meter = shared ?? rememberReadings(openNoiseMeter());
  const settings = { model, approachFor, beta, tileSize, overlap, meter };
  const pace = paceOf(engine, model);

  async function run<P extends Picture>(picture: P, call: CallOptions) {
    const started = performance.now();
    const { data, ...rest } = await denoisePicture<P['data']>(picture, call, schedule, settings);
    const seconds = (performance.now() - started) / 1000;
    const { width, height } = call.region ?? picture;
    const report: DenoiseReport = {
      prior: model.name,
      engine: engine.name,
      sigma: rest.noise.sigma,
      ...rest,
      seconds,
    };
    return { data, width, height, channels: picture.channels, report };
  }

  const denoiser: Denoiser = {
    prior: model.name,
    engine: { name: engine.name, why: engine.why },
    ...approach,
    fingerprint,
    sigmaRange: sigmaRangeOf(model),
    denoise: async (picture, options) => run(...(await checkCall(picture, options))),
    async estimate(given, other) {
      schedule.checkOpen();
      const { sizes } = parseOptions(sizesSchema, { sizes: given }, 'estimate');
      const { preset, ...parts } = parseOptions(approachSchema, other, 'estimate');
      const wanted = preset ? approachOf({ preset, ...parts }) : { ...approach, ...parts };
      const sigma = Math.sqrt(model.sigmaRange[0] * model.sigmaRange[1]);
      const tiling = { tileSize, overlap: overlap ?? overlapFor(255 * sigma, wanted.scales), multiple };
      const { tiles, pixels, shapes } = countTiles(sizes, withRoom(tiling));
      const perScale = chooseEstimator(model, wanted.method, sigma, beta).evaluations * wanted.ensemble;
      // Each scale has a quarter of the pixels of the one before.
      const perPixel = (perScale * (1 - 4 ** -wanted.scales)) / (1 - 1 / 4);
      const evaluations = tiles * perScale * wanted.scales;
      const { secondsPerPixel, preparation } = await pace(pixels * perPixel);
      return {
        tiles,
        evaluations,
        seconds: pixels * perPixel * secondsPerPixel,
        preparation: shapes * preparation,
      };
    },
    async close() {
      schedule.close();
      await Promise.all([engine.close(), shared ? undefined : meter.close()]);
    },
  };
  return { denoiser, run, approachFor, schedule, meter };
}
