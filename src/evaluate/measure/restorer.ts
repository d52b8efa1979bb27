// Restores noisy pictures with each contender. Contenders that differ only in beta share one engine.
import { join } from 'node:path';
import { openEngine } from '../../core/engine/open-engine.js';
import { badImage, badOption } from '../../core/errors.js';
import { readRegularFile } from '../../core/files.js';
import { squeezeFactor } from '../../core/flow/architecture.js';
import { betaMap } from '../../core/inference/beta-map.js';
import { calibratedBetaMap } from '../../core/inference/calibration.js';
import { findPrior } from '../../core/model/find-prior.js';
import { loadPrior } from '../../core/model/load-prior.js';
import { toInterleaved } from '../../core/picture.js';
import { openDenoiser } from '../../denoiser/open-denoiser.js';
import type { DenoiserOptions } from '../../denoiser/options.js';
import { decodePicture } from '../../image/index.js';
import { extractTile } from '../../tile/extract.js';
import { planTiles } from '../../tile/plan.js';
import { createSchedule } from '../../tile/schedule.js';
import { approachOptions, type Beta, type Contender } from '../contender.js';
import { type NoiseLevel, noiseFolder, toldNoise } from '../noise-level.js';
import type { CheckedEvaluateOptions, GivenProgram } from '../options.js';
import { type CleanPicture, croppedFloats } from '../pictures.js';
import type { Measures, PictureResult } from './results.js';

/** The estimate, with what results.ts keeps about how it was made. */
interface Restored extends Omit<PictureResult, keyof Measures> {
  /** Interleaved like the noisy picture, not clipped. */
  readonly data: Float32Array;
}

export interface Restorer {
  /** Undefined for another program. */
  readonly engine?: { readonly name: string; readonly why: string };
  /** @param beta  this contender's; others that share the restorer have other betas */
  restore(
    noisy: CleanPicture,
    level: NoiseLevel,
    call: { readonly beta: Beta | undefined; readonly signal: AbortSignal | undefined },
  ): Promise<Restored>;
  close(): Promise<void>;
}

export type EngineOptions = Pick<DenoiserOptions, 'engine' | 'threads' | 'tileSize' | 'overlap'>;

export const CONVERGENCE = { steps: 200, rate: 0.15 } as const;

/**
 * @param contender  any of those that differ only in beta
 * @throws           FlowDenoiseError BAD_OPTION, BAD_PRIOR, ENGINE_UNAVAILABLE, NEEDS_CONDITIONING
 */
export async function openRestorer(
  contender: Contender,
  options: EngineOptions,
  programs: CheckedEvaluateOptions['given'] = {},
): Promise<Restorer> {
  if (contender.kind === 'given') {
    const program = programs[contender.name];
    const { name, folder = '' } = contender;
    const restore = typeof program === 'function' ? called(name, program) : readFrom(name, folder);
    return { restore, close: async () => {} };
  }
  if (contender.kind === 'converged') return openConverged(contender.prior, options);
  return openProduct({ ...options, prior: contender.prior, ...approachOptions(contender) });
}

async function openProduct(options: DenoiserOptions): Promise<Restorer> {
  const denoiser = await openDenoiser(options);
  return {
    engine: denoiser.engine,
    async restore(noisy, level, { beta, signal }) {
      const { data, report } = await denoiser.denoise(noisy, { ...toldNoise(level), beta, signal });
      const { evaluations, fallbackTiles } = report;
      return { data, evaluations, ...(fallbackTiles > 0 && { fallbackTiles }) };
    },
    close: () => denoiser.close(),
  };
}

/** Takes the whole picture as one tile, so that it converges to the picture's own maximum. */
async function openConverged(name: string, options: EngineOptions): Promise<Restorer> {
  const prior = await loadPrior(findPrior(name));
  const engine = await openEngine(prior, { engine: options.engine ?? 'auto', threads: options.threads });
  const schedule = createSchedule(engine);
  const multiple = squeezeFactor(prior.model);
  return {
    engine,
    async restore(noisy, level, { beta, signal }) {
      const { width, height, channels } = noisy;
      if (channels !== 3 || level.model !== 'gaussian')
        throw badOption(
          `Expected colour pictures and Gaussian noise for a climb to convergence but received ${noisy.name} with ${channels} ` +
            `channels and ${level.model} noise`,
        );
      const plan = planTiles({ width, height, tileSize: 4096, overlap: 0, multiple });
      const [tile] = plan.tiles;
      if (tile === undefined || plan.tiles.length > 1)
        throw badOption(
          `${noisy.name}: expected at most 4096 x 4096 pixels for a climb to convergence; crop it`,
        );
      const shape = { channels, height: plan.tileHeight, width: plan.tileWidth };
      const sigma = level.sigma / 255;
      const climb = (start: 'noisy' | 'posterior-mean') => {
        const estimation = betaMap(extractTile(noisy, plan, tile), sigma, {
          ...calibratedBetaMap(prior.model, sigma, beta),
          ...CONVERGENCE,
          start,
          polish: false,
        });
        return schedule.run({ shape, estimation, signal });
      };
      let start: 'noisy' | 'posterior-mean' = 'noisy';
      let result = await climb(start);
      // Under strong noise the clean prior may break down at the noisy picture; then start at the posterior mean.
      if (result.fallback !== undefined && prior.model.conditioning !== null) {
        start = 'posterior-mean';
        result = await climb(start);
      }
      const { estimate, evaluations, steps, isConverged, fallback } = result;
      const { data } = croppedFloats({ ...shape, data: toInterleaved(estimate, channels) }, width, height);
      return { data, evaluations, steps, isConverged, start, ...(fallback && { fallbackTiles: 1 }) };
    },
    async close() {
      schedule.close();
      await engine.close();
    },
  };
}

function called(name: string, program: GivenProgram): Restorer['restore'] {
  return async (noisy, level, { signal }) => {
    const data = await program(noisy, level, signal);
    if (data instanceof Float32Array && data.length === noisy.data.length) return { data };
    throw badOption(
      `Expected ${noisy.data.length} samples from the program ${name} for ${noisy.name} but received ${data?.length ?? 'none'}`,
    );
  };
}

/** Another program's results for exported pictures. */
function readFrom(name: string, folder: string): Restorer['restore'] {
  return async ({ name: picture, width, height, channels }, level, { signal }) => {
    const path = join(folder, noiseFolder(level), restoredName(picture));
    const bytes = await readRegularFile(path, { signal }).catch((error: unknown) => {
      signal?.throwIfAborted();
      throw badOption(
        `${path} cannot be read: expected a picture that ${name} restored, for every one that --export wrote`,
        error,
      );
    });
    const { picture: found } = await decodePicture(bytes, path);
    const isSame = found.width === width && found.height === height && found.channels === channels;
    if (isSame && found.data instanceof Float32Array) return { data: found.data };
    throw badImage(
      `${path}: expected a float TIFF of ${width} x ${height} pixels and ${channels} channels, as it was exported`,
    );
  };
}

export function restoredName(name: string): string {
  return `${name.replace(/\.\w+$/, '')}.tif`;
}
