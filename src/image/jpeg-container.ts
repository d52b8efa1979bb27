// What surrounds the pixels in a JPEG file: application segments and comments (ITU T.81 annex B), carried over
// byte for byte, and how the pixels were coded. Not a pixel codec: that is sharp's.
import { type ChromaSubsampling, jpegQuality, type QuantisationTable } from './jpeg-quality.js';
import { checksum, type Trait } from './traits.js';

/** JPEG around its pixels. */
export interface JpegContainer {
  readonly format: 'jpeg';
  /** IJG quality 1-100 estimated from the file's quantisation tables. */
  readonly quality: number;
  readonly chromaSubsampling: ChromaSubsampling;
  readonly isProgressive: boolean;
  /** Bits per sample; only 8 can be decoded here. */
  readonly precision: number;
  /** Whole APPn and COM segments, marker included. */
  readonly segments: readonly Buffer[];
}

interface Segment {
  readonly marker: number;
  readonly bytes: Buffer;
  readonly start: number;
}

const DQT = 0xdb;
const SOS = 0xda;

/** Reads the segments before the first scan; of a damaged file, those before the damage. They are copies. */
export function readJpegContainer(bytes: Buffer): JpegContainer {
  const segments = [...jpegSegments(bytes)];
  const frame = segments.find(({ marker }) => isFrameHeader(marker));
  return {
    format: 'jpeg',
    quality: jpegQuality(segments.filter(({ marker }) => marker === DQT).flatMap(quantisationTables)),
    chromaSubsampling: frame === undefined ? '4:4:4' : chromaSubsampling(frame.bytes),
    isProgressive: frame !== undefined && [0xc2, 0xc6, 0xca, 0xce].includes(frame.marker),
    precision: frame?.bytes[4] ?? 8,
    segments: segments.filter(isKept).map((segment) => Buffer.from(segment.bytes)),
  };
}

/** The encoded JPEG with its own application segments replaced by the container's. */
export function withJpegContainer(encoded: Buffer, container: JpegContainer): Buffer {
  const own = [...jpegSegments(encoded)];
  const firstScan = own.find(({ marker }) => marker === SOS);
  if (firstScan === undefined) return encoded;
  return Buffer.concat([
    encoded.subarray(0, 2),
    ...container.segments,
    ...own.filter(({ marker }) => marker !== SOS && !isMetadata(marker)).map(({ bytes }) => bytes),
    encoded.subarray(firstScan.start),
  ]);
}

/** What the file says of itself beside its samples. */
export function jpegTraits(file: Buffer): Trait[] {
  const segments = [...jpegSegments(file)];
  const { quality, isProgressive } = readJpegContainer(file);
  const frame = segments.find(({ marker }) => isFrameHeader(marker));
  return [
    ['quality', `about ${quality}`],
    ['chroma sampling', frame === undefined ? 'unknown' : samplingWords(frame.bytes)],
    ['scans', isProgressive ? 'progressive' : 'baseline'],
    ...segments
      .filter(({ marker }) => isMetadata(marker))
      .map(({ marker, bytes }): Trait => [segmentName(marker, bytes), checksum(bytes)]),
  ];
}

/** What a segment begins with, and what it is. */
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

function segmentName(marker: number, bytes: Buffer): string {
  const known = labels.find(
    ([of, label]) => of === marker && bytes.toString('latin1', 4, 4 + label.length) === label,
  );
  return known?.[2] ?? `segment APP${marker - 0xe0}`;
}

/** In the usual words where there are any: 4:2:2, 4:4:0 ... */
function samplingWords(frame: Buffer): string {
  if (frame[9] !== 3) return 'none';
  const [luma = 0x11, ...chroma] = [0, 1, 2].map((component) => frame[10 + 3 * component + 1] ?? 0x11);
  const words: Readonly<Record<number, string>> = {
    17: '4:4:4',
    33: '4:2:2',
    34: '4:2:0',
    18: '4:4:0',
    65: '4:1:1',
    66: '4:1:0',
  };
  const isUsual = chroma.every((factors) => factors === 0x11);
  return (
    (isUsual ? words[luma] : undefined) ?? [luma, ...chroma].map((factors) => factors.toString(16)).join(' ')
  );
}

function* jpegSegments(bytes: Buffer): Generator<Segment> {
  for (let at = 2; at + 4 <= bytes.length; ) {
    if (bytes[at] !== 0xff) return;
    const marker = bytes.readUInt8(at + 1);
    if (marker === 0xff) at += 1;
    else if (marker === 0x01 || (marker >= 0xd0 && marker <= 0xd7)) at += 2;
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

function isMetadata(marker: number): boolean {
  return (marker >= 0xe0 && marker <= 0xef) || marker === 0xfe;
}

/**
 * All metadata but two: Adobe's colour transform speaks of how the input was coded (ours is YCbCr or grey), and
 * a multi-picture index points at pictures that stood behind the first.
 */
function isKept({ marker, bytes }: Segment): boolean {
  const startsWith = (label: string) => bytes.toString('latin1', 4, 4 + label.length) === label;
  if (marker === 0xee && startsWith('Adobe')) return false;
  if (marker === 0xe2 && startsWith('MPF\0')) return false;
  return isMetadata(marker);
}

/** sharp writes 4:2:0 or 4:4:4; a layout in between keeps all its chroma in 4:4:4. */
function chromaSubsampling(frame: Buffer): ChromaSubsampling {
  const sampling = (component: number) => frame[10 + 3 * component + 1];
  return frame[9] === 3 && sampling(0) === 0x22 && sampling(1) === 0x11 ? '4:2:0' : '4:4:4';
}

function quantisationTables({ bytes }: Segment): QuantisationTable[] {
  const tables: QuantisationTable[] = [];
  for (let at = 4; at < bytes.length; ) {
    const width = bytes.readUInt8(at) >> 4 === 0 ? 1 : 2;
    const id = bytes.readUInt8(at) & 15;
    if (at + 1 + 64 * width > bytes.length) break;
    tables.push({
      id,
      steps: Array.from({ length: 64 }, (_, i) => bytes.readUIntBE(at + 1 + i * width, width)),
    });
    at += 1 + 64 * width;
  }
  return tables;
}
