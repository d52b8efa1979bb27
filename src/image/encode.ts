// Encodes a picture as a file like its original: same format, depth, channels, coding and metadata.
import sharp, { type Sharp } from 'sharp';
import { FlowDenoiseError, messageOf } from '../core/errors.js';
import { type Picture, toPlanar } from '../core/picture.js';
import type { AvifContainer } from './containers/avif-container.js';
import { frameCount } from './containers/container.js';
import { type GifContainer, withGifContainer } from './containers/gif-container.js';
import { type JpegContainer, withJpegContainer } from './containers/jpeg-container.js';
import { blocksAsPngChunks, type MetadataBlocks } from './containers/metadata-blocks.js';
import { PLAIN_PNG, type PngContainer, withPngContainer } from './containers/png-container.js';
import { type TiffContainer, tiffCoding, withTiffContainer } from './containers/tiff-container.js';
import { type WebpContainer, withWebpContainer } from './containers/webp-container.js';
import { type DecodedPicture, withBand } from './decode.js';
import { encodeJpegTurbo } from './jpeg-turbo.js';
import { indexed } from './png-palette.js';

/**
 * Encodes a picture with its container, without clipping, scaling or converting samples (JPEG and lossy WebP have their own
 * loss). A palette PNG stays one while it has at most 256 colours.
 *
 * @param decoded  from decodePicture; its picture may have other samples of the same type, size and channels
 * @throws         FlowDenoiseError UNSUPPORTED_IMAGE if sharp refuses to encode
 */
export async function encodePicture(decoded: Omit<DecodedPicture, 'traits'>): Promise<Buffer> {
  const { name, picture, container, blocks, band } = decoded;
  try {
    switch (container.format) {
      case 'png':
        return await encodePng(picture, container);
      case 'jpeg':
        return await encodeJpeg(picture, container);
      case 'webp':
        return await encodeWebp(picture, container);
      case 'avif':
        return await encodeAvif(picture, container, blocks);
      case 'gif':
        return await encodeGif(picture, container);
      case 'tiff':
        return await encodeTiff(withBand(picture, band), container);
      default:
        return container satisfies never;
    }
  } catch (error) {
    const message = `${name}: could not be encoded as ${container.format} again (${messageOf(error).trim()}). Convert it to PNG first.`;
    throw new FlowDenoiseError('UNSUPPORTED_IMAGE', message, { cause: error });
  }
}

async function encodePng(picture: Picture, container: PngContainer): Promise<Buffer> {
  const progressive = container.isInterlaced;
  const { indices, palette } = (container.palette && indexed(picture, container.palette)) ?? {};
  const png = indices
    ? fromSamples(indices).png({ progressive })
    : fromSamples(picture).png({ progressive, adaptiveFiltering: true });
  return withPngContainer(await png.toBuffer(), container, palette);
}

async function encodeJpeg(picture: Picture, container: JpegContainer): Promise<Buffer> {
  const { quality, chromaSubsampling, isProgressive } = container;
  // If the codec fails, 4:4:4 keeps all chroma, and the report tells.
  const turbo = await encodeJpegTurbo(picture, container).catch(() => undefined);
  const jpeg = fromSamples(picture).jpeg({
    quality,
    chromaSubsampling: chromaSubsampling === '4:2:0' ? '4:2:0' : '4:4:4',
    progressive: isProgressive,
  });
  return withJpegContainer(turbo ?? (await jpeg.toBuffer()), container);
}

async function encodeWebp(picture: Picture, container: WebpContainer): Promise<Buffer> {
  const lossy = { quality: container.quality, alphaQuality: 100, smartSubsample: true, exact: true };
  const options = container.isLossless ? { lossless: true, exact: true } : lossy;
  const frames = framesOf(picture, frameCount(container));
  const encoded: Buffer[] = [];
  for (const frame of frames) encoded.push(await fromSamples(frame).webp(options).toBuffer());
  return withWebpContainer(encoded, container, picture.width, picture.height / frames.length);
}

/** Durations are written afterwards: sharp rounds them and raises short ones. */
async function encodeGif(picture: Picture, container: GifContainer): Promise<Buffer> {
  const { data, width, height, channels } = picture;
  const frames = frameCount(container);
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
  const isDeep = picture.data instanceof Uint16Array;
  const png = await fromSamples(isDeep ? rounded(picture, bitDepth) : picture)
    .png({ compressionLevel: 1 })
    .toBuffer();
  const dressed = withPngContainer(png, { ...PLAIN_PNG, chunksBefore: blocksAsPngChunks(blocks) });
  const avif = sharp(dressed, { limitInputPixels: false })
    .toColourspace(isDeep ? 'rgb16' : 'srgb')
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
  const { options, swapsBytes } = tiffCoding(container, picture);
  const tiff = fromSamples(swapsBytes ? swapped(picture) : picture).tiff(options);
  return withTiffContainer(await tiff.toBuffer(), container, picture, swapsBytes);
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

/** Swaps the bytes of 16-bit samples. */
function swapped(picture: Picture): Picture {
  const data = Uint16Array.from(picture.data);
  Buffer.from(data.buffer).swap16();
  return { ...picture, data };
}

/** A pipeline that outputs these samples. Naming their own space keeps sharp from converting. */
function fromSamples({ data, width, height, channels }: Picture): Sharp {
  if (data instanceof Float32Array) return fromFloats({ data, width, height, channels });
  const [depth8, depth16] = channels <= 2 ? ['b-w', 'grey16'] : ['srgb', 'rgb16'];
  const space = data instanceof Uint16Array ? depth16 : depth8;
  return sharp(data, { raw: { width, height, channels }, limitInputPixels: false }).toColourspace(space);
}

/**
 * sharp takes raw floats for 16-bit samples and would round them. Joined channels get the output's space without conversion,
 * so floats go in one channel at a time; a lone channel is joined and extracted.
 */
function fromFloats({ data, width, height, channels }: Picture<Float32Array>): Sharp {
  const options = { raw: { width, height, channels: 1 as const }, limitInputPixels: false };
  const planar = toPlanar(data, channels);
  const planes = Array.from({ length: channels }, (_, i) =>
    planar.slice(i * width * height, (i + 1) * width * height),
  );
  const [first = data, ...others] = planes;
  // joinChannel's declared types lack the typed arrays that it takes.
  const joined = (channels === 1 ? [first] : others) as unknown as Buffer[];
  const pipeline = sharp(first, options)
    .toColourspace(channels <= 2 ? 'b-w' : 'scrgb')
    .joinChannel(joined, options);
  return channels === 1 ? pipeline.extractChannel(0) : pipeline;
}
