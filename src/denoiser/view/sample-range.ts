// The black and the white point: which samples mean 0 and 1 downstream. Usually 0 and the white level; otherwise what
// the samples occupy.
import { badOption } from '../../core/errors.js';
import { type Picture, whiteLevel } from '../../core/picture.js';
import type { Survey } from './survey.js';

/** In the file's own numbers. */
export interface SampleRange {
  /** The sample that becomes 0. */
  readonly black: number;
  /** The sample that becomes 1. */
  readonly white: number;
  /** Whether the picture's samples told it. */
  readonly isFound: boolean;
}

/**
 * A 16-bit picture whose range is narrower than this share of its container is in a range of its own: 14 bits in 16 and all
 * that is less. Of 22 photographs of BSDS500 and 10 of CBSD68, clean and with noise of sigma 5 to 50, the narrowest fills 0.80.
 */
const NARROW = 0.3;
/** The same for floats, whose container says less: programs hand over dark and flat pictures in [0, 1]. */
const NARROW_FLOATS = 1 / 16;
/** Floats of which more than this share lies beyond [0, 1] (and a margin) are in a range of their own. */
const MANY_BEYOND = 0.05;
const BEYOND = 0.1;
/** Strong noise in floats reaches beyond [0, 1] too, and a sensor's is strongest at white: 4 photons at white need this much. */
const BEYOND_SIGMAS = 3;
/** Levels that are less common than this, at either end, are not counted on. */
const RARE = 0.005;
/** The range is at least this many sigma of noise wide. */
const LEAST_SIGMAS = 10;
/** What 8-bit samples are multiplied by to fill 16 bits. */
const EIGHT_BITS = 257;

/** 0 and the white level of the samples' type. */
export function containerRange({ data }: Pick<Picture, 'data'>): SampleRange {
  return { black: 0, white: whiteLevel(data), isFound: false };
}

/**
 * The range that the user gives; an end that he leaves out is the container's.
 *
 * @throws FlowDenoiseError BAD_OPTION when white is not above black
 */
export function givenRange(
  picture: Pick<Picture, 'data'>,
  { black, white }: { readonly black?: number | undefined; readonly white?: number | undefined },
): SampleRange | undefined {
  if (black === undefined && white === undefined) return undefined;
  const container = containerRange(picture);
  const range = { black: black ?? container.black, white: white ?? container.white, isFound: false };
  if (range.white > range.black) return range;
  throw badOption(
    `Expected white above black but received black ${range.black} and white ${range.white} (samples of this picture go up to ${container.white} unless you say otherwise)`,
  );
}

/**
 * The range that the samples occupy, where that is far from their container's; else the container's, exactly. Samples of
 * 8 bits always have the container's, and so has an 8-bit picture in 16 bits. Outliers set neither end: levels are medians
 * of 3 x 3 samples, and the rarest hundredth of them counts no further than twice the others' width.
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

/** To a thousandth of the width or finer, so that what the report says gives the same result as an option. */
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
