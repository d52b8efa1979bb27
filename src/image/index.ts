// One picture on disk and in memory.

export { PLAIN_TIFF } from './containers/tiff-container.js';
export { type ConvertOptions, checkConversion, converted, isConversion } from './convert.js';
export {
  animationOf,
  DEFAULT_MAX_PIXELS,
  type DecodedPicture,
  type DecodeOptions,
  decodePicture,
  readPictureHeader,
} from './decode.js';
export { encodePicture, framesOf } from './encode.js';
export {
  formatOfFile,
  isPhotographExtension,
  isSupportedExtension,
  supportedExtensions,
  withFormatExtension,
} from './file-format.js';
export { fidelityOf } from './file-traits.js';
export type { PictureFormat, TargetFormat } from './format.js';
export type { Fidelity } from './traits.js';
