// The pictures of the HTML report as data URLs: small upright sRGB copies, and a detail pixel for pixel. Before and
// after are made alike.

import sharp, { type Sharp } from 'sharp';
import type { Region } from '../../core/picture.js';
import { detailRegion } from '../preview/detail-region.js';
import { type DisplayImage, openDisplayImage, type Raw, shrunk } from '../preview/display-image.js';

/** The same place before and after, both of one size. */
export interface PreviewPair {
  readonly width: number;
  readonly height: number;
  /** Data URLs; no `after` where the picture stayed as it was. */
  readonly before: string;
  readonly after: string | undefined;
}

export interface Previews {
  /** Of the upright picture. */
  readonly width: number;
  readonly height: number;
  readonly whole: PreviewPair;
  /** Undefined where the whole picture is there pixel for pixel. */
  readonly detail: { readonly region: Region; readonly pair: PreviewPair } | undefined;
}

/** Longest sides in pixels. */
interface PreviewSizes {
  readonly whole: number;
  readonly detail: number;
}

const WHOLE_QUALITY = 86;
const DETAIL_QUALITY = 92;

/** The sizes that keep a page of so many pictures openable: full up to 48, then the fewer pixels the more there are. */
export function previewSizes(pictures: number): PreviewSizes {
  const scale = Math.min(1, Math.sqrt(48 / pictures));
  return { whole: Math.max(720, Math.round(1600 * scale)), detail: Math.max(320, Math.round(480 * scale)) };
}

/**
 * Makes the previews of one picture.
 *
 * @param before  the file that came: its path or its bytes
 * @param after   the file that was made of it; undefined where it stayed as it was
 */
export async function makePreviews(
  before: string | Buffer,
  after: Buffer | undefined,
  sizes: PreviewSizes,
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

function ofRaw({ data, width, height, channels }: Raw): Sharp {
  return sharp(data, { raw: { width, height, channels } });
}

/** JPEG with all its chroma, where the noise is; WebP for what may be transparent. */
async function dataUrl(picture: Sharp, hasAlpha: boolean, quality: number): Promise<string> {
  const encoded = hasAlpha
    ? picture.webp({ quality, smartSubsample: true })
    : picture.jpeg({ quality, chromaSubsampling: '4:4:4' });
  const bytes = await encoded.toBuffer();
  return `data:image/${hasAlpha ? 'webp' : 'jpeg'};base64,${bytes.toString('base64')}`;
}
