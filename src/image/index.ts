// One picture on disk and in memory.

export { frameCount } from './containers/container.js';
export { PLAIN_TIFF } from './containers/tiff-container.js';
export { type ConvertOptions, checkConversion, converted } from './convert.js';
export {
  DEFAULT_MAX_PIXELS,
  type DecodedPicture,
  type DecodeOptions,
  decodePicture,
  formatOfFile,
  readPictureHeader,
} from './decode.js';
export { encodePicture, framesOf } from './encode.js';
export { type Fidelity, fidelityOf } from './file-traits.js';
export {
  isPhotographExtension,
  isSupportedExtension,
  type PictureFormat,
  supportedExtensions,
  type TargetFormat,
  withFormatExtension,
} from './format.js';
