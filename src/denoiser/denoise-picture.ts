// One picture through the tiles: plan, estimate, blend. Knows no files.
import { FlowDenoiseError } from '../core/errors.js';
import { squeezeFactor } from '../core/flow/architecture.js';
import type { PriorModel } from '../core/model/model-json.js';
import { createBlender } from '../tile/blend.js';
import { extractTile } from '../tile/extract.js';
import { mapInOrder } from '../tile/in-order.js';
import { colourChannels, type Picture, type Samples } from '../tile/picture.js';
import { planTiles, type Tile } from '../tile/plan.js';
import type { Schedule } from '../tile/schedule.js';
import type { DenoiseCallOptions, Method } from './denoiser.js';
import { chooseEstimator } from './estimator.js';
import { channelMean, completeChroma, greyOf, isGreyInColour, withGrey } from './grey.js';

export interface PictureSettings {
  readonly model: PriorModel;
  readonly method: Method;
  readonly beta: number | 'auto';
  readonly tileSize: number;
  readonly overlap: number;
}

export interface PictureResult<S extends Samples> {
  readonly data: S;
  readonly beta: number | undefined;
  readonly tiles: number;
  readonly evaluations: number;
  readonly fallbackTiles: number;
}

function checkFinite(values: Float32Array, code: 'BAD_IMAGE' | 'ENGINE_FAILED', what: string): void {
  if (!values.every(Number.isFinite)) throw new FlowDenoiseError(code, what);
}

/** estimate - noisy, in place of the estimate. */
function correction(estimate: Float32Array, noisy: Float32Array): Float32Array {
  for (let i = 0; i < estimate.length; i++) estimate[i] = (estimate[i] as number) - (noisy[i] as number);
  return estimate;
}

/**
 * Denoises a picture; one that is grey but stored as RGB as a grey one. Memory beside the picture: its correction, the result, and the tiles in flight.
 *
 * @param sigma in 8-bit units
 * @throws FlowDenoiseError SIGMA_OUT_OF_RANGE, NEEDS_CONDITIONING, BAD_IMAGE (a sample is not finite), ENGINE_FAILED
 */
export async function denoisePicture<S extends Samples>(
  picture: Picture<S>,
  options: DenoiseCallOptions,
  schedule: Schedule,
  settings: PictureSettings,
): Promise<PictureResult<S>> {
  if (!(await isGreyInColour(picture))) return denoiseTiles(picture, options, schedule, settings);
  const result = await denoiseTiles(await greyOf(picture), options, schedule, settings);
  return { ...result, data: await withGrey(picture, result.data) };
}

async function denoiseTiles<S extends Samples>(
  picture: Picture<S>,
  { sigma: sigma255, signal, onProgress }: DenoiseCallOptions,
  schedule: Schedule,
  { model, method, beta, tileSize, overlap }: PictureSettings,
): Promise<PictureResult<S>> {
  const isGrey = colourChannels(picture.channels) === 1;
  const greySigma = sigma255 / 255;
  const estimator = chooseEstimator(model, method, sigma255, { beta, isGrey });
  const { width, height } = picture;
  const plan = planTiles({ width, height, tileSize, overlap, multiple: squeezeFactor(model) });
  const shape = { channels: 3, height: plan.tileHeight, width: plan.tileWidth };
  const blender = createBlender(picture, plan);
  const failure = new AbortController();
  const either = signal ? AbortSignal.any([signal, failure.signal]) : failure.signal;
  const started = performance.now();
  let tilesDone = 0;
  let evaluations = 0;
  let fallbackTiles = 0;

  async function estimateTile(tile: Tile) {
    const noisy = extractTile(picture, plan, tile);
    if (picture.data instanceof Float32Array)
      checkFinite(
        noisy,
        'BAD_IMAGE',
        'the picture has samples that are not finite numbers (NaN or infinity)',
      );
    const y = isGrey ? completeChroma(noisy, greySigma, tile.row * plan.xs.length + tile.column) : noisy;
    const result = await schedule.run({ shape, estimation: estimator.start(y), signal: either });
    const estimate = isGrey ? channelMean(result.estimate) : result.estimate;
    const where = `the tile at ${tile.x}, ${tile.y}`;
    checkFinite(
      estimate,
      'ENGINE_FAILED',
      `${where} came back with numbers that are not finite; try another engine`,
    );
    evaluations += result.evaluations;
    if (result.fallback) fallbackTiles += 1;
    tilesDone += 1;
    const tiles = plan.tiles.length;
    const secondsLeft = ((performance.now() - started) / 1000 / tilesDone) * (tiles - tilesDone);
    onProgress?.({ tilesDone, tiles, secondsLeft });
    return { tile, change: correction(estimate, noisy) };
  }

  try {
    // Blended in the order of the plan, so that rounding does not depend on which thread was faster. As many tiles
    // again as the engine works on may wait for their turn.
    const inFlight = 2 * schedule.capacity + 1;
    for await (const { tile, change } of mapInOrder(plan.tiles, inFlight, estimateTile))
      blender.add(tile, change);
  } catch (error) {
    failure.abort(error);
    throw error;
  }
  const data = await blender.finish(signal);
  return { data, beta: estimator.beta, tiles: plan.tiles.length, evaluations, fallbackTiles };
}
