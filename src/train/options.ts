// The options of training, and the settings that follow from them: presets filled in, paths made absolute.
import { existsSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { z } from 'zod';
import { INSTALL_COMMAND } from '../core/engine/packages/tensorflow-package.js';
import { badOption, FlowDenoiseError } from '../core/errors.js';
import { type Architecture, squeezeFactor } from '../core/flow/architecture.js';
import { findPrior } from '../core/model/find-prior.js';
import { loadModel } from '../core/model/load-prior.js';
import type { PriorModel } from '../core/model/model-json.js';
import { plural } from '../core/printable.js';
import { notBoth, parseOptions } from '../denoiser/option-schema.js';
import { AUGMENTATIONS, SCALES } from './data/crops.js';
import { checkpointFile } from './loop/checkpoint.js';
import { OBJECTIVES } from './loop/objective.js';
import { PRESETS, presets, type TrainingSettings } from './presets.js';

const whole = (least: number, most: number) => z.int().min(least).max(most).optional();

const perLevel = (what: string, least: number, most: number) =>
  z
    .union([z.int().min(least).max(most), z.array(z.int().min(least).max(most)).min(1).max(8)])
    .optional()
    .describe(`a whole number from ${least} to ${most} (${what}), or a list with one for each level`);

const MOST_FOLDERS = 16;

export const folderSchema = z
  .union([z.string().min(1), z.array(z.string().min(1)).min(1).max(MOST_FOLDERS).readonly()])
  .describe(`a folder's path, or a list of 1 to ${MOST_FOLDERS}`);

const trainOptionsSchema = z.strictObject({
  /** Clean pictures, in one folder or several; subfolders count. No folder may be inside another. */
  folder: folderSchema,
  /**
   * Each folder's part of the crops, relative to the others: [3, 1] takes 75% from the first of two. A share is kept to
   * 0.1%, and is 0.1% at least. Default: every picture comes equally often.
   */
  weights: z
    .array(z.number().positive().max(1e6))
    .readonly()
    .optional()
    .describe('a list of numbers above 0 and at most 1,000,000'),
  output: z.string().min(1).describe("the new prior's folder"),
  /** Default 'natural'. */
  preset: z
    .enum(PRESETS)
    .optional()
    .describe(PRESETS.map((name) => `'${name}'`).join(', ')),
  /** Default: the preset's. */
  objective: z
    .enum(OBJECTIVES)
    .optional()
    .describe(OBJECTIVES.map((name) => `'${name}'`).join(', ')),
  steps: whole(1, 1e9).describe('a whole number of at least 1'),
  minutes: z.number().positive().max(1e6).optional().describe('a number above 0'),
  /** Resume from the checkpoint in `output`. */
  resume: z.boolean().optional().describe('true or false'),
  /** A prior, by name or folder, to start from, with its architecture. */
  from: z.string().min(1).optional().describe("a shipped prior's name or a prior's folder"),
  /** Default 1. */
  seed: whole(0, 2 ** 32 - 1).describe('a whole number from 0 to 2^32 - 1'),
  /** Crops per step. Default: the preset's, 9. */
  batch: whole(1, 4096).describe('a whole number from 1 to 4096'),
  /** Side of a crop, pixels. Default: the preset's, 64. */
  cropSize: whole(8, 1024).describe('a whole number from 8 to 1024 (pixels)'),
  /** Adam's rate after the warm-up. Default: the preset's, 1e-3. */
  rate: z.number().positive().max(1).optional().describe('a number above 0 and at most 1'),
  /** Set if the files are contact sheets: the side of their pictures. */
  sheetTile: whole(8, 4096).describe('a whole number from 8 to 4096 (pixels)'),
  augment: z
    .enum(AUGMENTATIONS)
    .optional()
    .describe(AUGMENTATIONS.map((name) => `'${name}'`).join(', ')),
  /**
   * The least scale, of 1, 0.75, 0.5 and 0.25: 0.5 takes a third of the crops each from the pictures at 1, 0.75 and 0.5 of
   * their size. No picture gets smaller than a crop. Default 1.
   */
  shrink: z.literal(SCALES).optional().describe('1, 0.75, 0.5 or 0.25'),
  /** Levels of the flow, and their steps and channels. Default: the preset's. */
  levels: whole(1, 6).describe('a whole number from 1 to 6'),
  depth: perLevel('steps', 1, 64),
  width: perLevel('channels of the networks', 1, 1024),
  activation: z.enum(['silu', 'relu']).optional().describe("'silu' or 'relu'"),
  couplingScale: z.enum(['tanh', 'sigmoid']).optional().describe("'tanh' or 'sigmoid'"),
  /** In steps. Default 250. */
  validateEvery: whole(1, 1e9).describe('a whole number of at least 1 (steps)'),
  /** In steps. Default 250. */
  checkpointEvery: whole(1, 1e9).describe('a whole number of at least 1 (steps)'),
  /** Temperature of the samples drawn from the flow; 0 draws none. Default 0.7. */
  temperature: z.number().min(0).max(2).optional().describe('a number from 0 to 2'),
  engine: z.string().optional().describe("'tensorflow'"),
  signal: z.instanceof(AbortSignal).optional().describe('an AbortSignal'),
});

export type TrainOptions = z.input<typeof trainOptionsSchema>;
type CheckedTrainOptions = z.output<typeof trainOptionsSchema>;

/** The number of steps if neither steps nor minutes are given. */
const STEPS = { small: 4000, natural: 12_000, paper: 20_000 } as const;
const EVERY = 250;
const TEMPERATURE = 0.7;

/** @throws  FlowDenoiseError BAD_OPTION, ENGINE_UNAVAILABLE for an engine that cannot train */
export function checkTrainOptions(options: TrainOptions): CheckedTrainOptions {
  const checked = parseOptions(trainOptionsSchema, options, 'train');
  const { steps, minutes, engine = 'tensorflow' } = checked;
  if (engine !== 'tensorflow')
    throw new FlowDenoiseError(
      'ENGINE_UNAVAILABLE',
      `Expected 'tensorflow' for engine, the only one with the gradient of a convolution's filter, but received '${engine}'; ${INSTALL_COMMAND} installs it`,
    );
  if (steps !== undefined && minutes !== undefined) throw notBoth('steps', 'minutes');
  if (checked.sheetTile !== undefined && checked.shrink !== undefined) throw notBoth('sheetTile', 'shrink');
  const { weights } = checked;
  const folders = [checked.folder].flat();
  if (weights !== undefined && weights.length !== folders.length)
    throw badOption(
      `Expected ${plural(folders.length, 'number')} for weights, one for each folder, but received ${weights.join(',')}`,
    );
  return checked;
}

/** A value for every level, from one number or a list. */
function spread(value: number | readonly number[], levels: number, name: string): readonly number[] {
  if (typeof value === 'number') return new Array<number>(levels).fill(value);
  if (value.length === levels) return value;
  throw badOption(
    `Expected one number or ${levels} for ${name}, one for each level, but received ${value.join(',')}`,
  );
}

function architectureFor(options: CheckedTrainOptions): Architecture {
  const { architecture: base } = presets[options.preset ?? 'natural'];
  const count = options.levels ?? base.levels.length;
  const of = (pick: (level: Architecture['levels'][number]) => number) =>
    Array.from({ length: count }, (_, i) =>
      pick(base.levels[Math.min(i, base.levels.length - 1)] as Architecture['levels'][number]),
    );
  const depths = spread(options.depth ?? of(({ steps }) => steps), count, 'depth');
  const widths = spread(options.width ?? of(({ width }) => width), count, 'width');
  const kernels = of(({ kernel }) => kernel);
  const { activation = base.activation, couplingScale = base.couplingScale } = options;
  return {
    ...base,
    ...(activation !== undefined && { activation }),
    ...(couplingScale !== undefined && { couplingScale }),
    levels: depths.map((steps, i) => {
      const width = widths[i] as number;
      const splits = i < count - 1;
      return { steps, width, kernel: kernels[i] as 1 | 3, ...(splits && { splitWidth: width }) };
    }),
  };
}

const foldersOf = ({ folder }: CheckedTrainOptions) => [folder].flat().map((each) => resolve(each));

async function startOf(
  options: CheckedTrainOptions,
): Promise<{ folder: string; model: PriorModel } | undefined> {
  if (options.from === undefined) return undefined;
  const given = (['preset', 'levels', 'depth', 'width', 'activation', 'couplingScale'] as const).find(
    (key) => options[key] !== undefined,
  );
  if (given !== undefined) throw notBoth('from', given, 'the new prior has the architecture of from');
  const folder = resolve(findPrior(options.from));
  return { folder, model: await loadModel(folder) };
}

/**
 * The settings of a new training.
 *
 * @throws  FlowDenoiseError BAD_OPTION, BAD_PRIOR
 */
export async function newSettings(options: CheckedTrainOptions): Promise<TrainingSettings> {
  const output = resolve(options.output);
  if (existsSync(join(output, 'model.json')) || existsSync(checkpointFile(output)))
    throw badOption(
      `Expected a folder without a prior for output but received ${options.output}, which has one; go on with --resume, or choose another folder`,
    );
  const presetName = options.preset ?? 'natural';
  const preset = presets[presetName];
  const start = await startOf(options);
  const architecture = start?.model ?? architectureFor(options);
  const objective = options.objective ?? (architecture.conditioning ? 'denoising' : 'likelihood');
  if (objective !== 'likelihood' && !architecture.conditioning)
    throw badOption(
      `Expected 'likelihood' for objective with a flow that is not conditioned on the noise level but received '${objective}'`,
    );
  const crop = options.cropSize ?? preset.crop;
  const factor = squeezeFactor(architecture);
  if (crop % factor !== 0)
    throw badOption(
      `Expected a multiple of ${factor} for cropSize, since the flow has ${architecture.levels.length} levels, but received ${crop}`,
    );
  const { channels, levels, scaleCap, conditioning, activation, couplingScale } = architecture;
  return {
    name: basename(output),
    folders: foldersOf(options),
    weights: options.weights,
    output,
    architecture: { channels, levels, scaleCap, conditioning, activation, couplingScale },
    objective,
    sigmaRange: start?.model.sigmaRange ?? preset.sigmaRange,
    batch: options.batch ?? preset.batch,
    crop,
    rate: options.rate ?? preset.rate,
    steps: options.minutes === undefined ? (options.steps ?? STEPS[presetName]) : undefined,
    minutes: options.minutes,
    seed: options.seed ?? 1,
    sheetTile: options.sheetTile,
    augment: options.augment,
    shrink: options.shrink,
    from: start?.folder,
    validateEvery: options.validateEvery ?? EVERY,
    checkpointEvery: options.checkpointEvery ?? EVERY,
    temperature: options.temperature ?? TEMPERATURE,
  };
}

/** Options that may change when a training resumes. */
const FREE = new Set([
  'folder',
  'output',
  'resume',
  'steps',
  'minutes',
  'validateEvery',
  'checkpointEvery',
  'temperature',
  'engine',
  'signal',
]);

/**
 * The settings of a resumed training: those of the checkpoint, with a new length if the options give one.
 *
 * @throws  FlowDenoiseError BAD_OPTION for an option that cannot change
 */
export function resumedSettings(options: CheckedTrainOptions, before: TrainingSettings): TrainingSettings {
  const fixed = Object.entries(options).find(([key, value]) => value !== undefined && !FREE.has(key));
  if (fixed !== undefined)
    throw badOption(
      `Expected no ${fixed[0]} with resume, since the checkpoint has it, but received ${fixed[1]}`,
    );
  const isToldLength = options.steps !== undefined || options.minutes !== undefined;
  const { validateEvery, checkpointEvery, temperature } = options;
  return {
    ...before,
    folders: foldersOf(options),
    output: resolve(options.output),
    ...(isToldLength && { steps: options.steps, minutes: options.minutes }),
    ...(validateEvery !== undefined && { validateEvery }),
    ...(checkpointEvery !== undefined && { checkpointEvery }),
    ...(temperature !== undefined && { temperature }),
  };
}
