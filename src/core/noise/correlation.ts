// Whether the noise of a picture is white, from the picture alone: the DCT power of small blocks. Demosaicing, the
// camera's own smoothing and JPEG leave noise with little high-frequency power, which a denoiser for white noise
// takes for texture. What tells that noise from texture is colour: texture is nearly the same in all channels and
// uneven over the picture, the noise of a sensor is neither. Not an estimate of white noise: estimate-sigma.ts.
import { setImmediate } from 'node:timers/promises';
import { AREA, autocovarianceFit, LAGS } from './block-dct.js';
import {
  type Blocks,
  blockReader,
  CHUNK,
  type CorrelationPicture,
  indices,
  measureBlocks,
  order,
  type Reader,
} from './block-powers.js';

export type { CorrelationPicture };

export interface NoiseCorrelation {
  /** Correlation of the noise of neighbouring pixels, and of pixels two apart (mean of both directions and of the channels). */
  readonly lag1: number;
  readonly lag2: number;
  /** 1 + 2 (lag1 + lag2 + lag3), in pixels and at least 1: as far apart, pixels have nearly independent noise. White noise: 1. */
  readonly length: number;
  /** Whether there is noise, and it is correlated. Always false for grey pictures: nothing tells it from texture there. */
  readonly isCorrelated: boolean;
  /** Standard deviation of one sample's correlated noise in the flattest blocks, 8-bit units: that of a phase. */
  readonly phaseSigma255: number;
  /** The standard deviation of the white noise that is as strong at the frequencies between, 8-bit units. */
  readonly midSigma255: number;
  /** What `isCorrelated` was decided by. */
  readonly evidence: CorrelationEvidence;
}

export interface CorrelationEvidence {
  /** Noise between the channels in the flat blocks (the weaker of two opponent colours, middle frequencies), 8-bit units. */
  readonly chroma255: number;
  /** The same over the strength of all noise there: texture has little colour. */
  readonly chromaShare: number;
  /** High over middle frequencies in the flat blocks, of all channels and of the opponent colours: 1 for white noise. */
  readonly highOverMid: readonly [all: number, chroma: number];
  /** 5th over 25th percentile of the blocks' power, brightness and colour: near 1 for even noise, small for texture. */
  readonly evenness: readonly [luma: number, chroma: number];
}

const FEWEST_BLOCKS = 64;
/** The flattest part of the blocks, and at least so many. */
const FLAT_SHARE = 0.1;
const FLAT_BLOCKS = 256;
/** The 10th percentile of the mean of 18 squared standard normal numbers: that of `mid` of blocks with noise only. */
const TENTH_OF_MEAN_SQUARE = 10.865 / 18;
/** Its 2nd percentile. */
const FIFTIETH_OF_MEAN_SQUARE = 7.906 / 18;
/** The median of a squared standard normal number. */
const MEDIAN_OF_SQUARE = 0.454936;
/** Measured on cc15, BSDS and white noise (bench/real.ts); see `decide`. */
const THRESHOLD = {
  chroma255: 1.3,
  chromaShare: 0.24,
  highOverMid: [0.28, 0.35],
  evenness: [0.53, 0.47],
} as const;

function quantile(values: readonly number[], share: number): number {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}

/** What the fit looks at: not the lowest frequencies, where pictures are never flat. */
const FITTED = indices.filter((k) => order(k) >= 3);
let fit: ReturnType<typeof autocovarianceFit> | undefined;

/** Autocovariance of the flattest blocks, [4, 4], summed over the channels. */
async function flatAutocovariance({ x, y, low, mid }: Blocks, read: Reader): Promise<number[]> {
  fit ??= autocovarianceFit(FITTED);
  const count = Math.min(low.length, Math.max(FLAT_BLOCKS, Math.round(FLAT_SHARE * low.length)));
  const flattest = Array.from(low.keys())
    .sort((a, b) => (low[a] as number) - (low[b] as number))
    .slice(0, count);
  const block = new Float64Array(AREA);
  const sum = new Array<number>(LAGS * LAGS).fill(0);
  for (const channel of mid.keys()) {
    const squares = indices.map((): number[] => []);
    for (const [n, i] of flattest.entries()) {
      if (n % CHUNK === 0) await setImmediate();
      read(x[i] as number, y[i] as number, channel, block);
      for (const k of FITTED) squares[k]?.push((block[k] as number) ** 2);
    }
    // Medians: a few blocks with an edge in them do not count.
    const powers = squares.map((values) => quantile(values, 0.5) / MEDIAN_OF_SQUARE);
    fit(powers).forEach((value, k) => {
      sum[k] = (sum[k] as number) + value;
    });
  }
  return sum;
}

