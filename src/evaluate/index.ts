// The package's entry `flow-denoise/evaluate`: measuring priors, methods and betas on a folder of clean pictures.
export { type Evaluation, evaluate } from './evaluation.js';
export { type Exchange, exportPictures } from './exchange.js';
export type { AddedNoise, CameraNoise, JpegSettings, NoiseLevel } from './noise-level.js';
export type { EvaluateOptions, EvaluationProgress, GivenProgram } from './options.js';
export type { ResidualMeasures } from './residual.js';
export type { Cell, EvaluationResults, Measures, PictureResult } from './results.js';
export { withoutPictures } from './shown.js';
export type { Beta, Subject } from './subject.js';
export { writeEvaluation } from './write-evaluation.js';
