// The package's main entry: the gulp step, the stream under it, and the denoiser for programs.
export { FlowDenoiseError, type FlowDenoiseErrorCode } from './core/errors.js';
export type { NoiseChannel, NoiseProfile } from './core/noise/model/noise-profile.js';
export type { Channels, Picture, Region, Samples } from './core/picture.js';
export type {
  DenoiseCallOptions,
  DenoiseReport,
  Denoiser,
  Ensemble,
  Method,
  NoiseReport,
  Preset,
  PriorChoice,
  Progress,
  SampleRange,
  TimeEstimate,
} from './denoiser/denoiser.js';
export {
  type AnalyseNoiseOptions,
  analyseNoise,
  type NoiseAnalysis,
} from './denoiser/noise/analyse-noise.js';
export { openDenoiser } from './denoiser/open-denoiser.js';
export type { DenoiserOptions } from './denoiser/options.js';
export type { Fidelity } from './image/index.js';
export {
  type DenoiseBytesOptions,
  type DenoisedFile,
  type DenoiseStreamOptions,
  denoise,
  denoise as default,
  denoiseBytes,
  denoiseStream,
  type FolderWatcher,
  type GulpOptions,
  type PictureDone,
  type PictureFailed,
  type PictureFailure,
  type PictureReport,
  type PictureSkipped,
  type PictureTaken,
  type WatchEvents,
  type WatchFolderOptions,
  type WatchProblem,
  type WatchReady,
  type WatchSummary,
  watchFolder,
} from './plugin/index.js';
