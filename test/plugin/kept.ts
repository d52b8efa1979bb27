// What the matrices of picture kinds share: files through the stream with an estimator that changes nothing, read by sharp
// and by a second, independent reader (exifreader).
import assert from 'node:assert/strict';
import ExifReader from 'exifreader';
import sharp, { type Sharp } from 'sharp';
import Vinyl from 'vinyl';
import { denoiseStream } from '#src/plugin/denoise-stream.js';
import { planesOf, xmp } from '../image/made.js';
import { identityDenoiser } from './identity-denoiser.js';
import { through } from './through.js';

/** The file as it leaves the stream, and its report. */
export async function denoised(contents: Buffer, name: string) {
  const files = [new Vinyl({ path: `/${name}`, contents: Buffer.from(contents) })];
  const [out] = await through(denoiseStream({ sigma: 25, denoiser: identityDenoiser() }), files);
  const report = out?.flowDenoise;
  if (!report || report.error || !Buffer.isBuffer(out?.contents)) throw new Error(`${name} did not come out`);
  return { file: out.contents, report };
}

/** What sharp reads of a header; metadata as bytes. */
export async function headerOf(file: Buffer): Promise<object> {
  return { ...(await sharp(file).metadata()), size: 0 };
}

/** All that exifreader finds, in its own words. What says where in the file a block lies is left out. */
export async function independently(file: Buffer): Promise<object> {
  // It knows no BigTIFF.
  if (file.readUInt16LE(2) === 43) return {};
  const tags = await ExifReader.load(file, { expanded: true, includeUnknown: true, async: true });
  const places = /^(Strip|Tile|Free)(Offsets|ByteCounts)$|IFD Pointer$|^undefined-|^mpf$/;
  return JSON.parse(
    JSON.stringify({ ...tags, Thumbnail: 0 }, (key, value: unknown) =>
      places.test(key) ? undefined : value,
    ),
  ) as object;
}

export interface Kept {
  readonly isLossless?: boolean;
  readonly notKept?: readonly string[];
}

export async function assertKept(
  made: Sharp | Buffer,
  name: string,
  { isLossless = true, notKept = [] }: Kept = {},
) {
  const before = Buffer.isBuffer(made) ? made : await made.toBuffer();
  const { file, report } = await denoised(before, name);
  assert.deepEqual(await headerOf(file), await headerOf(before));
  assert.deepEqual(await independently(file), await independently(before));
  if (isLossless) assert.deepEqual(await planesOf(file), await planesOf(before));
  assert.deepEqual(report.file.notKept, notKept);
  return { before, file, report };
}

/** With all that sharp can write around a picture; grey without an orientation, which it writes into RGB only. */
export function dressed(pipeline: Sharp, orientation?: number): Sharp {
  return (
    orientation === undefined
      ? pipeline.withDensity(300)
      : pipeline.withMetadata({ orientation, density: 300 })
  )
    .withExifMerge({
      IFD0: { Artist: 'Ada', Copyright: 'Ada, 1843', ImageDescription: 'a description' },
      IFD2: { LensModel: 'a lens', DateTimeOriginal: '1843:07:10 12:00:00' },
      IFD3: { GPSLatitudeRef: 'N', GPSLatitude: '51/1 30/1 0/1' },
    })
    .withXmp(xmp);
}
