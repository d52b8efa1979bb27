// The pictures of the HTML report as data URLs: small upright sRGB copies, and a detail at full size.

import type { Sharp } from 'sharp';
import type { Region, Size } from '../../core/picture.js';
import { detailRegion, ofRaw, openDisplayImage, shrunk } from '../preview/display-image.js';

/** The same place before and after, both of one size. */
export interface PreviewPair extends Size {
  /** Data URLs; `after` is undefined if the picture did not change. */
  readonly before: string;
  readonly after: string | undefined;
}

/** Of an upright picture, with its size. */
export interface Previews extends Size {
  readonly whole: PreviewPair;
  /** Undefined if the whole picture is shown at full size. */
  readonly detail: { readonly region: Region; readonly pair: PreviewPair } | undefined;
}

const WHOLE_QUALITY = 86;
const DETAIL_QUALITY = 92;

/** Longest sides in pixels that keep the page small enough to open: the more than 48 pictures, the smaller. */
export function previewSizes(pictures: number) {
  const scale = Math.min(1, Math.sqrt(48 / pictures));
  return { whole: Math.max(720, Math.round(1600 * scale)), detail: Math.max(320, Math.round(480 * scale)) };
}

/** @param after  the result; undefined if the picture did not change */
export async function makePreviews(
  before: string | Buffer,
  after: Buffer | undefined,
  sizes: ReturnType<typeof previewSizes>,
): Promise<Previews> {
  const source = await openDisplayImage(before);
  const result = after && (await openDisplayImage(after));
  const { width, height } = source;
  const wholeBefore = await shrunk(source, sizes.whole);
  const wholeAfter = result && (await shrunk(result, sizes.whole));
  const pairOf = async (size: Size, quality: number, one: Sharp, other?: Sharp): Promise<PreviewPair> => ({
    width: size.width,
    height: size.height,
    before: await dataUrl(one, source.hasAlpha, quality),
    after: other && (await dataUrl(other, result?.hasAlpha === true, quality)),
  });
  const whole = await pairOf(wholeBefore, WHOLE_QUALITY, ofRaw(wholeBefore), wholeAfter && ofRaw(wholeAfter));
  if (wholeBefore.width === width && wholeBefore.height === height)
    return { width, height, whole, detail: undefined };

  const size = { width: sizes.detail, height: sizes.detail };
  const region = detailRegion(wholeBefore, wholeAfter ?? wholeBefore, { width, height }, size);
  const [cut, cutAfter] = [source.open().extract(region), result?.open().extract(region)];
  const pair = await pairOf(region, DETAIL_QUALITY, cut, cutAfter);
  return { width, height, whole, detail: { region, pair } };
}

/** JPEG without chroma subsampling, which would hide noise; WebP if there may be transparency. */
async function dataUrl(picture: Sharp, hasAlpha: boolean, quality: number): Promise<string> {
  const encoded = hasAlpha
    ? picture.webp({ quality, smartSubsample: true })
    : picture.jpeg({ quality, chromaSubsampling: '4:4:4' });
  const bytes = await encoded.toBuffer();
  return `data:image/${hasAlpha ? 'webp' : 'jpeg'};base64,${bytes.toString('base64')}`;
}
