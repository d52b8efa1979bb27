// Encodes a picture as a file like its original: same format, depth, channels, coding and metadata.
import sharp, { type Sharp, type SharpOptions } from 'sharp';
import { badOption, FlowDenoiseError, messageOf } from '../core/errors.js';
import type { Channels, Picture, Samples } from '../core/picture.js';
import type { AvifContainer } from './containers/avif-container.js';
import { type GifContainer, withGifContainer } from './containers/gif-container.js';
import { type JpegContainer, withJpegContainer } from './containers/jpeg-container.js';
import { blocksAsPngChunks, type MetadataBlocks } from './containers/metadata-blocks.js';
import { PLAIN_PNG, withPngContainer } from './containers/png-container.js';
import { type TiffContainer, tiffCoding, withTiffContainer } from './containers/tiff-container.js';
import { asWebpAnimation, type WebpContainer, withWebpContainer } from './containers/webp-container.js';
import type { DecodedPicture } from './decode.js';
import { encodeJpegTurbo } from './jpeg/jpeg-turbo.js';
import { indexed } from './png-palette.js';

/**
 * Encodes new samples as a file like the decoded one, without clipping, scaling or converting them (JPEG and lossy WebP have
 * their own loss). A palette PNG stays one while it has at most 256 colours.
 *
 * @param decoded  from decodePicture
 * @param data     samples of the same type, size and channels; default: the decoded ones
 * @throws         FlowDenoiseError BAD_OPTION (samples of another type or number), UNSUPPORTED_IMAGE (sharp
 *                 refused to encode)
 */
export async function encodePicture(
  decoded: DecodedPicture,
  data: Samples = decoded.picture.data,
): Promise<Buffer> {
  const { container, picture, name } = decoded;
  checkSamples(decoded, data);
  const pipeline = fromSamples({ ...picture, data });
  try {
    switch (container.format) {
      case 'png': {
        const progressive = container.isInterlaced;
        const byIndex = container.palette && indexed({ ...picture, data }, container.palette);
        if (byIndex) {
          const { indices, palette, width, height } = byIndex;
          const png = fromSamples({ data: indices, width, height, channels: 1 }).png({ progressive });
          return withPngContainer(await png.toBuffer(), container, palette);
        }
        const png = pipeline.png({ progressive, adaptiveFiltering: true });
        return withPngContainer(await png.toBuffer(), container);
      }
      case 'jpeg': {
        const { quality, chromaSubsampling, isProgressive } = container;
        const turbo = await beyondSharp({ ...picture, data }, container);
        if (turbo) return withJpegContainer(turbo, container);
        const jpeg = pipeline.jpeg({
          quality,
          chromaSubsampling: chromaSubsampling === '4:2:0' ? '4:2:0' : '4:4:4',
          progressive: isProgressive,
        });
        return withJpegContainer(await jpeg.toBuffer(), container);
      }
      case 'webp':
        return await encodeWebp({ ...picture, data }, container);
      case 'avif':
        return await encodeAvif({ ...picture, data }, container, decoded.blocks);
      case 'gif':
        return await encodeGif({ ...picture, data }, container);
      case 'tiff':
        return await encodeTiff(withBand({ ...picture, data }, decoded.band), container);
      default:
        return container satisfies never;
    }
  } catch (error) {
    throw new FlowDenoiseError(
      'UNSUPPORTED_IMAGE',
      `${name}: could not be encoded as ${container.format} again (${messageOf(error).trim()}). Convert it to PNG first.`,
      { cause: error },
    );
  }
}

async function encodeWebp(picture: Picture, container: WebpContainer): Promise<Buffer> {
  const { animation, isLossless, quality } = container;
  const lossy = { quality, alphaQuality: 100, smartSubsample: true, exact: true };
  const options = isLossless ? { lossless: true, exact: true } : lossy;
  const encoded: Buffer[] = [];
  for (const frame of framesOf(picture, animation?.durations.length ?? 1))
    encoded.push(await fromSamples(frame).webp(options).toBuffer());
  const { width } = picture;
  const height = picture.height / encoded.length;
  const [first = Buffer.alloc(0)] = encoded;
  const webp = animation ? asWebpAnimation(encoded, animation, width, height) : first;
  return withWebpContainer(webp, container, width, height);
}

/** Durations are written afterwards: sharp rounds them and raises short ones. */
async function encodeGif(picture: Picture, container: GifContainer): Promise<Buffer> {
  const { data, width, height, channels } = picture;
  const frames = container.animation?.durations.length ?? 1;
  const raw = { width, height, channels, ...(frames > 1 && { pageHeight: height / frames }) };
  const gif = sharp(data as Uint8Array, { raw, limitInputPixels: false }).gif({
    progressive: container.isInterlaced,
    keepDuplicateFrames: true,
    delay: new Array<number>(frames).fill(100),
  });
  return withGifContainer(await gif.toBuffer(), container);
}

