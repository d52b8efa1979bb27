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
export { denoiseBytes } from './plugin/denoise-bytes.js';
export { denoiseStream } from './plugin/denoise-stream.js';
export type { DenoisedFile, PictureFailure, PictureReport } from './plugin/encoded-picture.js';
export { denoise, denoise as default } from './plugin/gulp.js';
export type { DenoiseBytesOptions, DenoiseStreamOptions, GulpOptions } from './plugin/stream-options.js';
export type * from './plugin/watch/events.js';
export { type FolderWatcher, watchFolder } from './plugin/watch/folder-watcher.js';
export type { WatchFolderOptions } from './plugin/watch/options.js';
