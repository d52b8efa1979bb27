// The options of training, its presets, and the settings that follow from both: defaults filled in, paths made absolute.
import { basename, resolve } from 'node:path';
import { z } from 'zod';
import { INSTALL_COMMAND } from '../core/engine/packages/tensorflow-package.js';
import { badOption, FlowDenoiseError } from '../core/errors.js';
import { type Architecture, type Level, squeezeFactor } from '../core/flow/architecture.js';
import { findPrior } from '../core/model/find-prior.js';
import { loadModel } from '../core/model/load-prior.js';
import { plural } from '../core/printable.js';
import { defined, notBoth, parseOptions } from '../denoiser/option-schema.js';
import { signalOption } from '../denoiser/options.js';

/**
 * likelihood: the negative log density per dimension, nats (Glow's, and the paper's).
 * denoising: mean over pictures of ln(e + 1e-3), e = mean over a picture of (sigma score(x + sigma n; sigma) + n)^2, plus
 * 0.002 times the likelihood's. The logarithm makes every noise level count alike (Vincent 2011, A connection between score
 * matching and denoising autoencoders).
 * both: the same with 1 times the likelihood's.
 */
export const OBJECTIVES = ['likelihood', 'denoising', 'both'] as const;
export type Objective = (typeof OBJECTIVES)[number];

/** Everything that decides how a training goes, as data for the worker thread and the checkpoint. */
export interface TrainingSettings
  extends Pick<TrainOptions, 'weights' | 'steps' | 'minutes' | 'sheetTile' | 'augment' | 'shrink'>,
    Required<Pick<TrainOptions, 'objective' | 'batch' | 'rate' | 'seed'>>,
    Required<Pick<TrainOptions, 'validateEvery' | 'checkpointEvery' | 'temperature'>> {
  readonly name: string;
  /** Absolute, as are `output`, the prior's folder, and `from`, that of the prior to start from. */
  readonly folders: readonly string[];
  readonly output: string;
  readonly from?: string | undefined;
  readonly architecture: Architecture;
  /** The noise levels to train on, [0, 1] units; for an unconditioned flow, those to use it at. */
  readonly sigmaRange: readonly [number, number];
  /** Side of a crop, pixels. */
  readonly crop: number;
}

const PRESETS = ['small', 'natural', 'paper'] as const;
export type PresetName = (typeof PRESETS)[number];

/** Levels of [steps, width, kernel]; all but the last split. */
const levelsOf = (...levels: (readonly [number, number, Level['kernel']])[]): readonly Level[] =>
  levels.map(([steps, width, kernel], i) => ({
    steps,
    width,
    kernel,
    ...(i < levels.length - 1 && { splitWidth: width }),
  }));

const CONDITIONED = {
  channels: 3,
  scaleCap: 1,
  conditioning: { kind: 'log-sigma', features: 32 },
} as const;
const DEFAULTS = {
  objective: 'denoising',
  sigmaRange: [2.5 / 255, 100 / 255],
  batch: 9,
  crop: 64,
  rate: 1e-3,
  seed: 1,
  validateEvery: 250,
  checkpointEvery: 250,
  temperature: 0.7,
} as const;

/** `steps` counts if neither steps nor minutes are given. */
export const presets = {
  small: {
    ...DEFAULTS,
    architecture: { ...CONDITIONED, levels: levelsOf([6, 64, 1], [6, 64, 3], [6, 64, 3]) },
    steps: 4000,
  },
  natural: {
    ...DEFAULTS,
    architecture: { ...CONDITIONED, levels: levelsOf([12, 64, 1], [8, 96, 3], [6, 128, 3]) },
    steps: 12_000,
  },
  // The paper's Glow: 4 blocks of 32 steps, networks of 512 channels with ReLU, a sigmoid scale.
  paper: {
    ...DEFAULTS,
    objective: 'likelihood',
    // The first is the deviation of uniform dequantization: for such a flow, clean 8-bit pictures have this noise.
    sigmaRange: [1 / (256 * Math.sqrt(12)), 100 / 255],
    architecture: {
      channels: 3,
      levels: levelsOf([32, 512, 1], [32, 512, 1], [32, 512, 1], [32, 512, 1]),
      scaleCap: 1,
      couplingScale: 'sigmoid',
      activation: 'relu',
      conditioning: null,
    },
    steps: 20_000,
  },
} as const satisfies Readonly<Record<PresetName, Omit<TrainingSettings, 'name' | 'output' | 'folders'>>>;

