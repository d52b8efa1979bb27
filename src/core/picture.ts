// A picture in memory, its size, a region, and its reflection beyond the edge. Formats and metadata belong to src/image.

export type Samples = Uint8Array | Uint16Array | Float32Array;

/** 1 grey, 2 grey + alpha, 3 RGB, 4 RGBA. */
export type Channels = 1 | 2 | 3 | 4;

/** In pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** Of samples, interleaved or planar. */
export interface Shape extends Size {
  readonly channels: number;
}

/** Planar, [channels, height, width], in [0, 1]. */
export interface PlanarTile extends Shape {
  readonly data: Float32Array;
}

export interface Picture<S extends Samples = Samples> extends Shape {
  /** Interleaved, row by row: [height, width, channels]. */
  readonly data: S;
  readonly channels: Channels;
}

/** In pixels of the picture. */
export interface Region extends Size {
  readonly left: number;
  readonly top: number;
}

/** Grey or RGB: the channels that carry noise. Alpha follows them and is never changed. */
export function colourChannels(channels: number): 1 | 3 {
  return channels <= 2 ? 1 : 3;
}

/** The sample value that stands for 1.0: 255, 65535 or 1. */
export function whiteLevel(data: Samples): number {
  if (data instanceof Uint8Array) return 255;
  if (data instanceof Uint16Array) return 65535;
  return 1;
}

/** Zeros of the same type. A Buffer, which sharp returns, has no public constructor, and its `slice` copies nothing. */
export function blankLike<S extends Samples>(data: S, length: number): S {
  const Type = data.constructor as new (length: number) => Samples;
  return (Buffer.isBuffer(data) ? Buffer.alloc(length) : new Type(length)) as S;
}

/** A copy with memory of its own, also of a Buffer. */
export function copyOf<S extends Samples>(data: S): S {
  const copy = blankLike(data, data.length);
  copy.set(data);
  return copy;
}

/** An index reflected into 0 .. length - 1 as often as needed. The edge sample is not repeated: c b | a b c | b a. */
export function reflected(i: number, length: number): number {
  if (i >= 0 && i < length) return i;
  const period = Math.max(1, 2 * (length - 1));
  const place = ((i % period) + period) % period;
  return Math.min(place, period - place) % length;
}

/** At most `most` of 0 ... count - 1, at the middles of equal parts. */
export function evenly(count: number, most: number): number[] {
  const taken = Math.min(count, most);
  return Array.from({ length: taken }, (_, i) => Math.floor(((i + 0.5) * count) / taken));
}

/** [pixels, channels] -> [channels, pixels]. */
export function toPlanar<Data extends Uint8Array | Float32Array>(data: Data, channels: number): Data {
  const plane = data.length / channels;
  return data.map((_, i) => data[(i % plane) * channels + Math.floor(i / plane)] as number) as Data;
}

/** [channels, pixels] -> [pixels, channels]. */
export function toInterleaved<Data extends Uint8Array | Float32Array>(data: Data, channels: number): Data {
  return toPlanar(data, data.length / channels);
}

/** Clips samples to [0, 1]. */
export function clamped(data: Float32Array): Float32Array {
  return data.map((value) => Math.min(1, Math.max(0, value)));
}
