// The black and the white point: the samples that become 0 and 1. Usually 0 and the white level, else what the samples occupy.
import { badOption } from '../../core/errors.js';
import { type Picture, whiteLevel } from '../../core/picture.js';
import type { Survey } from './survey.js';

/** In the file's own numbers. */
export interface SampleRange {
  /** The sample that becomes 0. */
  readonly black: number;
  /** The sample that becomes 1. */
  readonly white: number;
  /** Whether it was found in the samples. */
  readonly isFound: boolean;
}

/** A 16-bit picture that fills less of its container has its own range: 14 bits in 16 and less. Photographs fill 0.80 or more. */
const NARROW = 0.3;
/** The same for floats. Programs pass dark and flat pictures in [0, 1], so it is smaller. */
const NARROW_FLOATS = 1 / 16;
/** If more than this share of floats lies beyond [0, 1] (and a margin), they have their own range. */
const MANY_BEYOND = 0.05;
const BEYOND = 0.1;
/** Strong noise in floats reaches beyond [0, 1] too; a sensor's with 4 photons at white needs this margin. */
const BEYOND_SIGMAS = 3;
/** Levels rarer than this, at either end, are ignored. */
const RARE = 0.005;
/** The range is at least this many sigma of noise wide. */
const LEAST_SIGMAS = 10;
/** 8-bit samples times this fill 16 bits. */
const EIGHT_BITS = 257;

/** 0 and the white level of the samples' type. */
export function containerRange({ data }: Pick<Picture, 'data'>): SampleRange {
  return { black: 0, white: whiteLevel(data), isFound: false };
}

export function isContainers({ black, white }: SampleRange, { data }: Pick<Picture, 'data'>): boolean {
  return black === 0 && white === whiteLevel(data);
}

/** The range as passed; a missing end is the container's. @throws FlowDenoiseError BAD_OPTION if white is not above black */
export function givenRange(
  picture: Pick<Picture, 'data'>,
  { black, white }: { readonly black?: number | undefined; readonly white?: number | undefined },
): SampleRange | undefined {
  if (black === undefined && white === undefined) return undefined;
  const container = containerRange(picture);
  const range = { black: black ?? container.black, white: white ?? container.white, isFound: false };
  if (range.white > range.black) return range;
  throw badOption(
    `Expected white above black but received black ${range.black} and white ${range.white} (unless you pass them, black is 0 and white ${container.white})`,
  );
}

/**
 * The range that the samples occupy if it is far from their container's, else the container's. 8-bit samples always have
 * the container's, even stored in 16 bits. The rarest hundredth extends it by at most the others' width on each side.
 */
export function findRange(picture: Picture, { levels, noise }: Survey): SampleRange {
  const container = containerRange(picture);
  const { data } = picture;
  if (data instanceof Uint8Array || levels.length === 0) return container;
  const isFloat = data instanceof Float32Array;
  const range = occupied(levels, noise, isFloat ? Number.NEGATIVE_INFINITY : 0);
  if (isFloat && shareBeyond(levels, BEYOND + BEYOND_SIGMAS * noise) > MANY_BEYOND) return range;
  const isNarrow = range.white - range.black < (isFloat ? NARROW_FLOATS : NARROW) * container.white;
  if (!isNarrow || range.white === range.black || isEightBits(data)) return container;
  return range;
}

function occupied(levels: Float64Array, noise: number, least: number): SampleRange {
  const at = (share: number) => levels[Math.round(share * (levels.length - 1))] as number;
  const [low, high] = [at(RARE), at(1 - RARE)];
  const width = high - low;
  const black = Math.max(at(0), low - width);
  const white = Math.min(at(1), high + width);
  const missing = Math.max(0, LEAST_SIGMAS * noise - (white - black)) / 2;
  return rounded(Math.max(least, black - missing), white + missing);
}

/** Rounds to a thousandth of the width or finer, so that passing the reported numbers gives the same result. */
function rounded(black: number, white: number): SampleRange {
  if (!(white > black)) return { black, white, isFound: true };
  const digits = 3 - Math.floor(Math.log10(white - black));
  const round = (value: number) =>
    digits > 0
      ? Number(value.toFixed(Math.min(100, digits)))
      : Math.round(value / 10 ** -digits) * 10 ** -digits;
  return { black: round(black), white: round(white), isFound: true };
}

function shareBeyond(levels: Float64Array, margin: number): number {
  let beyond = 0;
  for (const level of levels) if (level < -margin || level > 1 + margin) beyond += 1;
  return beyond / levels.length;
}

function isEightBits(data: Picture['data']): boolean {
  return data instanceof Uint16Array && data.every((value) => value % EIGHT_BITS === 0);
}