/** Root of the 10th percentile of the blocks' powers, mean over the lists: what the flat blocks have. */
function level(lists: readonly (readonly number[])[]): number {
  const sum = lists.reduce((sum, list) => sum + quantile(list, 0.1), 0);
  return Math.sqrt(sum / lists.length / TENTH_OF_MEAN_SQUARE);
}

/**
 * The same from the 2nd percentile: as much where the noise is even, less where most blocks have texture. Taking the
 * less of both keeps texture from being taken for strong noise.
 */
function flattestLevel(lists: readonly (readonly number[])[]): number {
  const sum = lists.reduce((sum, list) => sum + quantile(list, 0.02), 0);
  return Math.sqrt(sum / lists.length / FIFTIETH_OF_MEAN_SQUARE);
}

function evenness(list: readonly number[] = []): number {
  return Math.sqrt(quantile(list, 0.05) / Math.max(1e-3, quantile(list, 0.25)));
}

const NONE: NoiseCorrelation = {
  lag1: 0,
  lag2: 0,
  length: 1,
  isCorrelated: false,
  phaseSigma255: 0,
  midSigma255: 0,
  evidence: { chroma255: 0, chromaShare: 0, highOverMid: [1, 1], evenness: [0, 0] },
};

/**
 * How the noise of neighbouring pixels is related. Looks at 4096 blocks of 8 x 8 at most, so that large pictures cost
 * no more; lets the event loop turn every few milliseconds. The same picture gives the same answer.
 *
 * @param picture  any depth; alpha is not looked at
 * @returns        white (lags 0) where the picture has fewer than 64 blocks that are neither black nor white
 */
export async function estimateCorrelation(picture: CorrelationPicture): Promise<NoiseCorrelation> {
  const read = blockReader(picture);
  const blocks = await measureBlocks(picture, read);
  if (blocks.low.length < FEWEST_BLOCKS) return NONE;
  const covariance = await flatAutocovariance(blocks, read);
  const variance = covariance[0] as number;
  const colours = blocks.mid.length;
  const lag = (d: number) =>
    variance > 1e-3 ? ((covariance[d] as number) + (covariance[d * LAGS] as number)) / 2 / variance : 0;
  const clamp = (value: number) => Math.min(1, Math.max(-1, value));
  const [lag1, lag2, lag3] = [clamp(lag(1)), clamp(lag(2)), clamp(lag(3))];
  const flatLevel = level(blocks.mid);
  const midSigma255 = Math.min(flatLevel, flattestLevel(blocks.mid));
  const chroma = blocks.mid.slice(1);
  const chroma255 = chroma.length === 0 ? 0 : Math.min(...chroma.map((list) => level([list])));
  const ratio = (first: number) =>
    level(blocks.high.slice(first)) / Math.max(0.1, level(blocks.mid.slice(first)));
  const evidence: CorrelationEvidence = {
    chroma255,
    chromaShare: chroma255 / Math.max(0.1, flatLevel),
    highOverMid: [ratio(0), chroma.length === 0 ? 1 : ratio(1)],
    evenness: [evenness(blocks.mid[0]), Math.max(0, ...chroma.map(evenness))],
  };
  return {
    lag1,
    lag2,
    length: Math.max(1, 1 + 2 * (lag1 + lag2 + lag3)),
    isCorrelated: decide(evidence),
    phaseSigma255: Math.sqrt(Math.max(0, variance / colours)),
    midSigma255,
    evidence,
  };
}

function decide({ chroma255, chromaShare, highOverMid, evenness }: CorrelationEvidence): boolean {
  return (
    chroma255 >= THRESHOLD.chroma255 &&
    chromaShare >= THRESHOLD.chromaShare &&
    highOverMid.every((value, i) => value <= (THRESHOLD.highOverMid[i] as number)) &&
    evenness.every((value, i) => value >= (THRESHOLD.evenness[i] as number))
  );
}
