// The presets: flows and recipes to train by name.

import type { Architecture, Level } from '../core/flow/architecture.js';
import type { Augmentation } from './data/crops.js';
import type { Objective } from './loop/objective.js';

export const PRESETS = ['small', 'natural', 'paper'] as const;
export type PresetName = (typeof PRESETS)[number];

export interface Preset {
  readonly architecture: Architecture;
  readonly objective: Objective;
  /** The noise levels to train on, [0, 1] units; for an unconditioned flow, those to use it at. */
  readonly sigmaRange: readonly [number, number];
  readonly batch: number;
  /** Side of a crop, pixels. */
  readonly crop: number;
  /** Adam's rate after the warm-up. */
  readonly rate: number;
}

/** Everything that decides how a training goes, as data for the worker thread and the checkpoint. */
export interface TrainingSettings extends Preset {
  readonly name: string;
  /** The pictures' folders, absolute. */
  readonly folders: readonly string[];
  /** Each folder's part of the crops, relative to the others. */
  readonly weights: readonly number[] | undefined;
  /** The prior's folder, absolute. */
  readonly output: string;
  /** Exactly one of the two is set. */
  readonly steps: number | undefined;
  readonly minutes: number | undefined;
  readonly seed: number;
  readonly sheetTile: number | undefined;
  readonly augment: Augmentation | undefined;
  /** The least scale of the pictures. */
  readonly shrink: number | undefined;
  /** The folder of the prior to start from, absolute. */
  readonly from: string | undefined;
  /** In steps. */
  readonly validateEvery: number;
  readonly checkpointEvery: number;
  /** Temperature of the samples' latents; 0 draws none. */
  readonly temperature: number;
}

const CONDITIONING = { kind: 'log-sigma', features: 32 } as const;
const SIGMAS = [2.5 / 255, 100 / 255] as const;
/** The first is the deviation of uniform dequantization: for such a flow, clean 8-bit pictures have this noise. */
const DEQUANTIZED = [1 / (256 * Math.sqrt(12)), 100 / 255] as const;

const STEPPING = { batch: 9, crop: 64, rate: 1e-3 } as const;
const DENOISING = { ...STEPPING, objective: 'denoising', sigmaRange: SIGMAS } as const;

const level = (steps: number, width: number, kernel: 1 | 3, splits: boolean): Level => ({
  steps,
  width,
  kernel,
  ...(splits && { splitWidth: width }),
});

export const presets: Readonly<Record<PresetName, Preset>> = {
  small: {
    architecture: {
      channels: 3,
      levels: [level(6, 64, 1, true), level(6, 64, 3, true), level(6, 64, 3, false)],
      scaleCap: 1,
      conditioning: CONDITIONING,
    },
    ...DENOISING,
  },
  natural: {
    architecture: {
      channels: 3,
      levels: [level(12, 64, 1, true), level(8, 96, 3, true), level(6, 128, 3, false)],
      scaleCap: 1,
      conditioning: CONDITIONING,
    },
    ...DENOISING,
  },
  // The paper's Glow: 4 blocks of 32 steps, networks of 512 channels with ReLU, a sigmoid scale.
  paper: {
    architecture: {
      channels: 3,
      levels: [true, true, true, false].map((splits) => level(32, 512, 1, splits)),
      scaleCap: 1,
      couplingScale: 'sigmoid',
      activation: 'relu',
      conditioning: null,
    },
    ...STEPPING,
    objective: 'likelihood',
    sigmaRange: DEQUANTIZED,
  },
};
