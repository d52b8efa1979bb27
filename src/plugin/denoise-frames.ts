// Denoises an animation frame by frame. It finds the noise once, so that frames do not differ by it.

import { sum } from '../core/metrics/index.js';
import { copyOf, type Picture, type Samples } from '../core/picture.js';
import type { DenoiseCallOptions, DenoiseReport, Denoiser, NoiseReport } from '../denoiser/denoiser.js';
import { framesOf } from '../image/index.js';

/** A small region of the picture: denoising it finds the noise of the whole. */
const CORNER = 8;

/** Denoises frames, at least one, that a picture holds one below the other. The report has sums of what was computed. */
export async function denoiseFrames(
  denoiser: Denoiser,
  picture: Picture,
  frames: number,
  options: DenoiseCallOptions,
): Promise<{ readonly data: Samples; readonly report: DenoiseReport }> {
  if (frames === 1) return denoiser.denoise(picture, options);
  const { onProgress, ...quiet } = options;
  const [width, height] = [Math.min(CORNER, picture.width), Math.min(CORNER, picture.height)];
  const region = { left: 0, top: 0, width, height };
  const found = isGiven(options) ? undefined : (await denoiser.denoise(picture, { ...quiet, region })).report;
  if (found?.isUnchanged) return { data: picture.data, report: found };
  const data = copyOf(picture.data);
  const reports: DenoiseReport[] = [];
  const started = performance.now();
  for (const [index, frame] of framesOf(picture, frames).entries()) {
    const result = await denoiser.denoise(frame, {
      ...quiet,
      ...(found && noiseOptions(found.noise)),
      onProgress:
        onProgress &&
        ((progress) => {
          const [tilesDone, tiles] = [index * progress.tiles + progress.tilesDone, frames * progress.tiles];
          const seconds = (performance.now() - started) / 1000;
          const secondsLeft = tilesDone === 0 ? undefined : (seconds / tilesDone) * (tiles - tilesDone);
          onProgress({ tilesDone, tiles, secondsLeft });
        }),
    });
    data.set(result.data, index * frame.data.length);
    reports.push(result.report);
  }
  return { data, report: together(reports, found) };
}

function isGiven({ sigma = 'auto', noise = 'auto', sigmaMap }: DenoiseCallOptions): boolean {
  return typeof sigma === 'number' || typeof noise !== 'string' || sigmaMap !== undefined;
}

function noiseOptions({ profile, gain, sigma, offset }: NoiseReport): DenoiseCallOptions {
  if (profile) return { noise: profile };
  if (gain !== undefined) return { noise: { model: 'poisson-gaussian', gain, sigma, offset } };
  return { noise: 'gaussian', sigma };
}

const SUMMED = ['oddPixels', 'tiles', 'evaluations', 'fallbackTiles', 'spotTiles', 'seconds'] as const;

function together(reports: readonly DenoiseReport[], found: DenoiseReport | undefined): DenoiseReport {
  const [first] = reports as [DenoiseReport, ...DenoiseReport[]];
  return {
    ...first,
    ...(found && { noise: found.noise, sigma: found.sigma }),
    isUnchanged: reports.every(({ isUnchanged }) => isUnchanged),
    ...Object.fromEntries(SUMMED.map((key) => [key, sum(reports.map((report) => report[key]))])),
  };
}
