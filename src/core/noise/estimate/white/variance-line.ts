// A straight line through a cloud of patches' variances: variance = gain mean + floor for those that hold only noise,
// more for those with texture. For fit-noise.ts; any units.
import { median } from '../../../metrics/index.js';
import type { PatchResiduals } from './patch-residuals.js';

/** variance = gain mean + floor, both at least 0. */
interface Line {
  readonly gain: number;
  readonly floor: number;
}

type Cloud = Omit<PatchResiduals, 'clipped'>;

/** A patch's variance is that of the noise times one of these, whose shares are unknown; 1 is a patch without texture. */
const TEXTURES = Float64Array.of(1, 1.5, 2.5, 5, 12, 40, 150);
const INVERSES = TEXTURES.map((texture) => 1 / texture);
const ROUNDS = 12;
/** Log of the odds below which a patch is taken for not of a kind. */
const NEGLIGIBLE = -25;
const START_ROUNDS = 6;
/** Textures below this share count as none: otherwise the weakest takes the upper tail of the plain patches. */
const LEAST_SHARE = 0.02;
/** Groups of equal size by mean, whose medians give the start. */
const GROUPS = 12;
/** No patch's noise is taken for less than this part of the start's typical level. */
const LEAST = 1e-3;

/** Sums of a weighted regression of a target on the mean. */
class Sums {
  private w = 0;
  private wm = 0;
  private wmm = 0;
  private wt = 0;
  private wmt = 0;

  add(weight: number, mean: number, target: number): void {
    this.w += weight;
    this.wm += weight * mean;
    this.wmm += weight * mean * mean;
    this.wt += weight * target;
    this.wmt += weight * mean * target;
  }

  /** The best line of at least 0 gain and floor. */
  line(isFlat: boolean): Line {
    const flat = { gain: 0, floor: this.wt / this.w };
    const determinant = this.w * this.wmm - this.wm * this.wm;
    if (isFlat || !(determinant > 1e-12 * this.w * this.wmm)) return flat;
    const gain = (this.w * this.wmt - this.wm * this.wt) / determinant;
    if (gain <= 0) return flat;
    const floor = (this.wmm * this.wt - this.wm * this.wmt) / determinant;
    return floor < 0 ? { gain: this.wmt / this.wmm, floor: 0 } : { gain, floor };
  }
}

/** A line through the medians of groups of patches alike in brightness: above the noise where there is texture. */
function startLine({ means, variances }: Cloud, isFlat: boolean): Line {
  let line: Line = { gain: 0, floor: median(variances) };
  if (isFlat) return line;
  const order = Uint32Array.from(means, (_, i) => i).sort(
    (a, b) => (means[a] as number) - (means[b] as number),
  );
  const groups = Array.from({ length: GROUPS }, (_, g) => {
    const members = order.subarray((g * order.length) / GROUPS, ((g + 1) * order.length) / GROUPS);
    const of = (values: Float64Array) => median(Float64Array.from(members, (i) => values[i] as number));
    return { mean: of(means), variance: of(variances) };
  }).filter(({ mean }) => !Number.isNaN(mean));
  for (let round = 0; round < START_ROUNDS; round++) {
    const sums = new Sums();
    for (const { mean, variance } of groups) {
      const level = line.gain * mean + line.floor;
      sums.add(1 / (level * level * Math.max(1, variance / level)), mean, variance);
    }
    line = sums.line(isFlat);
  }
  return line;
}

/**
 * The most likely line, by expectation maximisation over which patches have how much texture; a flat one has a gain of 0.
 * Starting from above matters: from below, all patches can be taken for textured ones.
 *
 * @returns  with the cloud's log-likelihood, nats, up to a constant, and the part of the patches that hold only noise
 */
export function fitVarianceLine(cloud: Cloud, isFlat: boolean) {
  const count = cloud.means.length;
  let shares = new Float64Array(TEXTURES.length).fill(1 / TEXTURES.length);
  let line = startLine(cloud, isFlat);
  const least = LEAST * (line.gain * median(cloud.means) + line.floor);
  for (let round = 1; ; round++) {
    const { members, sums, logLikelihood } = expected(cloud, line, least, shares);
    const kept = members.map((own, k) => Math.max(0, own / count - (k === 0 ? 0 : LEAST_SHARE)));
    const all = kept.reduce((total, share) => total + share, 0);
    shares = kept.map((share) => share / all);
    line = sums.line(isFlat);
    if (round === ROUNDS) return { ...line, logLikelihood, plainShare: shares[0] as number };
  }
}

/** Sums of each patch's share of each texture (`members`), and the regression of the variances without their textures. */
function expected(
  { means, variances, degrees }: Cloud,
  { gain, floor }: Line,
  least: number,
  shares: Float64Array,
) {
  const half = degrees / 2;
  const kinds = TEXTURES.length;
  const offsets = shares.map((share, k) => Math.log(share + 1e-12) - half * Math.log(TEXTURES[k] as number));
  const scores = new Float64Array(kinds);
  const members = new Float64Array(kinds);
  const sums = new Sums();
  let logLikelihood = 0;
  for (let p = 0; p < means.length; p++) {
    const mean = means[p] as number;
    const variance = variances[p] as number;
    const level = Math.max(least, gain * mean + floor);
    const relative = (half * variance) / level;
    let largest = Number.NEGATIVE_INFINITY;
    for (let k = 0; k < kinds; k++) {
      const score = (offsets[k] as number) - relative * (INVERSES[k] as number);
      scores[k] = score;
      if (score > largest) largest = score;
    }
    let total = 0;
    let plain = 0;
    for (let k = 0; k < kinds; k++) {
      const score = (scores[k] as number) - largest;
      const density = score < NEGLIGIBLE ? 0 : Math.exp(score);
      scores[k] = density;
      total += density;
      plain += density * (INVERSES[k] as number);
    }
    const share = 1 / total;
    for (let k = 0; k < kinds; k++) members[k] = (members[k] as number) + (scores[k] as number) * share;
    sums.add(1 / (level * level), mean, plain * share * variance);
    logLikelihood += largest + Math.log(total) - half * Math.log(level);
  }
  return { members, sums, logLikelihood };
}
