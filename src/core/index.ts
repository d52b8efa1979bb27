// The package's entry `flow-denoise/core`: priors, engines, estimators, the flow itself, noise and metrics, for
// programs that need the parts. Pictures and files are the main entry's.
export type { Engine, EngineName } from './engine/engine.js';
export { recordDensityAndScore } from './engine/onnx/record.js';
export { type EngineOptions, openEngine } from './engine/open-engine.js';
export { runEstimation } from './engine/run-estimation.js';
export { FlowDenoiseError, type FlowDenoiseErrorCode } from './errors.js';
export { type Architecture, type Level, parameterShapes, squeezeFactor } from './flow/architecture.js';
export { type Glow, type GlowForward, glow } from './flow/glow.js';
export { type DensityAndScore, densityAndScore } from './flow/log-density.js';
export { type ParameterSource, parametersFrom, type Weights } from './flow/parameters.js';
export { type BetaMapEstimate, type BetaMapOptions, betaMap } from './inference/beta-map.js';
export { calibratedBeta, calibratedBetaMap } from './inference/calibration.js';
export type { Density, DensityRequest, Estimate, Estimation } from './inference/estimation.js';
export { posteriorMean } from './inference/posterior-mean.js';
export { mse, psnr, ssim } from './metrics/index.js';
export { DEFAULT_PRIOR, findPrior, shippedPriors } from './model/find-prior.js';
export { loadPrior, type Prior } from './model/load-prior.js';
export type { PriorModel } from './model/model-json.js';
export { savePrior } from './model/save-prior.js';
export * from './noise/index.js';
export type { KernelShape, PictureShape, TensorOps } from './ops/tensor-ops.js';
