// Denoises an animation frame by frame. It finds the noise once, so that frames do not differ by it.

import type { Picture, Samples } from '../core/picture.js';
import type {
  DenoiseCallOptions,
  DenoiseReport,
  Denoiser,
  NoiseReport,
  Progress,
} from '../denoiser/denoiser.js';
import { framesOf } from '../image/index.js';

interface Result {
  readonly data: Samples;
  readonly report: DenoiseReport;
}

/** A small region of the picture: denoising it finds the noise of the whole. */
const CORNER = 8;

/**
 * Denoises the frames of a picture that holds them one below the other.
 *
 * @param frames  number of frames, at least 1
 * @returns       the frames in the same form, and one report: the sums of what was computed
 */
export async function denoiseFrames(
  denoiser: Denoiser,
  picture: Picture,
  frames: number,
  options: DenoiseCallOptions,
): Promise<Result> {
  if (frames === 1) return denoiser.denoise(picture, options);
  const found = isGiven(options) ? undefined : await noiseOfAll(denoiser, picture, options);
  if (found?.isUnchanged) return { data: picture.data, report: found };
  const data = picture.data.slice();
  const reports: DenoiseReport[] = [];
  for (const frame of framesOf(picture, frames)) {
    const { length: done } = reports;
    const result = await denoiser.denoise(frame, {
      ...options,
      ...(found && saying(found.noise)),
      onProgress: options.onProgress && ((progress) => options.onProgress?.(ofAll(progress, done, frames))),
    });
    data.set(result.data, done * frame.data.length);
    reports.push(result.report);
  }
  return { data, report: together(reports, found) };
}

function isGiven({ sigma = 'auto', noise = 'auto', sigmaMap }: DenoiseCallOptions): boolean {
  return typeof sigma === 'number' || typeof noise !== 'string' || sigmaMap !== undefined;
}

/** The noise of a region is that of the whole picture. */
async function noiseOfAll(
  denoiser: Denoiser,
  picture: Picture,
  options: DenoiseCallOptions,
): Promise<DenoiseReport> {
  const region = {
    left: 0,
    top: 0,
    width: Math.min(CORNER, picture.width),
    height: Math.min(CORNER, picture.height),
  };
  const { report } = await denoiser.denoise(picture, { ...options, onProgress: undefined, region });
  return report;
}

function saying({ profile, gain, sigma, offset }: NoiseReport): Pick<DenoiseCallOptions, 'noise' | 'sigma'> {
  if (profile) return { noise: profile };
  if (gain !== undefined) return { noise: { model: 'poisson-gaussian', gain, sigma, offset } };
  return { noise: 'gaussian', sigma };
}

function ofAll({ tilesDone, tiles, secondsLeft }: Progress, done: number, frames: number): Progress {
  const left = secondsLeft === undefined || tilesDone === 0 ? undefined : secondsLeft;
  const perTile = left === undefined || tilesDone === tiles ? undefined : left / (tiles - tilesDone);
  return {
    tilesDone: done * tiles + tilesDone,
    tiles: frames * tiles,
    secondsLeft: perTile === undefined ? left : perTile * (frames * tiles - done * tiles - tilesDone),
  };
}

function together(reports: readonly DenoiseReport[], found: DenoiseReport | undefined): DenoiseReport {
  const [first] = reports as [DenoiseReport, ...DenoiseReport[]];
  const sum = (of: (report: DenoiseReport) => number) => reports.reduce((total, each) => total + of(each), 0);
  return {
    ...first,
    ...(found && { noise: found.noise, sigma: found.sigma }),
    isUnchanged: reports.every(({ isUnchanged }) => isUnchanged),
    oddPixels: sum(({ oddPixels }) => oddPixels),
    tiles: sum(({ tiles }) => tiles),
    evaluations: sum(({ evaluations }) => evaluations),
    fallbackTiles: sum(({ fallbackTiles }) => fallbackTiles),
    spotTiles: sum(({ spotTiles }) => spotTiles),
    seconds: sum(({ seconds }) => seconds),
  };
}
