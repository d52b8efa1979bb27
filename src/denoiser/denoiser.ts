// The interface of a denoiser.
import type { NoiseProfile } from '../core/noise/model/noise-profile.js';
import type { Picture, Size } from '../core/picture.js';
import type { DenoiseCallOptions, EstimateOptions } from './options.js';
import type { Approach } from './preset.js';
import type { SampleRange } from './view/sample-range.js';

export type { DenoiseCallOptions, Progress } from './options.js';
export type { Approach, Ensemble, Method, Preset, Scales } from './preset.js';
export type { SampleRange } from './view/sample-range.js';

/** The noise that was assumed or found for one picture. */
export interface NoiseReport {
  /** 'gaussian', 'poisson-gaussian', 'profile', or the name of the user's own model. */
  readonly model: string;
  /**
   * Standard deviation in 8-bit units. For Poisson-Gaussian noise: of the read noise. For a profile: over all channels, at
   * the brightness where it is largest.
   */
  readonly sigma: number;
  /** Poisson-Gaussian: variance per unit of signal, 8-bit units. */
  readonly gain?: number | undefined;
  /** Poisson-Gaussian: the sample without light, 8-bit units. */
  readonly offset?: number | undefined;
  /** The profile, if the model is one; it has one channel for a grey picture. */
  readonly profile?: NoiseProfile | undefined;
  readonly isEstimated: boolean;
  /** The estimate's confidence, from 0 to 1. */
  readonly confidence?: number | undefined;
  /** Whether the noise of neighbouring pixels is correlated, as after demosaicing and JPEG. */
  readonly isCorrelated?: boolean | undefined;
  readonly why: string;
}

/** With `prior: 'auto'`: why this prior was chosen. */
export interface PriorChoice {
  readonly why: string;
  /** The compared priors, the likeliest first: ln p(picture) above that under a flat prior, nats per sample. */
  readonly figures: readonly { readonly prior: string; readonly natsPerSample: number }[];
}

export interface DenoiseReport extends Approach {
  readonly prior: string;
  /** Undefined unless `prior` is 'auto'. */
  readonly priorChoice?: PriorChoice | undefined;
  readonly engine: string;
  /** True if the picture was found clean; it comes back as it was. */
  readonly isUnchanged: boolean;
  /** Standard deviation of the noise, 8-bit units: `noise.sigma`. */
  readonly sigma: number;
  readonly noise: NoiseReport;
  /** Which samples were black and white. Noise is in 1/255 of white - black. */
  readonly range: SampleRange;
  /** Pixels that the prior never saw and that did not change: hidden (alpha 0), single outliers, far outside the range. */
  readonly oddPixels: number;
  /** The weight of the likelihood (the first tile's, if sigma varies); undefined for the posterior mean. */
  readonly beta: number | undefined;
  readonly tiles: number;
  readonly evaluations: number;
  /**
   * Tiles on which the flow broke down. They got the posterior mean for stronger noise or instead of beta-MAP, or did not
   * change.
   */
  readonly fallbackTiles: number;
  /** Tiles on which it broke down at a spot. The spot did not change; the rest was estimated without it. */
  readonly spotTiles: number;
  readonly seconds: number;
}

export type SigmaRange = readonly [number, number];

export interface TimeEstimate {
  readonly tiles: number;
  readonly evaluations: number;
  readonly seconds: number;
  /** Additional seconds for the engine to prepare, once per noise level; absent if unknown. */
  readonly preparation?: number | undefined;
}

export interface Denoiser extends Approach {
  /** The prior's name; 'auto' if each picture gets its own. */
  readonly prior: string;
  readonly engine: { readonly name: string; readonly why: string };
  /** Denoisers with the same fingerprint give the same results. Without one, results are not cached. */
  readonly fingerprint?: string | undefined;
  /** The noise levels that the prior knows, [least, most] in 8-bit units; undefined for an unconditioned prior: any. */
  readonly sigmaRange: { readonly colour: SigmaRange; readonly grey: SigmaRange } | undefined;

  /**
   * Denoises a picture of Uint8, Uint16 or Float32 samples, which is not modified. The result has the same type: integers are
   * rounded and clipped to their range, floats are not clipped.
   */
  denoise<P extends Picture>(
    picture: P,
    options?: DenoiseCallOptions,
  ): Promise<Picture<P['data']> & { readonly report: DenoiseReport }>;

  /**
   * Estimates the time for pictures of these sizes, with this or another approach or preset. The first call measures the
   * machine for a second or two, unless the work takes less than that.
   *
   * @throws  FlowDenoiseError BAD_OPTION, NEEDS_CONDITIONING, CLOSED
   */
  estimate(sizes: readonly Size[], approach?: EstimateOptions): Promise<TimeEstimate>;

  /** Stops the engine and its threads. Work in flight rejects. */
  close(): Promise<void>;
}