/** 'all': any quarter turn, mirrored or not; 'mirror': mirrored left-right or not; 'none': as it is. */
const AUGMENTATIONS = ['all', 'mirror', 'none'] as const;
/** The scales that a picture may be shrunk to. */
export const SCALES = [1, 0.75, 0.5, 0.25] as const;

export const whole = (least: number, most: number) =>
  z.int().min(least).max(most).optional().describe(`a whole number from ${least} to ${most}`);
const steps = z.int().min(1).max(1e9).optional().describe('a whole number of at least 1');

export const oneOf = <const Names extends readonly string[]>(names: Names) =>
  z
    .enum(names)
    .optional()
    .describe(names.map((name) => `'${name}'`).join(', '));

const perLevel = (what: string, least: number, most: number) =>
  z
    .union([z.int().min(least).max(most), z.array(z.int().min(least).max(most)).min(1).max(8)])
    .optional()
    .describe(`a whole number from ${least} to ${most} (${what}), or a list with one for each level`);

export const folderSchema = z
  .union([z.string().min(1), z.array(z.string().min(1)).min(1).max(16).readonly()])
  .describe("a folder's path, or a list of 1 to 16");

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
  preset: oneOf(PRESETS),
  /** Default: the preset's. */
  objective: oneOf(OBJECTIVES),
  steps,
  minutes: z.number().positive().max(1e6).optional().describe('a number above 0'),
  /** Resume from the checkpoint in `output`. */
  resume: z.boolean().optional().describe('true or false'),
  /** A prior, by name or folder, to start from, with its architecture. */
  from: z.string().min(1).optional().describe("a shipped prior's name or a prior's folder"),
  /** Default 1. */
  seed: whole(0, 2 ** 32 - 1),
  /** Crops per step. Default: the preset's, 9. */
  batch: whole(1, 4096),
  /** Side of a crop, pixels. Default: the preset's, 64. */
  cropSize: whole(8, 1024),
  /** Adam's rate after the warm-up. Default: the preset's, 1e-3. */
  rate: z.number().positive().max(1).optional().describe('a number above 0 and at most 1'),
  /** Set if the files are contact sheets: the side of their pictures, edge to edge. Tiles of one colour are empty. */
  sheetTile: whole(8, 4096),
  /** Default 'all'; 'mirror' for contact sheets, whose pictures mostly have an up and a down. */
  augment: oneOf(AUGMENTATIONS),
  /**
   * The least scale, of 1, 0.75, 0.5 and 0.25: 0.5 takes a third of the crops each from the pictures at 1, 0.75 and 0.5 of
   * their size. No picture gets smaller than a crop, and validation crops are not shrunk. Default 1. Not for contact sheets.
   */
  shrink: z.literal(SCALES).optional().describe('1, 0.75, 0.5 or 0.25'),
  /** Levels of the flow, and their steps and channels. Default: the preset's. */
  levels: whole(1, 6),
  depth: perLevel('steps', 1, 64),
  width: perLevel('channels of the networks', 1, 1024),
  activation: oneOf(['silu', 'relu']),
  couplingScale: oneOf(['tanh', 'sigmoid']),
  /** In steps. Default 250. */
  validateEvery: steps,
  /** In steps. Default 250. */
  checkpointEvery: steps,
  /** Temperature of the samples drawn from the flow; 0 draws none. Default 0.7. */
  temperature: z.number().min(0).max(2).optional().describe('a number from 0 to 2'),
  engine: z.string().optional().describe("'tensorflow'"),
  signal: signalOption,
});

export type TrainOptions = z.output<typeof trainOptionsSchema>;

/** @throws  FlowDenoiseError BAD_OPTION, ENGINE_UNAVAILABLE for an engine that cannot train */
export function checkTrainOptions(options: TrainOptions): TrainOptions {
  const checked = parseOptions(trainOptionsSchema, options, 'train');
  const { folder, weights, engine = 'tensorflow' } = checked;
  if (engine !== 'tensorflow')
    throw new FlowDenoiseError(
      'ENGINE_UNAVAILABLE',
      `Expected 'tensorflow' for engine, the only one with the gradient of a convolution's filter, but received '${engine}'; ${INSTALL_COMMAND} installs it`,
    );
  refuseBoth(checked, 'steps', ['minutes']);
  refuseBoth(checked, 'sheetTile', ['shrink']);
  const folders = [folder].flat().length;
  if (weights !== undefined && weights.length !== folders)
    throw badOption(
      `Expected ${plural(folders, 'number')} for weights, one for each folder, but received ${weights.join(',')}`,
    );
  return checked;
}