/** Metadata take the way through a PNG, from which sharp copies them unread. */
async function encodeAvif(
  picture: Picture,
  container: AvifContainer,
  blocks: MetadataBlocks,
): Promise<Buffer> {
  const { isLossless, quality, chromaSubsampling, bitDepth } = container;
  const png = await fromSamples(picture.data instanceof Uint16Array ? rounded(picture, bitDepth) : picture)
    .png({ compressionLevel: 1 })
    .toBuffer();
  const dressed = withPngContainer(png, { ...PLAIN_PNG, chunksBefore: blocksAsPngChunks(blocks) });
  const space = picture.data instanceof Uint16Array ? 'rgb16' : 'srgb';
  const avif = sharp(dressed, { limitInputPixels: false })
    .toColourspace(space)
    .avif({
      lossless: isLossless,
      quality,
      bitdepth: bitDepth,
      chromaSubsampling: chromaSubsampling === '4:2:0' || chromaSubsampling === 'none' ? '4:2:0' : '4:4:4',
    });
  if (blocks.exif !== undefined) avif.keepExif(); // where there was none, it would make one
  if (blocks.xmp !== undefined) avif.keepXmp();
  if (blocks.icc !== undefined) avif.keepIccProfile();
  return avif.toBuffer();
}

/** Rounds to the depth; the encoder would truncate. */
function rounded(picture: Picture, bitDepth: number): Picture {
  const half = 2 ** (15 - bitDepth);
  return { ...picture, data: Uint16Array.from(picture.data, (value) => Math.min(65_535, value + half)) };
}

async function encodeTiff(picture: Picture, container: TiffContainer): Promise<Buffer> {
  const { compression, isBig, tile } = container;
  const [tileWidth, tileHeight] = tile ?? [];
  const coding = tiffCoding(container, picture);
  const predictor = picture.data instanceof Float32Array ? 'float' : 'horizontal';
  const tiff = fromSamples(coding.swapsBytes ? swapped(picture) : picture).tiff({
    compression,
    predictor: coding.hasPredictor ? predictor : 'none',
    miniswhite: coding.miniswhite,
    bigtiff: isBig,
    ...(tile && { tile: true, tileWidth, tileHeight }),
  });
  return withTiffContainer(await tiff.toBuffer(), container, picture, coding);
}

/** The frames of an animation, from the top. */
export function framesOf(picture: Picture, frames: number): Picture[] {
  const height = picture.height / frames;
  const length = picture.data.length / frames;
  return Array.from({ length: frames }, (_, i) => ({
    ...picture,
    height,
    data: picture.data.subarray(i * length, (i + 1) * length),
  }));
}

/** Appends the band that was set aside as the last channel. */
function withBand(picture: Picture, band: Samples | undefined): Picture {
  if (band === undefined) return picture;
  const { data, channels } = picture;
  const together = new (data.constructor as typeof Uint8Array)(data.length + band.length);
  for (let i = 0, from = 0, to = 0; i < band.length; i++) {
    for (let channel = 0; channel < channels; channel++) together[to++] = data[from++] as number;
    together[to++] = band[i] as number;
  }
  return { ...picture, data: together, channels: (channels + 1) as Channels };
}

/** Swaps the bytes of 16-bit samples. */
function swapped(picture: Picture): Picture {
  const data = Uint16Array.from(picture.data);
  Buffer.from(data.buffer).swap16();
  return { ...picture, data };
}

/** Undefined if sharp can write it, or the codec fails: then 4:4:4 keeps all chroma, and the report tells. */
async function beyondSharp(
  { data, channels, ...size }: Picture,
  container: JpegContainer,
): Promise<Buffer | undefined> {
  const { chromaSubsampling } = container;
  const isSharps = chromaSubsampling === '4:4:4' || chromaSubsampling === '4:2:0';
  if (isSharps || channels !== 3 || !(data instanceof Uint8Array)) return undefined;
  return encodeJpegTurbo({ data, channels, ...size }, container).catch(() => undefined);
}

function checkSamples({ picture, name }: DecodedPicture, data: Samples): void {
  if (data.constructor === picture.data.constructor && data.length === picture.data.length) return;
  const words = (samples: Samples) => `${samples.constructor.name} of ${samples.length}`;
  throw badOption(
    `${name}: expected samples like the decoded ones, ${words(picture.data)}, received ${words(data)}. Convert them first.`,
  );
}

/** A pipeline that outputs these samples. Naming their own space keeps sharp from converting. */
function fromSamples({ data, width, height, channels }: Picture): Sharp {
  if (data instanceof Float32Array) return fromFloats({ data, width, height, channels });
  const depth8 = channels <= 2 ? 'b-w' : 'srgb';
  const depth16 = channels <= 2 ? 'grey16' : 'rgb16';
  return sharp(data, { raw: { width, height, channels }, limitInputPixels: false }).toColourspace(
    data instanceof Uint16Array ? depth16 : depth8,
  );
}

/**
 * sharp takes raw floats for 16-bit samples and would round them. Joined channels get the output's space without conversion,
 * so floats go in one channel at a time; a lone channel is joined and extracted.
 */
function fromFloats({ data, width, height, channels }: Picture<Float32Array>): Sharp {
  const options = { raw: { width, height, channels: 1 as const }, limitInputPixels: false };
  const planes = Array.from({ length: channels }, (_, channel) =>
    Float32Array.from({ length: width * height }, (_, i) => data[i * channels + channel] ?? 0),
  );
  const [first = data, ...others] = planes;
  const pipeline = sharp(first, options).toColourspace(channels <= 2 ? 'b-w' : 'scrgb');
  if (channels === 1) return joined(pipeline, [first], options).extractChannel(0);
  return joined(pipeline, others, options);
}

/** joinChannel, whose declared types lack the typed arrays that it takes. */
function joined(pipeline: Sharp, planes: readonly Float32Array[], options: SharpOptions): Sharp {
  return pipeline.joinChannel(planes as unknown as Buffer[], options);
}
