// The interface of a denoiser and its data, no behaviour.
import type { NoiseProfile } from '../core/noise/model/noise-profile.js';
import type { Picture, Size } from '../core/picture.js';
import type { DenoiseCallOptions } from './options.js';
import type { Approach } from './preset.js';
import type { SampleRange } from './view/sample-range.js';

export type { DenoiseCallOptions, Progress } from './options.js';
export type { Approach, Ensemble, Method, Preset, Scales } from './preset.js';
export type { SampleRange } from './view/sample-range.js';

/** What was taken for the noise of one picture. */
export interface NoiseReport {
  /** 'gaussian', 'poisson-gaussian', 'profile', or the name of the user's own model. */
  readonly model: string;
  /**
   * Standard deviation in 8-bit units; of the read noise for Poisson-Gaussian noise; of a profile over all channels at the
   * brightness where it is largest.
   */
  readonly sigma: number;
  /** Poisson-Gaussian: variance per unit of signal, 8-bit units. */
  readonly gain?: number | undefined;
  /** Poisson-Gaussian: the sample that no light gives, 8-bit units. */
  readonly offset?: number | undefined;
  /** The model, where it is a profile: of one channel for a grey picture. */
  readonly profile?: NoiseProfile | undefined;
  /** Whether it was estimated from the picture. */
  readonly isEstimated: boolean;
  /** Of the estimate, from 0 to 1. */
  readonly confidence?: number | undefined;
  /** Whether the noise of neighbouring pixels is alike, as after demosaicing and JPEG. */
  readonly isCorrelated?: boolean | undefined;
  /** What decided, in words. */
  readonly why: string;
}

/** With `prior: 'auto'`: how it came to the prior. */
export interface PriorChoice {
  /** What decided, in words. */
  readonly why: string;
  /** The priors that were compared, the likeliest first: ln p(picture) above that under a flat prior, nats per sample. */
  readonly figures: readonly { readonly prior: string; readonly natsPerSample: number }[];
}

/** What was done to one picture. */
export interface DenoiseReport extends Approach {
  readonly prior: string;
  /** Undefined where the prior was given. */
  readonly priorChoice?: PriorChoice | undefined;
  readonly engine: string;
  /** Whether anything was done: a picture found clean comes back as it was. */
  readonly isUnchanged: boolean;
  /** Standard deviation of the noise, 8-bit units: `noise.sigma`. */
  readonly sigma: number;
  readonly noise: NoiseReport;
  /** Which samples were black and white: what is said of the noise is in 1/255 of white - black. */
  readonly range: SampleRange;
  /**
   * Pixels the prior was not shown and that stay as they were: hidden ones (alpha 0), single outliers, those far
   * outside the range.
   */
  readonly oddPixels: number;
  /** The weight of the likelihood that was used (the first tile's, where sigma varies); undefined for the posterior mean. */
  readonly beta: number | undefined;
  readonly tiles: number;
  readonly evaluations: number;
  /**
   * Tiles on which the flow broke down. They got the posterior mean for stronger noise or instead of beta-MAP, or
   * stayed as they were.
   */
  readonly fallbackTiles: number;
  /** Tiles on which it broke down at a spot: the spot stayed as it was, and the rest was estimated without it. */
  readonly spotTiles: number;
  readonly seconds: number;
}

export type SigmaRange = readonly [number, number];

export interface TimeEstimate {
  readonly tiles: number;
  readonly evaluations: number;
  readonly seconds: number;
  /** Seconds on top for the engine to prepare, once for each noise level; absent where that is not known. */
  readonly preparation?: number | undefined;
}

export interface Denoiser extends Approach {
  /** Its name; 'auto' where it is chosen for each picture. */
  readonly prior: string;
  readonly engine: { readonly name: string; readonly why: string };
  /** Two denoisers that have the same one give the same results. Without it, no result is cached. */
  readonly fingerprint?: string | undefined;
  /**
   * The noise levels the prior knows, [least, most] in 8-bit units; undefined for an unconditioned prior, which takes
   * any.
   */
  readonly sigmaRange: { readonly colour: SigmaRange; readonly grey: SigmaRange } | undefined;

  /**
   * Denoises a picture of Uint8, Uint16 or Float32 samples; the input is not modified. The result has the input's type:
   * rounded and clipped to its range where it is an integer one, not clipped where it is a float one.
   */
  denoise<P extends Picture>(
    picture: P,
    options?: DenoiseCallOptions,
  ): Promise<Picture<P['data']> & { readonly report: DenoiseReport }>;

  /**
   * Time for pictures of these sizes, with this or another approach. The first call measures the machine (a second or
   * two), unless the work takes less than that.
   */
  estimate(sizes: readonly Size[], approach?: Partial<Approach>): Promise<TimeEstimate>;

  /** Stops the engine and its threads. Work in flight rejects. */
  close(): Promise<void>;
}
