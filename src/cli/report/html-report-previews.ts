// The pictures of the HTML report as data URLs: small upright sRGB copies, and a detail at full size.

import type { Sharp } from 'sharp';
import type { Region } from '../../core/picture.js';
import {
  type DisplayImage,
  detailRegion,
  ofRaw,
  openDisplayImage,
  shrunk,
} from '../preview/display-image.js';

/** The same place before and after, both of one size. */
export interface PreviewPair {
  readonly width: number;
  readonly height: number;
  /** Data URLs; `after` is undefined if the picture did not change. */
  readonly before: string;
  readonly after: string | undefined;
}

export interface Previews {
  /** Size of the upright picture. */
  readonly width: number;
  readonly height: number;
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

/**
 * @param before  the original: its path or its bytes
 * @param after   the result; undefined if the picture did not change
 */
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
  const whole = {
    width: wholeBefore.width,
    height: wholeBefore.height,
    before: await dataUrl(ofRaw(wholeBefore), source.hasAlpha, WHOLE_QUALITY),
    after: wholeAfter && (await dataUrl(ofRaw(wholeAfter), result.hasAlpha, WHOLE_QUALITY)),
  };
  if (wholeBefore.width === width && wholeBefore.height === height)
    return { width, height, whole, detail: undefined };

  const size = { width: sizes.detail, height: sizes.detail };
  const region = detailRegion(wholeBefore, wholeAfter ?? wholeBefore, { width, height }, size);
  const cut = ({ open, hasAlpha }: DisplayImage): Promise<string> =>
    dataUrl(open().extract(region), hasAlpha, DETAIL_QUALITY);
  const pair = {
    width: region.width,
    height: region.height,
    before: await cut(source),
    after: result && (await cut(result)),
  };
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