function refuseBoth(
  options: TrainOptions,
  one: keyof TrainOptions,
  others: readonly (keyof TrainOptions)[],
  why?: string,
): void {
  const other = others.find((name) => options[name] !== undefined);
  if (options[one] !== undefined && other !== undefined) throw notBoth(one, other, why);
}

function architectureFor(options: TrainOptions): Architecture {
  const base: Architecture = presets[options.preset ?? 'natural'].architecture;
  const { levels: count = base.levels.length, activation, couplingScale } = options;
  const at = (name: 'depth' | 'width', level: number): number | undefined => {
    const value = options[name];
    if (typeof value !== 'object') return value;
    if (value.length === count) return value[level];
    throw badOption(
      `Expected one number or ${count} for ${name}, one for each level, but received ${value.join(',')}`,
    );
  };
  const levels = Array.from({ length: count }, (_, i) => {
    const { steps, width, kernel } = base.levels[Math.min(i, base.levels.length - 1)] as Level;
    return [at('depth', i) ?? steps, at('width', i) ?? width, kernel] as const;
  });
  return { ...base, levels: levelsOf(...levels), ...defined({ activation, couplingScale }) };
}

const foldersOf = ({ folder }: TrainOptions) => [folder].flat().map((each) => resolve(each));

/** The settings of a new training. @throws  FlowDenoiseError BAD_OPTION, BAD_PRIOR */
export async function newSettings(options: TrainOptions): Promise<TrainingSettings> {
  const { folder, output, resume, engine, signal, preset = 'natural', cropSize, from, ...others } = options;
  const { levels, depth, width, activation, couplingScale, ...own } = others;
  const shape = ['preset', 'levels', 'depth', 'width', 'activation', 'couplingScale'] as const;
  refuseBoth(options, 'from', shape, 'the new prior has the architecture of from');
  const start = from === undefined ? undefined : resolve(findPrior(from));
  const model = start === undefined ? undefined : await loadModel(start);
  const { architecture, sigmaRange, crop, steps, ...defaults } = presets[preset];
  const flow = model ?? architectureFor(options);
  const settings = {
    ...defaults,
    objective: flow.conditioning ? 'denoising' : 'likelihood',
    steps: own.minutes === undefined ? steps : undefined,
    ...own,
    name: basename(resolve(output)),
    folders: foldersOf(options),
    output: resolve(output),
    crop: cropSize ?? crop,
    architecture: {
      channels: flow.channels,
      levels: flow.levels,
      scaleCap: flow.scaleCap,
      conditioning: flow.conditioning,
      activation: flow.activation,
      couplingScale: flow.couplingScale,
    },
    sigmaRange: model?.sigmaRange ?? sigmaRange,
    from: start,
  } as const;
  if (settings.objective !== 'likelihood' && !flow.conditioning)
    throw badOption(
      `Expected 'likelihood' for objective with a flow that is not conditioned on the noise level but received '${settings.objective}'`,
    );
  checkCropSize(flow, settings.crop, `, since the flow has ${flow.levels.length} levels,`);
  return settings;
}

/** @throws  FlowDenoiseError BAD_OPTION for crops that the flow cannot take */
export function checkCropSize(flow: Pick<Architecture, 'levels'>, size: number, why: string): void {
  const factor = squeezeFactor(flow);
  if (size % factor !== 0)
    throw badOption(`Expected a multiple of ${factor} for cropSize${why} but received ${size}`);
}

/** The checkpoint's settings with the options that may change. @throws  FlowDenoiseError BAD_OPTION for any other option */
export function resumedSettings(options: TrainOptions, before: TrainingSettings): TrainingSettings {
  const { folder, output, resume, engine, signal, steps, minutes, ...others } = options;
  const { validateEvery, checkpointEvery, temperature, ...fixed } = others;
  const [refused] = Object.entries(fixed);
  if (refused !== undefined)
    throw badOption(
      `Expected no ${refused[0]} with resume, since the checkpoint has it, but received ${refused[1]}`,
    );
  return {
    ...before,
    folders: foldersOf(options),
    output: resolve(output),
    ...((steps ?? minutes) !== undefined && { steps, minutes }),
    validateEvery: validateEvery ?? before.validateEvery,
    checkpointEvery: checkpointEvery ?? before.checkpointEvery,
    temperature: temperature ?? before.temperature,
  };
}
