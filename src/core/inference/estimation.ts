// An estimator is a generator: it asks for the prior's density and score at a point and resumes with them. It knows no
// engine, batch or thread, so a tile's result cannot depend on other tiles.
import type { Climb, ClimbRequest } from './climb.js';

/** One evaluation of the prior: the point, planar [C, H, W], and the noise level, [0, 1] units. */
export interface DensityRequest {
  readonly y: Float32Array;
  readonly sigma: number;
  /** Whether other tiles have other noise levels; then an engine need not prepare for this one. */
  readonly varies?: boolean | undefined;
  /** The climb that starts at the point. An engine that runs climbs answers with the result instead of a density. */
  readonly climb?: ClimbRequest | undefined;
}

export interface Density {
  /** ln p_sigma(y), nats. */
  readonly logDensity: number;
  /** d logDensity / dy, planar like y. */
  readonly score: Float32Array;
}

export interface Estimate {
  /** The clean picture, planar [C, H, W], not clipped. */
  readonly estimate: Float32Array;
  /** Evaluations of the prior that were needed. */
  readonly evaluations: number;
  /**
   * What was used instead if the flow broke down, on a tile unlike any picture it knows: the posterior mean for stronger
   * noise, the posterior mean in place of beta-MAP, or the noisy tile.
   */
  readonly fallback?: 'stronger' | 'posterior-mean' | 'noisy' | undefined;
}

/** sigma times the score is the noise that the prior sees, in sigmas: below 5 on pictures, 10 to 1e35 if the flow breaks down. */
export const MOST_NOISE = 10;

/** Whether the flow broke down: a number is not finite, or the noise it sees is absurd. */
export function hasBrokenDown({ logDensity, score }: Density, sigma: number): boolean {
  const most = MOST_NOISE / sigma;
  for (let i = 0; i < score.length; i++) if (!(Math.abs(score[i] as number) <= most)) return true;
  return !Number.isFinite(logDensity);
}

/** Thrown if an estimation is to stop at a break-down. Always caught inside this package. */
export class BreakDown extends Error {
  /** @param seen  the noise that the prior saw, in units of sigma, planar [C, H, W] */
  constructor(readonly seen: Float32Array) {
    super('the flow broke down');
  }
}

export type Answer = Density | Climb;

export type Estimation<E extends Estimate = Estimate> = Generator<DensityRequest, E, Answer>;

export function* densityAt(
  request: Omit<DensityRequest, 'climb'>,
): Generator<DensityRequest, Density, Answer> {
  const answer = yield request;
  if ('score' in answer) return answer;
  throw new TypeError('a density was asked for and a climb came back');
}
