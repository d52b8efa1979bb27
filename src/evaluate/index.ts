// The package's entry `flow-denoise/evaluate`: measures priors, methods and betas on a folder of clean pictures.

export type { Beta, Contender } from './contender.js';
export { type Evaluation, type Exchange, evaluate, exportPictures } from './evaluation.js';
export type {
  Cell,
  EvaluationResults,
  Measures,
  PictureResult,
  ResidualMeasures,
} from './measure/results.js';
export { withoutPictures } from './measure/thumbnails.js';
export type { AddedNoise, CameraNoise, JpegSettings, NoiseLevel } from './noise-level.js';
export type { EvaluateOptions, EvaluationProgress, GivenProgram } from './options.js';
export { writeEvaluation } from './report/write-evaluation.js';
