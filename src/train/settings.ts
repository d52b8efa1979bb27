// Everything that decides how a training goes, as data: what the worker thread gets and a checkpoint keeps.
import type { Architecture } from '../core/flow/architecture.js';
import type { Objective } from './loop/objective.js';

export interface TrainingSettings {
  /** Of the prior. */
  readonly name: string;
  /** Of the pictures, absolute. */
  readonly folder: string;
  /** The prior's, absolute. */
  readonly output: string;
  readonly architecture: Architecture;
  readonly objective: Objective;
  /** [0, 1] units. */
  readonly sigmaRange: readonly [number, number];
  readonly batch: number;
  readonly crop: number;
  readonly rate: number;
  /** Exactly one of the two. */
  readonly steps: number | undefined;
  readonly minutes: number | undefined;
  readonly seed: number;
  readonly sheetTile: number | undefined;
  readonly augment: 'all' | 'mirror' | 'none' | undefined;
  /** A prior's folder whose weights are the start, absolute. */
  readonly from: string | undefined;
  /** Steps. */
  readonly validateEvery: number;
  readonly checkpointEvery: number;
  /** Of the latents of the samples; 0 draws none. */
  readonly temperature: number;
}
