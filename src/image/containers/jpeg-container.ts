// The segments around a JPEG's pixels (ITU T.81 annex B), which are copied byte for byte, and how the pixels are coded.
import { boundIndex, freeIndex, isPictureIndex, trailerOf } from './jpeg-trailer.js';
import { addPart, checksum, type Trait } from './parts.js';

export interface JpegContainer {
  readonly format: 'jpeg';
  /** IJG quality 1-100 estimated from the file's quantisation tables. */
  readonly quality: number;
  /** Such as '4:2:0'; unusual factors of the components as '2x2 1x2 1x1'; 'none' for grey. */
  readonly chromaSubsampling: string;
  readonly isProgressive: boolean;
  /** Samples that we cannot decode. */
  readonly unreadable?: string | undefined;
  /**
   * Complete APPn and COM segments with their markers, without Adobe's note about the input's colour transform: we write YCbCr or
   * grey. An index of further pictures counts from the trailer, and is left out if it cannot be read.
   */
  readonly segments: readonly Buffer[];
  /** The bytes after the picture. */
  readonly trailer: Buffer;
  readonly traits: readonly Trait[];
}

interface Segment {
  readonly marker: number;
  readonly bytes: Buffer;
  readonly start: number;
}

const [DQT, SOS] = [0xdb, 0xda];

/** Reads the segments before the first scan; in a damaged file, those before the damage. They are copies. @throws TooManyParts */
export function readJpegContainer(file: Buffer): JpegContainer {
  const all = segmentsOf(file);
  const frame = all.find(({ marker }) => isFrameHeader(marker));
  const trailer = trailerOf(file);
  const quality = jpegQuality(all.filter(({ marker }) => marker === DQT).map(({ bytes }) => bytes));
  const chromaSubsampling = frame === undefined ? 'unknown' : samplingOf(frame.bytes);
  const isProgressive = frame !== undefined && [0xc2, 0xc6, 0xca, 0xce].includes(frame.marker);
  const precision = frame?.bytes[4] ?? 8;
  const segments: Buffer[] = [];
  const traits: Trait[] = [
    ['quality', `about ${quality}`],
    ['chroma sampling', chromaSubsampling],
    ['scans', isProgressive ? 'progressive' : 'baseline'],
  ];
  for (const { bytes, start } of all.filter(isMetadata)) {
    const kept = isPictureIndex(bytes) ? freeIndex(bytes, start, file.length - trailer.length) : bytes;
    const name = segmentName(bytes);
    if (kept && name !== ADOBE) segments.push(Buffer.from(kept));
    traits.push([name, checksum(kept ?? bytes)]);
  }
  if (trailer.length > 0) traits.push(['data behind the picture', checksum(trailer)]);
  return {
    format: 'jpeg',
    quality,
    chromaSubsampling,
    isProgressive,
    unreadable: precision === 8 ? undefined : `of ${precision} bits`,
    segments,
    trailer: Buffer.from(trailer),
    traits,
  };
}

/** Replaces an encoded JPEG's application segments by the container's, and appends the trailer. */
export function withJpegContainer(encoded: Buffer, container: JpegContainer): Buffer {
  const own = segmentsOf(encoded);
  const firstScan = own.find(({ marker }) => marker === SOS);
  if (firstScan === undefined) return encoded;
  const file = Buffer.concat([
    encoded.subarray(0, 2),
    ...container.segments,
    ...own.filter((each) => each !== firstScan && !isMetadata(each)).map(({ bytes }) => bytes),
    encoded.subarray(firstScan.start),
    container.trailer,
  ]);
  for (const { bytes, start } of segmentsOf(file).filter((each) => isPictureIndex(each.bytes)))
    boundIndex(bytes, start, file.length - container.trailer.length)?.copy(file, start);
  return file;
}

/** Coefficients 0 to 63, all bits. */
const WHOLE_SCAN = Buffer.from([0, 63, 0]);

/**
 * Repairs the headers of an intact file, so that any warning left from the decoder means damage. Removes stray bytes between
 * segments, and gives the scan of a sequential JPEG its only valid parameters (some phones write 0 to 0), which decoders ignore
 * (ITU T.81, B.2.3).
 *
 * @returns  the copy to decode, and what was repaired, in words
 */
export function soundJpeg(file: Buffer): { bytes: Buffer; warnings: readonly string[] } {
  const segments = segmentsOf(file);
  const scan = segments.at(-1);
  if (scan?.marker !== SOS) return { bytes: file, warnings: [] };
  const padding = segments.reduce((count, { start }, i) => {
    const before = segments[i - 1];
    const gap = file.subarray(before ? before.start + before.bytes.length : 2, start);
    // Fill bytes before a marker are allowed.
    return count + gap.filter((byte) => byte !== 0xff).length;
  }, 0);
  const isSequential = segments.some(({ marker }) => marker === 0xc0 || marker === 0xc1);
  const isOdd = isSequential && !scan.bytes.subarray(-3).equals(WHOLE_SCAN);
  if (padding === 0 && !isOdd) return { bytes: file, warnings: [] };
  return {
    bytes: Buffer.concat([
      file.subarray(0, 2),
      ...segments.slice(0, -1).map(({ bytes }) => bytes),
      isOdd ? Buffer.concat([scan.bytes.subarray(0, -3), WHOLE_SCAN]) : scan.bytes,
      file.subarray(scan.start + scan.bytes.length),
    ]),
    warnings: [
      ...(padding > 0 ? [`${padding} stray bytes between its segments`] : []),
      ...(isOdd ? ['unusual parameters of its scan, which mean nothing in a JPEG of this kind'] : []),
    ],
  };
}

