// Denoises one picture: plans tiles, estimates and blends them. Knows no files.
import { setMaxListeners } from 'node:events';
import type { NoiseMeter } from '../core/engine/noise-meter/noise-meter.js';
import { FlowDenoiseError, type FlowDenoiseErrorCode } from '../core/errors.js';
import { squeezeFactor } from '../core/flow/architecture.js';
import { BreakDown } from '../core/inference/estimation.js';
import type { PriorModel } from '../core/model/model-json.js';
import { colourChannels, type Picture, type Samples } from '../core/picture.js';
import { createBlender } from '../tile/blend.js';
import { checkRegion, cutOut, extractTile, withSurroundings } from '../tile/extract.js';
import { mapInOrder } from '../tile/in-order.js';
import { planTiles, type Tile, type TileSize, withRoom } from '../tile/plan.js';
import type { Schedule } from '../tile/schedule.js';
import type { DenoiseReport } from './denoiser.js';
import { checkSigma, chooseEstimator, knownLevels, sigmaRangeOf } from './estimator.js';
import { planNoise } from './noise/noise-plan.js';
import type { CallOptions } from './options.js';
import { asGrey, withGrey } from './passes/grey.js';
import { ensemblePass, greyPass, scalesPass, type TileSamples, throughPasses } from './passes/tile-pass.js';
import type { Approach, Scales } from './preset.js';
import { aroundSpots, type SpotEstimate } from './view/around-spots.js';
import { viewOf } from './view/picture-view.js';

export interface PictureSettings {
  readonly model: PriorModel;
  /** The approach for a call's options. */
  approachFor(options: CallOptions): Approach;
  readonly beta: number | 'auto';
  readonly tileSize: TileSize;
  /** Undefined for `overlapFor`. */
  readonly overlap: number | undefined;
  readonly meter: NoiseMeter;
}

export interface PictureResult<S extends Samples>
  extends Omit<DenoiseReport, 'prior' | 'priorChoice' | 'engine' | 'sigma' | 'seconds'> {
  readonly data: S;
}

/** With fewer pixels, a session for the noise level costs more than it saves: it is 10% faster, but every thread makes one. */
const WORTH_A_SESSION = 1e6;

/**
 * How many pixels neighbouring tiles share, by the strongest noise in 8-bit units: borders differ from one tile over the whole
 * picture by about 0.3 8-bit units at most, see docs/architecture.md.
 */
export function overlapFor(strongest255: number, scales: Scales): number {
  if (strongest255 <= 20) return 16;
  // Coarser scales reach farther.
  return strongest255 <= 30 || scales === 1 ? 24 : 32;
}

type Left = SpotEstimate['left'];

/** strength (estimate - noisy), in place. */
function correction(estimate: Float32Array, noisy: Float32Array, strength: number): Float32Array {
  for (let i = 0; i < estimate.length; i++)
    estimate[i] = strength * ((estimate[i] as number) - (noisy[i] as number));
  return estimate;
}

/** An error of this code with another message; any other error itself. */
function reworded(error: unknown, code: FlowDenoiseErrorCode, words: (message: string) => string): unknown {
  if (!(error instanceof FlowDenoiseError) || error.code !== code) return error;
  return new FlowDenoiseError(code, words(error.message), { cause: error });
}

/**
 * Denoises a picture or a region of it. An RGB picture that is grey is denoised as grey. Memory beside the picture: its
 * correction, the result, and the tiles in flight.
 *
 * @throws FlowDenoiseError SIGMA_OUT_OF_RANGE, NEEDS_CONDITIONING, BAD_OPTION, BAD_IMAGE (a sample is not finite),
 *         ENGINE_FAILED
 */
export async function denoisePicture<S extends Samples>(
  picture: Picture<S>,
  options: CallOptions,
  schedule: Schedule,
  settings: PictureSettings,
): Promise<PictureResult<S>> {
  const { region, signal } = options;
  if (region) checkRegion(region, picture);
  const { shown, range, oddPixels, hint, restore } = await viewOf(picture, options);
  signal?.throwIfAborted();
  const grey = await asGrey(shown);
  const hinted = (text: string) => (hint ? `${text}; ${hint}` : text);
  const { data, ...result } = await denoiseTiles(grey, options, schedule, settings).catch(
    (error: unknown) => {
      // The sample range may be what is wrong.
      throw reworded(error, 'SIGMA_OUT_OF_RANGE', hinted);
    },
  );
  const denoised = grey === shown ? data : await withGrey(region ? cutOut(shown, region) : shown, data);
  const noise = result.isUnchanged ? { ...result.noise, why: hinted(result.noise.why) } : result.noise;
  return { ...result, noise, data: await restore(denoised, region), range, oddPixels };
}

