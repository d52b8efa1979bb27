// The package's entry `flow-denoise/train`: training and calibrating priors, for programs.
export { FlowDenoiseError, type FlowDenoiseErrorCode } from '../core/errors.js';
export {
  type CalibrateOptions,
  type Calibration,
  type CalibrationProgress,
  type CalibrationRow,
  calibrate,
} from './calibrate/calibrate.js';
export type { Objective, PresetName } from './options.js';
export type {
  CheckpointRecord,
  FlowSamples,
  StepRecord,
  TrainingRecord,
  ValidationCrop,
  ValidationRecord,
  WarningRecord,
} from './progress.js';
export { type TrainOptions, train } from './train.js';
