// Whether the noise of a picture is white, from the picture alone: the DCT power of small blocks. Demosaicing, the
// camera's own smoothing and JPEG leave noise with little high-frequency power, which a denoiser for white noise
// takes for texture. What tells that noise from texture is colour: texture is nearly the same in all channels and
// uneven over the picture, the noise of a sensor is neither. Not an estimate of white noise: estimate-sigma.ts.
import { LAGS } from './block-dct.js';
import { type Blocks, measureBlocks } from './block-powers.js';
import { flatAutocovariance } from './flat-autocovariance.js';
import type { NoisyPicture } from './noisy-picture.js';

/** What is found in the powers of the blocks alone. */
export interface CorrelationFinding {
  /** Whether there is noise, and it is correlated. Always false for grey pictures: nothing tells it from texture there. */
  readonly isCorrelated: boolean;
  /** The standard deviation of the white noise that is as strong at the frequencies between, 8-bit units. */
  readonly midSigma255: number;
  /** What `isCorrelated` was decided by. */
  readonly evidence: CorrelationEvidence;
}

export interface NoiseCorrelation extends CorrelationFinding {
  /** Correlation of the noise of neighbouring pixels, and of pixels two apart (mean of both directions and of the channels). */
  readonly lag1: number;
  readonly lag2: number;
  /** 1 + 2 (lag1 + lag2 + lag3), in pixels and at least 1: as far apart, pixels have nearly independent noise. White noise: 1. */
  readonly length: number;
  /** Standard deviation of one sample's correlated noise in the flattest blocks, 8-bit units: that of a phase. */
  readonly phaseSigma255: number;
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
/** The 10th percentile of the mean of 18 squared standard normal numbers: that of `mid` of blocks with noise only. */
const TENTH_OF_MEAN_SQUARE = 10.865 / 18;
/** Its 2nd percentile. */
const FIFTIETH_OF_MEAN_SQUARE = 7.906 / 18;
/** Measured on cc15, BSDS and white noise (bench/noise.ts); see `decide`. */
const THRESHOLD = {
  chroma255: 1.3,
  chromaShare: 0.24,
  highOverMid: [0.28, 0.35],
  evenness: [0.53, 0.47],
} as const;

/** Block means this near to black or white are left out: noise is clipped there. 8-bit units. */
const MARGIN = 12;

/** The blocks whose noise is not clipped. */
function unclipped({ means, count }: Blocks): Uint32Array {
  const kept = new Uint32Array(count);
  let size = 0;
  for (let n = 0; n < count; n++) {
    const mean = means[n] as number;
    if (mean >= MARGIN && mean <= 255 - MARGIN) kept[size++] = n;
  }
  return kept.subarray(0, size);
}

function sortedAt(values: Float64Array, kept: Uint32Array): Float64Array {
  const sorted = new Float64Array(kept.length);
  for (let i = 0; i < kept.length; i++) sorted[i] = values[kept[i] as number] as number;
  return sorted.sort();
}

function quantile(sorted: Float64Array, share: number): number {
  return sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? 0;
}

/** Root of the 10th percentile of the blocks' powers, mean over the channels: what the flat blocks have. */
function level(channels: readonly Float64Array[]): number {
  const sum = channels.reduce((sum, sorted) => sum + quantile(sorted, 0.1), 0);
  return Math.sqrt(sum / channels.length / TENTH_OF_MEAN_SQUARE);
}

/**
 * The same from the 2nd percentile: as much where the noise is even, less where most blocks have texture. Taking the
 * less of both keeps texture from being taken for strong noise.
 */
function flattestLevel(channels: readonly Float64Array[]): number {
  const sum = channels.reduce((sum, sorted) => sum + quantile(sorted, 0.02), 0);
  return Math.sqrt(sum / channels.length / FIFTIETH_OF_MEAN_SQUARE);
}

function evenness(sorted: Float64Array): number {
  return Math.sqrt(quantile(sorted, 0.05) / Math.max(1e-3, quantile(sorted, 0.25)));
}

const NOTHING_FOUND: CorrelationFinding = {
  isCorrelated: false,
  midSigma255: 0,
  evidence: { chroma255: 0, chromaShare: 0, highOverMid: [1, 1], evenness: [0, 0] },
};

/** Whether noise is correlated, from blocks that were measured already. */
export function findCorrelation(blocks: Blocks): CorrelationFinding {
  const kept = unclipped(blocks);
  if (kept.length < FEWEST_BLOCKS) return NOTHING_FOUND;
  const mid = blocks.mid.map((values) => sortedAt(values, kept));
  const high = blocks.high.map((values) => sortedAt(values, kept));
  const flatLevel = level(mid);
  const [luma, ...chroma] = mid as [Float64Array, ...Float64Array[]];
  const chroma255 = chroma.length === 0 ? 0 : Math.min(...chroma.map((sorted) => level([sorted])));
  const ratio = (first: number) => level(high.slice(first)) / Math.max(0.1, level(mid.slice(first)));
  const evidence: CorrelationEvidence = {
    chroma255,
    chromaShare: chroma255 / Math.max(0.1, flatLevel),
    highOverMid: [ratio(0), chroma.length === 0 ? 1 : ratio(1)],
    evenness: [evenness(luma), Math.max(0, ...chroma.map(evenness))],
  };
  const midSigma255 = Math.min(flatLevel, flattestLevel(mid));
  return { isCorrelated: decide(evidence), midSigma255, evidence };
}

function decide({ chroma255, chromaShare, highOverMid, evenness }: CorrelationEvidence): boolean {
  return (
    chroma255 >= THRESHOLD.chroma255 &&
    chromaShare >= THRESHOLD.chromaShare &&
    highOverMid.every((value, i) => value <= (THRESHOLD.highOverMid[i] as number)) &&
    evenness.every((value, i) => value >= (THRESHOLD.evenness[i] as number))
  );
}

/**
 * How the noise of neighbouring pixels is related. Looks at 4096 blocks of 8 x 8 at most, so that large pictures cost
 * no more; lets the event loop turn every few milliseconds. The same picture gives the same answer.
 *
 * @param picture  any depth; alpha is not looked at
 * @param blocks   those of the picture, if they were measured already
 * @returns        white (lags 0) where the picture has fewer than 64 blocks that are neither black nor white
 */
export async function estimateCorrelation(picture: NoisyPicture, blocks?: Blocks): Promise<NoiseCorrelation> {
  const measured = blocks ?? (await measureBlocks(picture));
  const found = findCorrelation(measured);
  const kept = unclipped(measured);
  if (kept.length < FEWEST_BLOCKS) return { ...found, lag1: 0, lag2: 0, length: 1, phaseSigma255: 0 };
  const covariance = await flatAutocovariance(picture, measured, kept);
  const variance = covariance[0] as number;
  const lag = (d: number) =>
    variance > 1e-3 ? ((covariance[d] as number) + (covariance[d * LAGS] as number)) / 2 / variance : 0;
  const clamp = (value: number) => Math.min(1, Math.max(-1, value));
  const [lag1, lag2, lag3] = [clamp(lag(1)), clamp(lag(2)), clamp(lag(3))];
  return {
    ...found,
    lag1,
    lag2,
    length: Math.max(1, 1 + 2 * (lag1 + lag2 + lag3)),
    phaseSigma255: Math.sqrt(Math.max(0, variance / measured.mid.length)),
  };
}
