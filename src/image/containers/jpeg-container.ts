// The segments around a JPEG's pixels (ITU T.81 annex B), which are copied byte for byte, and how the pixels are coded.
import { type ChromaSubsampling, jpegQuality, type QuantisationTable } from '../jpeg/jpeg-quality.js';
import { checksum, type Trait } from '../traits.js';
import { boundIndex, freeIndex, isPictureIndex, trailerOf } from './jpeg-trailer.js';
import { atMost } from './part-limit.js';

export interface JpegContainer {
  readonly format: 'jpeg';
  /** IJG quality 1-100 estimated from the file's quantisation tables. */
  readonly quality: number;
  readonly chromaSubsampling: ChromaSubsampling;
  readonly isProgressive: boolean;
  /** Bits per sample; we decode only 8. */
  readonly precision: number;
  /** Complete APPn and COM segments with their markers. An index of further pictures counts from the trailer. */
  readonly segments: readonly Buffer[];
  /** The bytes after the picture. */
  readonly trailer: Buffer;
}

export interface Segment {
  readonly marker: number;
  readonly bytes: Buffer;
  readonly start: number;
}

const DQT = 0xdb;
export const SOS = 0xda;

/** Reads the segments before the first scan; in a damaged file, those before the damage. They are copies. */
export function readJpegContainer(bytes: Buffer): JpegContainer {
  const segments = segmentsOf(bytes);
  const frame = segments.find(({ marker }) => isFrameHeader(marker));
  const trailer = trailerOf(bytes);
  return {
    format: 'jpeg',
    quality: jpegQuality(quantisationTables(segments.filter(({ marker }) => marker === DQT))),
    chromaSubsampling: frame === undefined ? '4:4:4' : chromaSubsampling(frame.bytes),
    isProgressive: frame !== undefined && [0xc2, 0xc6, 0xca, 0xce].includes(frame.marker),
    precision: frame?.bytes[4] ?? 8,
    segments: keptSegments(segments, bytes.length - trailer.length),
    trailer: Buffer.from(trailer),
  };
}

function keptSegments(segments: readonly Segment[], trailerStart: number): Buffer[] {
  return segments.filter(isKept).flatMap((segment) => {
    if (!isPictureIndex(segment)) return Buffer.from(segment.bytes);
    return freeIndex(segment.bytes, segment.start, trailerStart) ?? [];
  });
}

/** Replaces an encoded JPEG's application segments by the container's, and appends the trailer. */
export function withJpegContainer(encoded: Buffer, container: JpegContainer): Buffer {
  const own = segmentsOf(encoded);
  const firstScan = own.find(({ marker }) => marker === SOS);
  if (firstScan === undefined) return encoded;
  const file = Buffer.concat([
    encoded.subarray(0, 2),
    ...container.segments,
    ...own.filter(({ marker }) => marker !== SOS && !isMetadata(marker)).map(({ bytes }) => bytes),
    encoded.subarray(firstScan.start),
    container.trailer,
  ]);
  const trailerStart = file.length - container.trailer.length;
  for (const segment of segmentsOf(file))
    if (isPictureIndex(segment))
      boundIndex(segment.bytes, segment.start, trailerStart)?.copy(file, segment.start);
  return file;
}

/** The file's properties besides its samples. */
export function jpegTraits(file: Buffer): Trait[] {
  const segments = segmentsOf(file);
  const { quality, isProgressive, trailer } = readJpegContainer(file);
  const trailerStart = file.length - trailer.length;
  const content = (segment: Segment) =>
    (isPictureIndex(segment) ? freeIndex(segment.bytes, segment.start, trailerStart) : undefined) ??
    segment.bytes;
  const frame = segments.find(({ marker }) => isFrameHeader(marker));
  return [
    ['quality', `about ${quality}`],
    ['chroma sampling', frame === undefined ? 'unknown' : samplingWords(frame.bytes)],
    ['scans', isProgressive ? 'progressive' : 'baseline'],
    ...segments
      .filter(({ marker }) => isMetadata(marker))
      .map((segment): Trait => [segmentName(segment), checksum(content(segment))]),
    ...(trailer.length === 0 ? [] : [['data behind the picture', checksum(trailer)] as const]),
  ];
}

