// Recognises a file's format by its first bytes, and names those we cannot read. Does not check the rest.
import { extname } from 'node:path';

export type PictureFormat = 'png' | 'jpeg' | 'webp' | 'tiff' | 'avif' | 'gif';

/** The formats that a picture can be converted to. */
export type TargetFormat = Exclude<PictureFormat, 'avif' | 'gif'>;

/** Names of the formats in messages. */
export const formatNames = {
  png: 'PNG',
  jpeg: 'JPEG',
  webp: 'WebP',
  tiff: 'TIFF',
  avif: 'AVIF',
  gif: 'GIF',
} as const;

/** A signature: its format, an offset, and the bytes there (latin1). */
type Signature<Name> = readonly [name: Name, offset: number, bytes: string];

const readable: readonly Signature<PictureFormat>[] = [
  ['png', 0, '\x89PNG\r\n\x1a\n'],
  ['jpeg', 0, '\xff\xd8\xff'],
  ['webp', 8, 'WEBP'],
  ['tiff', 0, 'II*\0'],
  ['tiff', 0, 'MM\0*'],
  ['tiff', 0, 'II+\0'],
  ['tiff', 0, 'MM\0+'],
  ['avif', 4, 'ftypavif'],
  ['gif', 0, 'GIF87a'],
  ['gif', 0, 'GIF89a'],
];

const others: readonly Signature<string>[] = [
  ['an animated AVIF', 4, 'ftypavis'],
  ['a HEIC', 4, 'ftyp'],
  ['a BMP', 0, 'BM'],
  ['a PDF', 0, '%PDF'],
  ['a JPEG XL', 0, '\xff\x0a'],
  ['a JPEG XL', 4, 'JXL '],
  ['a JPEG 2000', 4, 'jP  '],
  ['a JPEG 2000', 0, '\xff\x4f\xff\x51'],
  ['a Photoshop PSD', 0, '8BPS'],
  ['an OpenEXR', 0, '\x76\x2f\x31\x01'],
  ['a Radiance HDR', 0, '#?RADIANCE'],
];

function signedBy<Name>(head: string, signatures: readonly Signature<Name>[]): Name | undefined {
  return signatures.find(([, offset, bytes]) => head.startsWith(bytes, offset))?.[0];
}

/** The format of our own that the bytes begin as, if any. */
export function pictureFormat(bytes: Uint8Array): PictureFormat | undefined {
  const head = latin1(bytes, 64);
  const format = signedBy(head, readable);
  // General HEIF, if AVIF is among its compatible brands.
  if (head.startsWith('ftypmif1', 4) && head.includes('avif', 16)) return 'avif';
  return format === 'webp' && !latin1(bytes, 4).startsWith('RIFF') ? undefined : format;
}

/** Names what else the bytes are: "a BMP picture", "an SVG drawing", "text", "unknown data". */
export function describeContents(bytes: Uint8Array): { words: string; isPicture: boolean } {
  if (bytes.length === 0) return { words: 'an empty file (0 bytes)', isPicture: false };
  const picture = signedBy(latin1(bytes, 32), others);
  if (picture !== undefined) return { words: `${picture} picture`, isPicture: true };
  const head = latin1(bytes, 1024);
  if (/<svg[\s>]/.test(head)) return { words: 'an SVG drawing', isPicture: true };
  const isText = [...head].every((character) => character >= ' ' || '\t\n\r\f'.includes(character));
  return { words: isText ? 'text' : 'unknown data', isPicture: false };
}

function latin1(bytes: Uint8Array, length: number): string {
  return Buffer.from(bytes.subarray(0, length)).toString('latin1');
}

const byFormat: Readonly<Record<PictureFormat, readonly string[]>> = {
  png: ['png'],
  jpeg: ['jpg', 'jpeg', 'jpe', 'jfif'],
  webp: ['webp'],
  tiff: ['tif', 'tiff'],
  avif: ['avif'],
  gif: ['gif'],
};

/** Extensions of files that can be denoised, in lower case, without the dot. */
export const supportedExtensions: readonly string[] = Object.values(byFormat).flat();

/** In lower case, without the dot. */
function extensionOf(path: string): string {
  return extname(path).slice(1).toLowerCase();
}

export function isSupportedExtension(path: string): boolean {
  return supportedExtensions.includes(extensionOf(path));
}

/** Whether the path may be a clean photograph's. A GIF's few colours are themselves noise. */
export function isPhotographExtension(path: string): boolean {
  return isSupportedExtension(path) && extensionOf(path) !== 'gif';
}

/** Changes the extension to a format's usual one, unless it means that format already. */
export function withFormatExtension(path: string, format: PictureFormat): string {
  const own = byFormat[format];
  if (own.includes(extensionOf(path))) return path;
  return `${path.slice(0, path.length - extname(path).length)}.${own[0]}`;
}
