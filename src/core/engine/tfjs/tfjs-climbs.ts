// beta-MAP's climbs on a TensorFlow.js device. The iterates, moments and best iterates of a group of tiles stay there.
// Four numbers per tile come back at each step, and core/inference/climb.ts judges them.
import * as tf from '@tensorflow/tfjs-core';
import type { DensityAndScore } from '../../flow/log-density.js';
import { adamMove, firstMoment, secondMoment } from '../../inference/adam.js';
import { type Climb, type ClimbCourse, climbCourse, descent } from '../../inference/climb.js';
import type { TileShape } from '../../ops/tensor-ops.js';
import { tfjsOps } from '../../ops/tfjs-ops.js';
import type { ClimbPoint } from '../engine.js';
import type { ClimbGroup, EndedClimb } from './device-batches.js';

/** Pictures, [B, H, W, C]. */
type State = Record<
  'iterate' | 'noisy' | 'precision' | 'firstMoment' | 'secondMoment' | 'best' | 'bestScore',
  tf.Tensor
>;

interface ClimbingTile extends ClimbPoint {
  readonly course: ClimbCourse;
}

type Evaluate = (y: tf.Tensor, sigma: tf.Tensor) => DensityAndScore<tf.Tensor>;

/** Planar [C, H, W] to [1, H, W, C]. */
function picture(data: Float32Array, { channels, height, width }: TileShape): tf.Tensor {
  return tf.transpose(tf.tensor4d(data, [1, channels, height, width]), [0, 2, 3, 1]);
}

function precisionOf({ shape, climb: { precision } }: ClimbPoint): tf.Tensor {
  const { channels, height, width } = shape;
  if (precision.length === 1) return tf.fill([1, height, width, channels], precision[0] as number);
  if (precision.length === height * width)
    return tf.tile(tf.tensor4d(precision, [1, height, width, 1]), [1, 1, 1, channels]);
  return picture(precision, shape);
}

function initialState(tile: ClimbPoint): State {
  const noisy = picture(tile.climb.noisy, tile.shape);
  const zeros = () => tf.zerosLike(noisy);
  return {
    iterate: picture(tile.y, tile.shape),
    noisy,
    precision: precisionOf(tile),
    firstMoment: zeros(),
    secondMoment: zeros(),
    best: zeros(),
    bestScore: zeros(),
  };
}

const mapState = (state: State, change: (tensor: tf.Tensor, key: keyof State) => tf.Tensor): State =>
  Object.fromEntries(
    Object.entries(state).map(([key, tensor]) => [key, change(tensor, key as keyof State)]),
  ) as State;

/** A number per tile, as a vector [B, 1]. */
const perTile = <T>(tiles: readonly T[], of: (tile: T) => number) =>
  tf.tensor2d(tiles.map(of), [tiles.length, 1]);

/** [B, H, W, C] -> [B]: rows first, so that partial sums stay small. */
function overPixels(reduce: (x: tf.Tensor, axis: number[]) => tf.Tensor, x: tf.Tensor): tf.Tensor {
  return reduce(reduce(x, [2, 3]), [1]);
}

interface Evaluated {
  readonly score: tf.Tensor;
  readonly next: Pick<State, 'iterate' | 'firstMoment' | 'secondMoment'>;
  /** [4, B]: ln p(noisy | C) and ln p_s(C) of the iterate, 1 for a sound score, the step's root mean square. */
  readonly numbers: tf.Tensor;
}

/** Evaluates the prior at every iterate, and computes the steps from there. */
function evaluated(state: State, tiles: readonly ClimbingTile[], evaluate: Evaluate): Evaluated {
  const [
    {
      climb: { adam },
    },
  ] = tiles as readonly [ClimbingTile];
  const { iterate, noisy, precision } = state;
  const { logDensity, score } = evaluate(
    iterate,
    perTile(tiles, ({ sigma }) => sigma),
  );
  const away = tf.sub(noisy, iterate);
  const pull = tf.mul(away, precision);
  const logLikelihood = tf.mul(-0.5, overPixels(tf.sum, tf.mul(pull, away)));
  const most = tf.reshape(
    perTile(tiles, ({ climb }) => climb.mostScore),
    [-1, 1, 1, 1],
  );
  // False for NaN too.
  const isSound = overPixels(tf.min, tf.cast(tf.lessEqual(tf.abs(score), most), 'float32'));

  const gradient = descent<tf.Tensor>(tfjsOps, pull, score, {
    beta: perTile(tiles, ({ climb }) => climb.beta),
    scale: perTile(tiles, ({ climb: { sigma } }) => -sigma * sigma),
  });
  const first = firstMoment(tfjsOps, state.firstMoment, gradient, adam.betas[0]);
  const second = secondMoment(tfjsOps, state.secondMoment, gradient, adam.betas[1]);
  const factors = tiles.map(({ course }) => course.factors());
  const move = adamMove<tf.Tensor>(
    tfjsOps,
    first,
    second,
    { rate: perTile(factors, ({ rate }) => rate), correction: perTile(factors, (each) => each.correction) },
    perTile(tiles, ({ climb }) => climb.adam.epsilon),
  );
  const moved = tf.sqrt(overPixels(tf.mean, tf.square(move)));
  return {
    score,
    next: { iterate: tf.sub(iterate, move), firstMoment: first, secondMoment: second },
    numbers: tf.stack([logLikelihood, logDensity, isSound, moved]),
  };
}