async function denoiseTiles(
  picture: Picture,
  options: CallOptions,
  schedule: Schedule,
  { model, beta, tileSize, meter, ...settings }: PictureSettings,
): Promise<Omit<PictureResult<Samples>, 'range' | 'oddPixels'>> {
  const approach = settings.approachFor(options);
  const { method, ensemble, scales } = approach;
  const { signal, onProgress, strength } = options;
  const whole = { left: 0, top: 0, width: picture.width, height: picture.height };
  const { region = whole } = options;
  const channels = colourChannels(picture.channels);
  const known = { prior: model.name, sigmaRange: sigmaRangeOf(model) };
  checkSigma(options.sigma, known, { kind: channels === 1 ? 'grey' : 'colour' });
  const range = knownLevels(model);
  const noise = await planNoise(picture, options, { range, meter, ...approach });
  signal?.throwIfAborted();
  if (noise.isClean || strength === 0) {
    const nothing = { beta: undefined, tiles: 0, evaluations: 0, fallbackTiles: 0, spotTiles: 0 };
    const { data } = cutOut(picture, region);
    return { ...approach, data, isUnchanged: true, noise: noise.report, ...nothing };
  }
  const factor = squeezeFactor(model);
  const multiple = factor * noise.multiple;
  const overlap = settings.overlap ?? overlapFor(noise.strongest255, scales);
  // A region's surroundings are computed too, as far as tiles reach, so its pixels become the same as in the whole picture.
  const part = withSurroundings(region, picture, overlap, multiple);
  const { width, height } = part;
  const plan = planTiles({ width, height, ...withRoom({ tileSize, overlap, multiple }) });
  const blender = createBlender(options.region ? cutOut(picture, part) : picture, plan);
  const failure = new AbortController();
  const either = signal ? AbortSignal.any([signal, failure.signal]) : failure.signal;
  // Every tile in flight listens, with several scales more than once.
  setMaxListeners(0, either);
  const started = performance.now();
  let firstBeta: number | undefined;
  let tilesDone = 0;
  let evaluations = 0;

  async function underPrior(tile: TileSamples, onLeft: (left: Left) => void): Promise<Float32Array> {
    const estimator = chooseEstimator(model, method, tile.sigma, options.beta ?? beta);
    const probe = model.conditioning && chooseEstimator(model, 'posterior-mean', tile.sigma, 'auto');
    firstBeta ??= estimator.beta;
    const run = async (by: typeof estimator, samples: TileSamples, isStrict: boolean) => {
      const shape = { channels: samples.channels, height: samples.height, width: samples.width };
      const estimation = by.start(samples, isStrict);
      // A break-down takes one evaluation.
      const result = await schedule.run({ shape, estimation, signal: either }).catch((error: unknown) => {
        if (error instanceof BreakDown) evaluations += 1;
        throw error;
      });
      evaluations += result.evaluations;
      return result;
    };
    const { estimate, left } = await aroundSpots(tile, {
      strictly: (samples) => run(estimator, samples, true),
      probe: (samples) => run(probe ?? estimator, samples, true),
      loosely: (samples) => run(estimator, samples, false),
      multiple: factor,
    });
    onLeft(left);
    return estimate;
  }

  async function estimateTile(tile: Tile) {
    const inPicture = { ...tile, x: part.left + tile.x, y: part.top + tile.y };
    const place = `tile at ${inPicture.x}, ${inPicture.y}`;
    const noisy = extractTile(picture, plan, inPicture);
    const lefts = new Set<Left>();
    const ownScales = scalesPass(scales, { leastSigma: range[0], multiple: factor });
    const passes = [...noise.passes, ownScales, ensemblePass(ensemble), greyPass()];
    const estimateSamples = throughPasses(passes, (samples) =>
      underPrior(samples, (left) => lefts.add(left)),
    );
    const samples = {
      data: noisy,
      channels,
      height: plan.tileHeight,
      width: plan.tileWidth,
      seed: tile.row * plan.xs.length + tile.column,
      ...noise.at(inPicture, plan),
      ...(width * height < WORTH_A_SESSION && { varies: true }),
    };
    const estimate = await estimateSamples(samples).catch((error: unknown) => {
      // Engines do not know the tile.
      throw reworded(error, 'ENGINE_FAILED', (message) => `${place}: ${message}`);
    });
    if (!estimate.every(Number.isFinite))
      throw new FlowDenoiseError(
        'ENGINE_FAILED',
        `the ${place} came back with numbers that are not finite; try another engine`,
      );
    tilesDone += 1;
    const tiles = plan.tiles.length;
    const secondsLeft = ((performance.now() - started) / 1000 / tilesDone) * (tiles - tilesDone);
    onProgress?.({ tilesDone, tiles, secondsLeft });
    return { tile, change: correction(estimate, noisy, strength * (noise.probability ?? 1)), lefts };
  }

  let [fallbackTiles, spotTiles] = [0, 0];
  try {
    // Blended in the plan's order, so that rounding does not depend on which thread was faster. Up to twice as many tiles as
    // the engine works on are held.
    const inFlight = Math.ceil((2 * schedule.capacity) / ensemble) + 1;
    for await (const { tile, change, lefts } of mapInOrder(plan.tiles, inFlight, estimateTile)) {
      blender.add(tile, change);
      if (lefts.has('tile')) fallbackTiles += 1;
      else if (lefts.has('spot')) spotTiles += 1;
    }
  } catch (error) {
    failure.abort(error);
    throw error;
  }
  const blended = await blender.finish(signal);
  const inPart = { ...region, left: region.left - part.left, top: region.top - part.top };
  const data = options.region
    ? cutOut({ data: blended, width, height, channels: picture.channels }, inPart).data
    : blended;
  const counts = { tiles: plan.tiles.length, evaluations, fallbackTiles, spotTiles };
  return { ...approach, data, isUnchanged: false, noise: noise.report, beta: firstBeta, ...counts };
}
