// A picture in memory, as the tiles see it: interleaved samples and how to read them. Not a file: format,
// metadata and colour profile belong to src/image.

export type Samples = Uint8Array | Uint16Array | Float32Array;

/** 1 grey, 2 grey + alpha, 3 RGB, 4 RGBA. */
export type Channels = 1 | 2 | 3 | 4;

export interface Picture<S extends Samples = Samples> {
  /** Interleaved, row by row: [height, width, channels]. */
  readonly data: S;
  readonly width: number;
  readonly height: number;
  readonly channels: Channels;
}

/** Grey or RGB: the channels that carry noise. Alpha, if any, comes after them and is left alone. */
export function colourChannels(channels: Channels): 1 | 3 {
  return channels <= 2 ? 1 : 3;
}

/** The sample value that stands for 1.0: 255, 65535 or 1. */
export function whiteLevel(data: Samples): number {
  if (data instanceof Uint8Array) return 255;
  if (data instanceof Uint16Array) return 65535;
  return 1;
}
