// The blocks around a GIF's pixels (GIF89a): frame durations, and extensions (loops, comments, profile, XMP), which are copied
// byte for byte.
import { type Animation, addPart, animationTraits, checksum, type Trait } from './parts.js';

export interface GifContainer {
  readonly format: 'gif';
  readonly isInterlaced: boolean;
  /** Undefined for a single frame. */
  readonly animation: Animation | undefined;
  /** Complete extensions. */
  readonly extensions: readonly Buffer[];
  readonly traits: readonly Trait[];
}

/** A block of the file after its header. */
interface Part {
  readonly kind: 'frame' | 'control' | 'extension' | 'text';
  readonly bytes: Buffer;
}

const HEADER_LENGTH = 13;
const [EXTENSION, IMAGE, COMMENT] = [0x21, 0x2c, 0xfe];
/** Kinds of extension blocks by their label. */
const kinds: Readonly<Record<number, Part['kind']>> = {
  1: 'text',
  249: 'control',
  254: 'extension',
  255: 'extension',
};
const CONTROL_LENGTH = 8;
const LOOPS = 'NETSCAPE2.0';
/** After the marker, its length, the name, and the block's length and number. */
const LOOPS_AT = 16;
/** A control block counts in hundredths of a second. */
const TICK = 10;

/** Reads the blocks of a GIF; in a damaged file, those before the damage. They are copies. @throws TooManyParts */
export function readGifContainer(bytes: Buffer): GifContainer {
  const parts = partsOf(bytes);
  const frames = parts.filter(({ kind }) => kind === 'frame');
  const extensions = parts.filter(({ kind }) => kind === 'extension').map((part) => Buffer.from(part.bytes));
  const isInterlaced = ((frames[0]?.bytes[9] ?? 0) & 0x40) !== 0;
  const animation =
    frames.length > 1 ? { durations: durationsOf(parts), loops: loopsOf(extensions) } : undefined;
  const traits: Trait[] = [
    ['interlacing', isInterlaced ? 'yes' : 'none'],
    ...animationTraits(animation),
    ...extensions
      .filter((bytes) => nameOf(bytes) !== LOOPS)
      .map((bytes): Trait => [extensionNames[nameOf(bytes)] ?? 'extension', checksum(bytes)]),
  ];
  return { format: 'gif', isInterlaced, animation, extensions, traits };
}

/** Puts the container's durations and extensions into an encoded GIF. @throws Error if the number of frames differs */
export function withGifContainer(encoded: Buffer, { animation, extensions }: GifContainer): Buffer {
  const durations = animation?.durations ?? [0];
  const body = partsOf(encoded).filter(({ kind }) => kind === 'frame' || kind === 'control');
  let frame = 0;
  for (const { kind, bytes } of body)
    if (kind === 'frame') frame++;
    else bytes.writeUInt16LE(Math.round((durations[frame] ?? 0) / TICK), 4);
  if (frame !== durations.length) throw new Error(`${durations.length} frames became ${frame}`);
  return Buffer.concat([
    encoded.subarray(0, firstPart(encoded)),
    ...extensions,
    ...body.map(({ bytes }) => bytes),
    Buffer.from([0x3b]),
  ]);
}

const extensionNames: Readonly<Record<string, string>> = {
  comment: 'comment',
  'XMP DataXMP': 'XMP',
  ICCRGBG1012: 'ICC profile',
};

function nameOf(extension: Buffer): string {
  return extension[1] === COMMENT ? 'comment' : extension.toString('latin1', 3, 14);
}

/** A frame without a control block has duration 0. */
function durationsOf(parts: readonly Part[]): number[] {
  let duration = 0;
  const durations: number[] = [];
  for (const { kind, bytes } of parts) {
    if (kind === 'control') duration = TICK * bytes.readUInt16LE(4);
    if (kind !== 'frame') continue;
    durations.push(duration);
    duration = 0;
  }
  return durations;
}

/** The extension counts repetitions; without one, the animation is played once. */
function loopsOf(extensions: readonly Buffer[]): number {
  const bytes = extensions.find((extension) => nameOf(extension) === LOOPS);
  if (bytes === undefined || bytes.length < LOOPS_AT + 2) return 1;
  const again = bytes.readUInt16LE(LOOPS_AT);
  return again === 0 ? 0 : again + 1;
}

function firstPart(bytes: Buffer): number {
  return HEADER_LENGTH + tableLength(bytes[10] ?? 0);
}

/** A colour table's length, from the byte of flags. */
function tableLength(flags: number): number {
  return (flags & 0x80) === 0 ? 0 : 3 * 2 ** ((flags & 7) + 1);
}

/** @throws TooManyParts */
function partsOf(bytes: Buffer): Part[] {
  const parts: Part[] = [];
  for (let at = firstPart(bytes); at + 2 < bytes.length; ) {
    const isFrame = bytes[at] === IMAGE;
    if (!isFrame && bytes[at] !== EXTENSION) break;
    // Before a frame's data: its place and size, its colours, and the size of its codes.
    const data = isFrame ? at + 10 + tableLength(bytes[at + 9] ?? 0) + 1 : at + 2;
    const end = afterBlocks(bytes, data);
    const kind = isFrame ? 'frame' : kinds[bytes[at + 1] ?? 0];
    if (end > bytes.length || kind === undefined) break;
    if (kind !== 'control' || end - at >= CONTROL_LENGTH)
      addPart(parts, { kind, bytes: bytes.subarray(at, end) }, 'frames and extensions');
    at = end;
  }
  return parts;
}

/** Data consist of blocks of up to 255 bytes, each after its length; an empty one ends them. */
function afterBlocks(bytes: Buffer, start: number): number {
  let at = start;
  while (at < bytes.length && bytes[at] !== 0) at += 1 + (bytes[at] as number);
  return at + 1;
}
