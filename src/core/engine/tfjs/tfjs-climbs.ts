// beta-MAP's climbs on a TensorFlow.js device. The iterates, moments and best iterates stay there. Four numbers per tile come
// back at each step, and core/inference/climb.ts judges them.
import * as tf from '@tensorflow/tfjs-core';
import type { DensityAndScore } from '../../flow/log-density.js';
import { adamStep, type Climb, type ClimbCourse, climbCourse, descent } from '../../inference/climb.js';
import { tfjsOps } from '../../ops/tfjs-ops.js';
import type { Shape } from '../../picture.js';
import type { ClimbPoint } from '../engine.js';

/** Maps y [B, H, W, C] and sigma [B, 1] to log density [B] and score. */
export type Evaluate = (y: tf.Tensor, sigma: tf.Tensor) => DensityAndScore<tf.Tensor>;

/** Pictures of one tile, [1, H, W, C]. */
interface State {
  readonly noisy: tf.Tensor;
  readonly precision: tf.Tensor;
  readonly iterate: tf.Tensor;
  readonly first: tf.Tensor;
  readonly second: tf.Tensor;
  readonly best?: tf.Tensor;
  readonly bestScore?: tf.Tensor;
}

interface Climbing {
  readonly tile: ClimbPoint;
  readonly course: ClimbCourse;
  state: State;
}

/** Planar [C, H, W] to [1, H, W, C]. */
export function pictureOf(data: Float32Array, { channels, height, width }: Shape): tf.Tensor {
  return tf.transpose(tf.tensor4d(data, [1, channels, height, width]), [0, 2, 3, 1]);
}

/** [B, H, W, C] to planar. */
export const planar = (pictures: tf.Tensor): tf.Tensor => tf.transpose(pictures, [0, 3, 1, 2]);

function precisionOf({ shape, climb: { precision } }: ClimbPoint): tf.Tensor {
  const { channels, height, width } = shape;
  if (precision.length === 1) return tf.fill([1, height, width, channels], precision[0] as number);
  if (precision.length === height * width)
    return tf.tile(tf.tensor4d(precision, [1, height, width, 1]), [1, 1, 1, channels]);
  return pictureOf(precision, shape);
}

function begun(tile: ClimbPoint): Climbing {
  const state = tf.tidy(() => {
    const noisy = pictureOf(tile.climb.noisy, tile.shape);
    return {
      noisy,
      precision: precisionOf(tile),
      iterate: pictureOf(tile.y, tile.shape),
      first: tf.zerosLike(noisy),
      second: tf.zerosLike(noisy),
    };
  });
  return { tile, course: climbCourse(tile.climb.adam, tile.climb.tolerance), state };
}

/** A number per tile, as a vector [B, 1]. */
export const perTile = <T>(tiles: readonly T[], of: (tile: T) => number) =>
  tf.tensor2d(tiles.map(of), [tiles.length, 1]);

/** [B, H, W, C] -> [B]: rows first, so that partial sums stay small. */
function overPixels(reduce: (x: tf.Tensor, axis: number[]) => tf.Tensor, x: tf.Tensor): tf.Tensor {
  return reduce(reduce(x, [2, 3]), [1]);
}

