// Opens a prior and an engine and denoises pictures with them: the program interface.
import { type NoiseMeter, openNoiseMeter } from '../core/engine/noise-meter/noise-meter.js';
import { rememberReadings } from '../core/engine/noise-meter/remembered-readings.js';
import { openEngine } from '../core/engine/open-engine.js';
import { FlowDenoiseError } from '../core/errors.js';
import { squeezeFactor } from '../core/flow/architecture.js';
import { AUTO_PRIOR, DEFAULT_PRIOR, findPrior } from '../core/model/find-prior.js';
import { loadPrior } from '../core/model/load-prior.js';
import type { PriorModel } from '../core/model/model-json.js';
import type { Picture } from '../tile/picture.js';
import { planTiles } from '../tile/plan.js';
import { createSchedule } from '../tile/schedule.js';
import { type OpenedPrior, openAutoDenoiser } from './auto-denoiser.js';
import { checkPicture } from './check-picture.js';
import { denoisePicture, type PictureSettings } from './denoise-picture.js';
import type { DenoiseCallOptions, DenoiseReport, Denoiser } from './denoiser.js';
import { checkMethod, chooseEstimator, sigmaRangeOf } from './estimator.js';
import { fingerprintOf } from './fingerprint.js';
import { callOptionsSchema, type DenoiserOptions, denoiserOptionsSchema, parseOptions } from './options.js';
import { approachOf, withBetaMap } from './preset.js';
import { countTiles, measurePace, type Pace } from './time-estimate.js';

/** Measured defaults, see docs/architecture.md. */
const TILE_SIZE = 256;
const OVERLAP = 24;
/** A coarser scale reaches farther. */
const OVERLAP_OF_SCALES = 32;

/** A function of its own, so that the weights are let go once the engine has them. */
async function openPriorAndEngine(options: DenoiserOptions, check: (model: PriorModel) => void) {
  const prior = await loadPrior(findPrior(options.prior ?? DEFAULT_PRIOR));
  check(prior.model);
  const engine = await openEngine(prior, { engine: options.engine ?? 'auto', threads: options.threads });
  return { model: prior.model, engine };
}

/**
 * Opens a denoiser: loads the prior, starts the engine. Close it when done; pictures may be denoised at the same
 * time, they share the engine's threads. With `prior: 'auto'` each picture is denoised under the shipped prior under
 * which it is likeliest; such a denoiser has an engine for each prior that was needed.
 *
 * @throws FlowDenoiseError BAD_OPTION, BAD_PRIOR, ENGINE_UNAVAILABLE, NEEDS_CONDITIONING
 */
export async function openDenoiser(options: DenoiserOptions = {}): Promise<Denoiser> {
  const parsed = parseOptions(denoiserOptionsSchema, options, 'openDenoiser');
  if (parsed.prior === AUTO_PRIOR) return openAutoDenoiser(parsed, await fingerprintOf(parsed), openOne);
  return (await openOne(parsed)).denoiser;
}

/** @param shared  of another denoiser, which closes it; without it, this one has its own */
async function openOne(parsed: DenoiserOptions, shared?: NoiseMeter): Promise<OpenedPrior> {
  const asked = approachOf(parsed);
  const defaultOverlap = asked.scales === 1 ? OVERLAP : OVERLAP_OF_SCALES;
  const { beta = 'auto', tileSize = TILE_SIZE, overlap = defaultOverlap } = parsed;
  const fingerprint = await fingerprintOf(parsed);
  const approachFor = (model: PriorModel) =>
    model.conditioning === null ? withBetaMap(asked, parsed) : asked;
  const { model, engine } = await openPriorAndEngine(parsed, (model) => {
    checkMethod(model, approachFor(model).method);
    planTiles({ width: 1, height: 1, tileSize, overlap, multiple: squeezeFactor(model) });
  });
  const approach = approachFor(model);
  const multiple = squeezeFactor(model);
  const schedule = createSchedule(engine);
  const meter = shared ?? rememberReadings(openNoiseMeter());
  const settings: PictureSettings = {
    model,
    approach,
    withBetaMap: withBetaMap(approach, parsed),
    beta,
    tileSize,
    overlap,
    meter,
  };
  let pace: Promise<Pace> | undefined;

  async function run<P extends Picture>(picture: P, options: DenoiseCallOptions = {}) {
    const checked = parseOptions(callOptionsSchema, options, 'denoise');
    await checkPicture(picture);
    checked.signal?.throwIfAborted();
    const started = performance.now();
    const { data, ...rest } = await denoisePicture<P['data']>(picture, checked, schedule, settings);
    const seconds = (performance.now() - started) / 1000;
    const report: DenoiseReport = {
      prior: model.name,
      engine: engine.name,
      sigma: rest.noise.sigma,
      ...rest,
      seconds,
    };
    return { data, report };
  }

  const denoiser: Denoiser = {
    prior: model.name,
    engine: { name: engine.name, why: engine.why },
    ...approach,
    fingerprint,
    sigmaRange: sigmaRangeOf(model),
    async denoise(image, options) {
      if (!(image?.data instanceof Float32Array))
        throw new FlowDenoiseError('BAD_IMAGE', 'Expected a Float32Array of samples in [0, 1] for data');
      const { data, report } = await run(image, options);
      const { width, height } = options?.region ?? image;
      return { data, width, height, channels: image.channels, report };
    },
    denoisePicture: run,
    async estimate(sizes, other) {
      const wanted = { ...approach, ...other };
      pace ??= measurePace(engine, model);
      const { tiles, pixels, shapes } = countTiles(sizes, { tileSize, overlap, multiple });
      const sigma = Math.sqrt(model.sigmaRange[0] * model.sigmaRange[1]);
      const perScale = chooseEstimator(model, wanted.method, sigma, beta).evaluations * wanted.ensemble;
      // A scale has a quarter of the pixels of the one before.
      const perPixel = (perScale * (1 - 4 ** -wanted.scales)) / (1 - 1 / 4);
      const evaluations = tiles * perScale * wanted.scales;
      const { secondsPerPixel, preparation } = await pace;
      return {
        tiles,
        evaluations,
        seconds: pixels * perPixel * secondsPerPixel,
        preparation: shapes * wanted.scales * preparation,
      };
    },
    async close() {
      schedule.close();
      await Promise.all([engine.close(), shared ? undefined : meter.close()]);
    },
  };
  return { denoiser, schedule, meter };
}