const ADOBE = 'note of the colour transform (Adobe)';
/** How a segment begins, and its name. */
const labels: readonly (readonly [marker: number, label: string, name: string])[] = [
  [0xe0, 'JFIF', 'JFIF header with density'],
  [0xe1, 'Exif', 'EXIF'],
  [0xe1, 'http://ns.adobe.com/xap/1.0/', 'XMP'],
  [0xe1, 'http://ns.adobe.com/xmp/extension/', 'XMP extension'],
  [0xe2, 'ICC_PROFILE', 'ICC profile'],
  [0xe2, 'MPF\0', 'index of further pictures (MPF)'],
  [0xed, 'Photoshop 3.0', 'IPTC and Photoshop blocks'],
  [0xee, 'Adobe', ADOBE],
  [0xfe, '', 'comment'],
];

function segmentName(bytes: Buffer): string {
  const marker = bytes[1] ?? 0;
  const known = labels.find(
    ([of, label]) => of === marker && bytes.toString('latin1', 4, 4 + label.length) === label,
  );
  return known?.[2] ?? `segment APP${marker - 0xe0}`;
}

/** By the factors of luma (across, down), if chroma's are 1 x 1. */
const samplings: Readonly<Record<string, string>> = {
  '1x1 1x1 1x1': '4:4:4',
  '2x1 1x1 1x1': '4:2:2',
  '4x1 1x1 1x1': '4:1:1',
  '1x2 1x1 1x1': '4:4:0',
  '2x2 1x1 1x1': '4:2:0',
};

function samplingOf(frame: Buffer): string {
  if (frame[9] !== 3) return 'none';
  const both = [11, 14, 17].map((at) => frame[at] ?? 0x11);
  const factors = both.map((factor) => `${factor >> 4}x${factor & 15}`).join(' ');
  return samplings[factors] ?? factors;
}

/** The segments before the first scan, with its header. @throws TooManyParts */
function segmentsOf(bytes: Buffer): Segment[] {
  const segments: Segment[] = [];
  for (let at = 2; at + 4 <= bytes.length; ) {
    // Some writers pad; like decoders, look for the next marker.
    if (bytes[at] !== 0xff) at = bytes.indexOf(0xff, at);
    if (at < 0 || at + 4 > bytes.length) break;
    const marker = bytes.readUInt8(at + 1);
    if (marker === 0xff) at += 1;
    else if (marker <= 0x01 || (marker >= 0xd0 && marker <= 0xd7)) at += 2;
    else {
      const end = at + 2 + bytes.readUInt16BE(at + 2);
      if (end > bytes.length) break;
      addPart(segments, { marker, bytes: bytes.subarray(at, end), start: at }, 'segments before the picture');
      if (marker === SOS) break;
      at = end;
    }
  }
  return segments;
}

function isFrameHeader(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
}

function isMetadata({ marker }: Segment): boolean {
  return (marker >= 0xe0 && marker <= 0xef) || marker === 0xfe;
}

/** Used when a file has no readable table. */
const FALLBACK_QUALITY = 95;

// Annex K.1 and K.2 in zigzag order.
const luma = [
  16, 11, 12, 14, 12, 10, 16, 14, 13, 14, 18, 17, 16, 19, 24, 40, 26, 24, 22, 22, 24, 49, 35, 37, 29, 40, 58,
  51, 61, 60, 57, 51, 56, 55, 64, 72, 92, 78, 64, 68, 87, 69, 55, 56, 80, 109, 81, 87, 95, 98, 103, 104, 103,
  62, 77, 113, 121, 112, 100, 120, 92, 101, 103, 99,
];
/** All further steps are 99. */
const chroma = [17, 18, 18, 24, 21, 24, 47, 26, 26, 47, 99, 66, 56, 66];

/**
 * The quality, 1-100, with the nearest tables (mean absolute difference of the steps, relative to their size): the inverse of
 * libjpeg's jpeg_set_quality, which scales the example tables of ITU T.81 annex K. The higher one if two are equally near.
 */
function jpegQuality(segments: readonly Buffer[]): number {
  const tables = [...quantisationTables(segments)].map(([id, bytes]) => {
    const width = bytes.length / 64;
    const steps = Array.from({ length: 64 }, (_, i) => bytes.readUIntBE(i * width, width));
    return { base: id === 0 ? luma : chroma, steps };
  });
  if (tables.length === 0) return FALLBACK_QUALITY;
  let best = FALLBACK_QUALITY;
  let bestDistance = Number.POSITIVE_INFINITY;
  for (let quality = 100; quality >= 1; quality--) {
    const distance = tables.reduce((sum, { base, steps }) => sum + distanceTo(base, steps, quality), 0);
    if (distance < bestDistance) {
      best = quality;
      bestDistance = distance;
    }
  }
  return best;
}

/** The bytes of the 64 steps in zigzag order for each of the 16 places that a file may use: the last ones there. 0 is luma. */
function quantisationTables(segments: readonly Buffer[]): Map<number, Buffer> {
  const tables = new Map<number, Buffer>();
  for (const bytes of segments)
    for (let at = 4; at < bytes.length; ) {
      const head = bytes.readUInt8(at);
      const end = at + 1 + (head >> 4 === 0 ? 64 : 128);
      if (end > bytes.length) break;
      tables.set(head & 15, bytes.subarray(at + 1, end));
      at = end;
    }
  return tables;
}

function distanceTo(base: readonly number[], steps: readonly number[], quality: number): number {
  const scale = quality < 50 ? 5000 / quality : 200 - 2 * quality;
  return steps.reduce((sum, step, i) => {
    const expected = Math.min(255, Math.max(1, Math.floor(((base[i] ?? 99) * Math.floor(scale) + 50) / 100)));
    return sum + Math.abs(step - expected) / (step + expected);
  }, 0);
}