/** Evaluates the prior at every iterate, and computes the steps from there. Pictures are returned tile by tile. */
function evaluated(climbs: readonly Climbing[], evaluate: Evaluate) {
  const tiles = climbs.map(({ tile }) => tile);
  const together = (key: 'noisy' | 'precision' | 'iterate' | 'first' | 'second') =>
    tf.concat(climbs.map(({ state }) => state[key]));
  const apart = (pictures: tf.Tensor) => tf.split(pictures, climbs.length);
  const iterate = together('iterate');
  const sigma = perTile(tiles, (tile) => tile.sigma);
  const { logDensity, score } = evaluate(iterate, sigma);
  const away = tf.sub(together('noisy'), iterate);
  const pull = tf.mul(away, together('precision'));
  const logLikelihood = tf.mul(-0.5, overPixels(tf.sum, tf.mul(pull, away)));
  const mostScore = tf.reshape(
    perTile(tiles, ({ climb }) => climb.mostScore),
    [-1, 1, 1, 1],
  );
  // False for NaN too.
  const isSound = overPixels(tf.min, tf.cast(tf.lessEqual(tf.abs(score), mostScore), 'float32'));

  const gradient = descent<tf.Tensor>(tfjsOps, pull, score, {
    beta: perTile(tiles, ({ climb }) => climb.beta),
    scale: perTile(tiles, ({ climb }) => -climb.sigma * climb.sigma),
  });
  const factors = climbs.map(({ course }) => course.factors());
  const { first, second, move } = adamStep<tf.Tensor>(
    tfjsOps,
    { first: together('first'), second: together('second') },
    gradient,
    {
      rate: perTile(factors, ({ rate }) => rate),
      correction: perTile(factors, ({ correction }) => correction),
      epsilon: perTile(tiles, ({ climb }) => climb.adam.epsilon),
    },
    (tiles[0] as ClimbPoint).climb.adam.betas,
  );
  const moved = tf.sqrt(overPixels(tf.mean, tf.square(move)));
  return {
    scores: apart(score),
    iterates: apart(tf.sub(iterate, move)),
    firsts: apart(first),
    seconds: apart(second),
    /** [4, B]: ln p(noisy | C) and ln p_s(C) of the iterate, 1 for a sound score, the step's root mean square. */
    numbers: tf.stack([logLikelihood, logDensity, isSound, moved]),
  };
}

async function result({ tile, course, state }: Climbing): Promise<Climb> {
  const { objective, steps, isConverged } = course;
  const { best, bestScore } = state;
  if (!best || !bestScore) return { estimate: undefined, objective, steps, isConverged };
  const estimate = tf.tidy(() =>
    planar(tile.climb.polish ? tf.add(best, tf.mul(tile.sigma ** 2, bestScore)) : best),
  );
  const data = await estimate.data();
  estimate.dispose();
  return { estimate: data as Float32Array, objective, steps, isConverged };
}

const tensorsOf = (climbs: readonly Climbing[]) =>
  climbs.flatMap(({ state }) => Object.values(state) as tf.Tensor[]);

export function openTfjsClimbs(evaluate: Evaluate) {
  const known = new Map<ClimbPoint, Climbing>();

  /** Whether the climbs end at the evaluated iterates; the others have taken a step. */
  async function stepAll(climbs: readonly Climbing[]): Promise<readonly boolean[]> {
    const before = tensorsOf(climbs);
    const made = tf.tidy(() => evaluated(climbs, evaluate));
    try {
      const values = await made.numbers.data();
      return climbs.map((climb, i) => {
        const { course, state, tile } = climb;
        const number = (row: number) => values[row * climbs.length + i] as number;
        const [logLikelihood, logDensity, isSound, moved] = [number(0), number(1), number(2), number(3)];
        const objective = tile.climb.beta * logLikelihood + logDensity;
        const { isBest, isOver } = course.judge(objective, isSound === 1 && Number.isFinite(objective));
        if (!isOver) course.moved(moved);
        climb.state = {
          ...state,
          iterate: made.iterates[i] as tf.Tensor,
          first: made.firsts[i] as tf.Tensor,
          second: made.seconds[i] as tf.Tensor,
          ...(isBest && { best: state.iterate, bestScore: made.scores[i] as tf.Tensor }),
        };
        return isOver;
      });
    } finally {
      const kept = new Set(tensorsOf(climbs));
      const all = [...before, ...Object.values(made).flat()];
      tf.dispose(all.filter((tensor) => !kept.has(tensor)));
    }
  }

  return {
    /** As `DeviceProgram.step`. The first tile's Adam betas hold for all. */
    async step(tiles: readonly ClimbPoint[]): Promise<readonly (Climb | undefined)[]> {
      for (const tile of tiles) if (!known.has(tile)) known.set(tile, begun(tile));
      const climbs = tiles.map((tile) => known.get(tile) as Climbing);
      const isOver = await stepAll(climbs);
      const results: (Climb | undefined)[] = [];
      for (const [i, climb] of climbs.entries()) {
        results.push(isOver[i] ? await result(climb) : undefined);
        if (isOver[i]) tf.dispose(tensorsOf([climb]));
        if (isOver[i]) known.delete(climb.tile);
      }
      return results;
    },
    /** Frees what has not ended; a further step starts it again. */
    dispose(): void {
      tf.dispose(tensorsOf([...known.values()]));
      known.clear();
    },
  };
}