/** `yes` for the chosen tiles, `no` for the others. */
function chosen(isChosen: readonly boolean[], yes: tf.Tensor, no: tf.Tensor): tf.Tensor {
  if (isChosen.every(Boolean)) return tf.clone(yes);
  if (!isChosen.some(Boolean)) return tf.clone(no);
  return tf.where(tf.tensor4d(isChosen.map(Number), [isChosen.length, 1, 1, 1], 'bool'), yes, no);
}

/**
 * A group of climbs under the prior that `evaluate` computes. The first tile's Adam betas hold for all.
 *
 * @param evaluate  maps y [B, H, W, C] and sigma [B, 1] to log density [B] and score
 */
export function openTfjsClimbs(evaluate: Evaluate, firstTiles: readonly ClimbPoint[]): ClimbGroup {
  let tiles: readonly ClimbingTile[] = [];
  let state: State | undefined;

  function replace(build: () => State | undefined): void {
    const next = tf.tidy(() => build() as never) as State | undefined;
    if (state) tf.dispose(state);
    state = next;
  }

  function add(more: readonly ClimbPoint[]): void {
    replace(() => {
      const parts = [...(state ? [state] : []), ...more.map(initialState)];
      const [first] = parts as [State];
      return mapState(first, (tensor, key) =>
        parts.length === 1 ? tf.clone(tensor) : tf.concat(parts.map((part) => part[key])),
      );
    });
    const begun = more.map((tile) => ({
      ...tile,
      course: climbCourse(tile.climb.adam, tile.climb.tolerance),
    }));
    tiles = [...tiles, ...begun];
  }

  /** Which tiles' climbs end at the evaluated iterates; the others have taken a step. */
  async function stepAll(): Promise<readonly boolean[]> {
    const result = tf.tidy(() => evaluated(state as State, tiles, evaluate) as never) as Evaluated;
    try {
      const values = (await result.numbers.data()) as Float32Array;
      const [logLikelihood, logDensity, isSound, moved] = [0, 1, 2, 3].map((row) =>
        values.subarray(row * tiles.length, (row + 1) * tiles.length),
      ) as [Float32Array, Float32Array, Float32Array, Float32Array];
      const verdicts = tiles.map(({ course, climb: { beta } }, i) => {
        const objective = beta * (logLikelihood[i] as number) + (logDensity[i] as number);
        const verdict = course.judge(objective, isSound[i] === 1 && Number.isFinite(objective));
        if (!verdict.isOver) course.moved(moved[i] as number);
        return verdict;
      });
      const isBest = verdicts.map((verdict) => verdict.isBest);
      replace(() => {
        const { iterate, best, bestScore, noisy, precision } = state as State;
        return {
          ...mapState({ ...result.next, noisy, precision } as State, (tensor) => tf.clone(tensor)),
          best: chosen(isBest, iterate, best),
          bestScore: chosen(isBest, result.score, bestScore),
        };
      });
      return verdicts.map((verdict) => verdict.isOver);
    } finally {
      tf.dispose(result as never);
    }
  }

  async function estimateAt(index: number, { sigma, climb }: ClimbPoint): Promise<Float32Array> {
    const { best, bestScore } = state as State;
    const estimate = tf.tidy(() => {
      const row = tf.slice(best, [index, 0, 0, 0], [1, -1, -1, -1]);
      const score = tf.slice(bestScore, [index, 0, 0, 0], [1, -1, -1, -1]);
      const polished = climb.polish ? tf.add(row, tf.mul(sigma ** 2, score)) : row;
      return tf.transpose(polished, [0, 3, 1, 2]);
    });
    const data = await estimate.data();
    estimate.dispose();
    return data as Float32Array;
  }

  async function climbAt(index: number, tile: ClimbingTile): Promise<Climb> {
    const { objective, steps, isConverged } = tile.course;
    const estimate = objective === Number.NEGATIVE_INFINITY ? undefined : await estimateAt(index, tile);
    return { estimate, objective, steps, isConverged };
  }

  add(firstTiles);
  return {
    get size() {
      return tiles.length;
    },
    add,
    async step() {
      const isOver = await stepAll();
      const ended: EndedClimb[] = [];
      for (const [index, tile] of tiles.entries())
        if (isOver[index]) ended.push({ index, climb: await climbAt(index, tile) });
      const rest = [...tiles.keys()].filter((index) => !isOver[index]);
      if (ended.length > 0)
        replace(() =>
          rest.length > 0 ? mapState(state as State, (tensor) => tf.gather(tensor, rest)) : undefined,
        );
      tiles = rest.map((index) => tiles[index] as ClimbingTile);
      return ended;
    },
    dispose() {
      replace(() => undefined);
    },
  };
}