/** How a segment begins, and its name. */
const labels: readonly (readonly [marker: number, label: string, name: string])[] = [
  [0xe0, 'JFIF', 'JFIF header with density'],
  [0xe1, 'Exif', 'EXIF'],
  [0xe1, 'http://ns.adobe.com/xap/1.0/', 'XMP'],
  [0xe1, 'http://ns.adobe.com/xmp/extension/', 'XMP extension'],
  [0xe2, 'ICC_PROFILE', 'ICC profile'],
  [0xe2, 'MPF\0', 'index of further pictures (MPF)'],
  [0xed, 'Photoshop 3.0', 'IPTC and Photoshop blocks'],
  [0xee, 'Adobe', 'note of the colour transform (Adobe)'],
  [0xfe, '', 'comment'],
];

function segmentName({ marker, bytes }: Segment): string {
  const known = labels.find(
    ([of, label]) => of === marker && bytes.toString('latin1', 4, 4 + label.length) === label,
  );
  return known?.[2] ?? `segment APP${marker - 0xe0}`;
}

/** Luma's factors (across, down), if chroma's are 1. */
const samplings: Readonly<Record<number, ChromaSubsampling>> = {
  17: '4:4:4',
  33: '4:2:2',
  65: '4:1:1',
  18: '4:4:0',
  34: '4:2:0',
};

/** The factors of the three components: two times four bits each. */
function samplingFactors(frame: Buffer): readonly [luma: number, ...chroma: number[]] {
  const factors = (component: number) => frame[10 + 3 * component + 1] ?? 0x11;
  return [factors(0), factors(1), factors(2)];
}

function usualSampling(frame: Buffer): ChromaSubsampling | undefined {
  const [luma, ...chroma] = samplingFactors(frame);
  return chroma.every((factors) => factors === 0x11) ? samplings[luma] : undefined;
}

function samplingWords(frame: Buffer): string {
  if (frame[9] !== 3) return 'none';
  const factors = samplingFactors(frame).map((both) => `${both >> 4}x${both & 15}`);
  return usualSampling(frame) ?? factors.join(' ');
}

/** The segments before the first scan, with its header. @throws TooManyParts */
export function segmentsOf(bytes: Buffer): Segment[] {
  return [...atMost(jpegSegments(bytes), 'segments before the picture')];
}

function* jpegSegments(bytes: Buffer): Generator<Segment> {
  for (let at = 2; at + 4 <= bytes.length; ) {
    // Some writers pad; like decoders, look for the next marker.
    if (bytes[at] !== 0xff) at = bytes.indexOf(0xff, at);
    if (at < 0 || at + 4 > bytes.length) return;
    const marker = bytes.readUInt8(at + 1);
    if (marker === 0xff) at += 1;
    else if (marker <= 0x01 || (marker >= 0xd0 && marker <= 0xd7)) at += 2;
    else {
      const end = at + 2 + bytes.readUInt16BE(at + 2);
      if (end > bytes.length) return;
      yield { marker, bytes: bytes.subarray(at, end), start: at };
      if (marker === SOS) return;
      at = end;
    }
  }
}

function isFrameHeader(marker: number): boolean {
  return marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker);
}

/** For a frame whose scans hold all coefficients. */
export function isSequential({ marker }: Pick<Segment, 'marker'>): boolean {
  return marker === 0xc0 || marker === 0xc1;
}

function isMetadata(marker: number): boolean {
  return (marker >= 0xe0 && marker <= 0xef) || marker === 0xfe;
}

/** Keeps all metadata but Adobe's note about the input's colour transform: we write YCbCr or grey. */
function isKept({ marker, bytes }: Segment): boolean {
  const isAdobes = marker === 0xee && bytes.toString('latin1', 4, 9) === 'Adobe';
  return isMetadata(marker) && !isAdobes;
}

/** Unusual layouts become 4:4:4, which keeps all chroma. */
function chromaSubsampling(frame: Buffer): ChromaSubsampling {
  return (frame[9] === 3 ? usualSampling(frame) : undefined) ?? '4:4:4';
}

/** One table for each of the 16 places that a file may use: the last one there. */
function quantisationTables(segments: readonly Segment[]): QuantisationTable[] {
  const places = new Map<number, { readonly bytes: Buffer; readonly at: number; readonly width: number }>();
  for (const { bytes } of segments)
    for (let at = 4; at < bytes.length; ) {
      const head = bytes.readUInt8(at);
      const width = head >> 4 === 0 ? 1 : 2;
      if (at + 1 + 64 * width > bytes.length) break;
      places.set(head & 15, { bytes, at: at + 1, width });
      at += 1 + 64 * width;
    }
  return [...places].map(([id, { bytes, at, width }]) => ({
    id,
    steps: Array.from({ length: 64 }, (_, i) => bytes.readUIntBE(at + i * width, width)),
  }));
}
