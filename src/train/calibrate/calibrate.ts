// Calibrates a prior: measures the best beta at each noise level on clean pictures with noise added, and writes it to
// model.json.

import { join, resolve } from 'node:path';
import { z } from 'zod';
import { openEngine } from '../../core/engine/open-engine.js';
import { badOption, FlowDenoiseError } from '../../core/errors.js';
import { calibratedBetaMap } from '../../core/inference/calibration.js';
import { findPrior, shippedPriors } from '../../core/model/find-prior.js';
import { loadPrior } from '../../core/model/load-prior.js';
import type { BetaMapCalibration, PriorModel } from '../../core/model/model-json.js';
import { saveModel } from '../../core/model/save-prior.js';
import { callback, parseOptions } from '../../denoiser/option-schema.js';
import { openingShape, signalOption } from '../../denoiser/options.js';
import { type CalibrationCrops, calibrationCrops } from '../data/validation-crops.js';
import { checkCropSize, folderSchema, whole } from '../options.js';
import { updateModelCard } from '../report/model-card.js';
import { bestBeta, type CalibrationRow, measureCalibrationPace } from './best-beta.js';

const calibrateOptionsSchema = z.strictObject({
  /** A prior's folder. With a prior that comes with the package, `dryRun` is required. */
  prior: z.string().min(1).describe("a prior's folder"),
  /** Clean pictures. If the prior was trained on these folders, only the files kept for validation are used. */
  folder: folderSchema,
  /** Noise levels, 8-bit units. Default: those of 5, 10, 17, 25, 34, 50, 80 that the prior knows; see also `crops`. */
  sigmas: z
    .array(z.number().positive().max(255))
    .min(1)
    .max(32)
    .readonly()
    .optional()
    .describe('a list of numbers above 0 and at most 255'),
  /** Default 24. For an unconditioned prior, which takes forty times as long, 4 crops at three noise levels. */
  crops: whole(1, 4096),
  /** Side of a crop, pixels. Default: the prior's own. */
  cropSize: whole(8, 1024),
  /** Set this if the files are contact sheets: the side of their pictures, pixels. */
  sheetTile: whole(8, 4096),
  engine: openingShape.engine,
  threads: openingShape.threads,
  /** Whether to leave model.json as it is. */
  dryRun: z.boolean().optional().describe('true or false'),
  /** The most time it may take. If that is too short, it measures fewer crops and noise levels. */
  minutes: z.number().positive().max(1e6).optional().describe('a number of minutes above 0'),
  signal: signalOption,
  /** Called once, before the work. */
  onEstimate: callback<(estimate: CalibrationEstimate) => void>(),
  onProgress: callback<(progress: CalibrationProgress) => void>(),
});
export type CalibrateOptions = z.input<typeof calibrateOptionsSchema>;

export type { CalibrationRow };

export interface CalibrationEstimate {
  readonly seconds: number;
  /** The number that will be measured. */
  readonly levels: number;
  readonly crops: number;
}

export interface CalibrationProgress {
  readonly sigma255: number;
  /** The beta just tried. */
  readonly beta: number;
  readonly psnr: number;
  /** The level's result, when it is finished. */
  readonly row: CalibrationRow | undefined;
  /** The approximate share of all levels that is done; 0 to 1. */
  readonly done: number;
}

export interface Calibration {
  /** Empty if `minutes` ended before the first noise level; then nothing is written. */
  readonly rows: readonly CalibrationRow[];
  /** The calibration in model.json, or with `dryRun` the one to write there. */
  readonly betaMap: BetaMapCalibration;
  readonly crops: number;
  /** The number of files with the crops, and whether training had kept them for validation. */
  readonly files: number;
  readonly areKept: boolean;
  /** The engine, for the user. */
  readonly engine: string;
}

const SIGMAS_255 = [5, 10, 17, 25, 34, 50, 80];
const FEW_SIGMAS_255 = [10, 25, 50];
const CROPS = 24;
const FEW_CROPS = 4;
/** The usual number of betas that a level tries, for progress. */
const USUAL_BETAS = 9;
/** The expected work may fill this share of the time: some levels try more betas. */
const SAFE_PART = 0.8;

/**
 * Measures the best beta at each noise level. Without `dryRun`, writes it to the prior's model.json, and the measurements to
 * its provenance and card. Steps, rate and polish do not change. Levels without a best beta (`isAtEnd`) are left out, unless
 * all are: a level outside the table uses the nearest level's beta.
 *
 * @throws  FlowDenoiseError BAD_OPTION, BAD_PRIOR, BAD_IMAGE, SIGMA_OUT_OF_RANGE, ENGINE_UNAVAILABLE, ENGINE_FAILED,
 *          WRITE_FAILED; the signal's reason
 */
export async function calibrate(options: CalibrateOptions): Promise<Calibration> {
  const checked = parseOptions(calibrateOptionsSchema, options, 'calibrate');
  const { threads, sheetTile, minutes, dryRun = false, signal } = checked;
  const folder = findPrior(checked.prior);
  if (!dryRun) refuseShipped(checked.prior, folder);
  const prior = await loadPrior(folder);
  const { model } = prior;
  const sigmas = sigmasOf(model, checked.sigmas);
  const crop = checked.cropSize ?? model.inputResolution;
  checkCropSize(model, crop, ` with prior ${model.name}`);
  const count = checked.crops ?? (model.conditioning ? CROPS : FEW_CROPS);
  const folders = [checked.folder].flat();
  const found = await calibrationCrops({ folders, crop, sheetTile, signal }, count, model);
  let { crops } = found;
  const engine = await openEngine(prior, { engine: checked.engine, threads });
  const deadline = minutes === undefined ? undefined : AbortSignal.timeout(Math.ceil(minutes * 60_000));
  try {
    const limit = AbortSignal.any([signal, deadline].flatMap((each) => each ?? []));
    const task = { engine, model, size: crop, crops, signal: limit };
    const rows: CalibrationRow[] = [];
    try {
      const middle = sigmas[Math.floor(sigmas.length / 2)] ?? 25;
      const pace = await measureCalibrationPace(task, middle);
      const work = fitting(sigmas, crops.length, pace, minutes);
      checked.onEstimate?.({ seconds: work.seconds, levels: work.sigmas.length, crops: work.crops });
      crops = crops.slice(0, work.crops);
      for (const [index, sigma255] of work.sigmas.entries()) {
        const start = rows.at(-1)?.beta ?? calibratedBetaMap(model, sigma255 / 255).beta;
        const tell = (beta: number, psnr: number, part: number, row?: CalibrationRow) =>
          checked.onProgress?.({ sigma255, beta, psnr, row, done: (index + part) / work.sigmas.length });
        let tried = 0;
        const row = await bestBeta({ ...task, crops }, sigma255, start, (beta, psnr) =>
          tell(beta, psnr, Math.min(1, ++tried / (USUAL_BETAS + 1))),
        );
        rows.push(row);
        tell(row.beta, row.betaMap, 1, row);
      }
    } catch (error) {
      if (signal?.aborted || !deadline?.aborted) throw error;
    }
    const { steps, rate, polish } = calibratedBetaMap(model, 0.1);
    const decided = rows.filter(({ isAtEnd }) => !isAtEnd);
    const table = (decided.length > 0 ? decided : rows).map(({ sigma255, beta }) => ({ sigma255, beta }));
    const betaMap = { steps, rate, polish, table };
    const { files, areKept } = found;
    if (!dryRun && rows.length > 0) await keep(folder, model, betaMap, rows, { crops, files, areKept });
    return { rows, betaMap, crops: crops.length, files, areKept, engine: `${engine.name}: ${engine.why}` };
  } finally {
    await engine.close();
  }
}

/**
 * The work that fits into the minutes, if there is a limit: fewer crops, down to a few, then fewer noise levels, the middle
 * ones first. Seconds per crop are those of one beta at one level.
 */
export function fitting(
  sigmas: readonly number[],
  crops: number,
  secondsPerCrop: number,
  minutes: number | undefined,
): { readonly sigmas: readonly number[]; readonly crops: number; readonly seconds: number } {
  const perCrop = (USUAL_BETAS + 1) * secondsPerCrop;
  const limit = minutes === undefined ? Number.POSITIVE_INFINITY : SAFE_PART * 60 * minutes;
  const affordable = Math.floor(limit / sigmas.length / perCrop);
  const count = Math.min(crops, Math.max(FEW_CROPS, affordable));
  const levels = Math.min(sigmas.length, Math.max(1, Math.floor(limit / (count * perCrop))));
  // Spread evenly; two or more include both ends.
  const chosen = Array.from({ length: levels }, (_, i) =>
    levels === 1 ? Math.floor(sigmas.length / 2) : Math.round((i * (sigmas.length - 1)) / (levels - 1)),
  );
  return {
    sigmas: chosen.flatMap((index) => sigmas[index] ?? []),
    crops: count,
    seconds: levels * count * perCrop,
  };
}

function refuseShipped(given: string, folder: string): void {
  const isShipped = shippedPriors().some((name) => resolve(findPrior(name)) === resolve(folder));
  if (isShipped)
    throw badOption(
      `Expected a prior's folder of your own but received ${given}, which comes with the package; copy its folder (flow-denoise priors path ${given}) and calibrate the copy, or measure with --dry-run`,
    );
}

function sigmasOf(model: PriorModel, wanted: readonly number[] | undefined): readonly number[] {
  const isConditioned = model.conditioning !== null;
  const [low, high] = model.sigmaRange.map((sigma) => sigma * 255) as [number, number];
  const isKnown = (sigma255: number): boolean =>
    !isConditioned || (sigma255 >= low * (1 - 1e-9) && sigma255 <= high * (1 + 1e-9));
  const unknown = wanted?.find((sigma255) => !isKnown(sigma255));
  if (unknown !== undefined)
    throw new FlowDenoiseError(
      'SIGMA_OUT_OF_RANGE',
      `Expected sigmas from ${low.toPrecision(4)} to ${high.toPrecision(4)}, which prior ${model.name} knows, but received ${unknown}`,
    );
  if (wanted !== undefined) return [...new Set(wanted)].sort((a, b) => a - b);
  const usual = (isConditioned ? SIGMAS_255 : FEW_SIGMAS_255).filter((s) => s >= low && s <= high);
  return usual.length > 0 ? usual : [Math.sqrt(low * high)];
}

async function keep(
  folder: string,
  model: PriorModel,
  betaMap: BetaMapCalibration,
  rows: readonly CalibrationRow[],
  { crops, files, areKept }: CalibrationCrops,
): Promise<void> {
  const two = (decibels: number): number => Number(decibels.toFixed(2));
  const calibration = {
    crops: crops.length,
    files,
    areKeptForValidation: areKept,
    date: new Date().toISOString().slice(0, 10),
    psnr: rows.map((row) => ({
      sigma255: row.sigma255,
      noisy: two(row.noisy),
      ...(row.posteriorMean !== undefined && { posteriorMean: two(row.posteriorMean) }),
      betaMap: two(row.betaMap),
    })),
  };
  const calibrated: PriorModel = {
    ...model,
    calibration: { ...model.calibration, betaMap },
    provenance: { ...model.provenance, calibration },
  };
  await saveModel(folder, calibrated);
  await updateModelCard(join(folder, 'README.md'), model, calibrated);
}
