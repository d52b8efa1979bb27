// beta-MAP's climb on a TensorFlow.js device: the iterates, both moments and the best iterates of a group of tiles
// stay there from step to step; only a few numbers per tile come back when it is looked which have ended. The same
// arithmetic as core/inference/beta-map.ts and adam.ts, batched.
import * as tf from '@tensorflow/tfjs-core';
import type { DensityAndScore } from '../../flow/log-density.js';
import type { Ascent, AscentRequest } from '../ascent.js';
import type { AscentGroup } from './device-batches.js';

/** Below every objective; not minus infinity, which shaders may take for anything. */
const NO_OBJECTIVE = -1e37;
const MOST_FINITE = 1e37;

/** Pictures are [B, H, W, C], numbers per tile [B]. */
type State = Record<
  | 'iterate'
  | 'noisy'
  | 'precision'
  | 'firstMoment'
  | 'secondMoment'
  | 'best'
  | 'bestScore'
  | 'bestObjective'
  | 'count'
  | 'hasConverged'
  | 'hasEnded',
  tf.Tensor
>;

type Evaluate = (y: tf.Tensor, sigma: tf.Tensor) => DensityAndScore<tf.Tensor>;

const onPixels = (perTile: tf.Tensor) => tf.reshape(perTile, [perTile.size, 1, 1, 1]);

/** Planar [C, H, W] of one tile, as [1, H, W, C]. */
function picture(data: Float32Array, { channels, height, width }: AscentRequest['shape']): tf.Tensor {
  return tf.transpose(tf.tensor4d(data, [1, channels, height, width]), [0, 2, 3, 1]);
}

function precisionOf({ precision, shape }: AscentRequest): tf.Tensor {
  const { channels, height, width } = shape;
  if (precision.length === 1) return tf.fill([1, height, width, channels], precision[0] as number);
  if (precision.length === height * width)
    return tf.tile(tf.tensor4d(precision, [1, height, width, 1]), [1, 1, 1, channels]);
  return picture(precision, shape);
}

function initialState(request: AscentRequest): State {
  const noisy = picture(request.noisy, request.shape);
  const zeros = () => tf.zerosLike(noisy);
  const number = (value: number) => tf.tensor1d([value]);
  return {
    iterate: picture(request.start, request.shape),
    noisy,
    precision: precisionOf(request),
    firstMoment: zeros(),
    secondMoment: zeros(),
    best: zeros(),
    bestScore: zeros(),
    bestObjective: number(NO_OBJECTIVE),
    count: number(0),
    hasConverged: number(0),
    hasEnded: number(0),
  };
}

const entriesOf = (state: State) => Object.entries(state) as [keyof State, tf.Tensor][];

const mapState = (state: State, change: (tensor: tf.Tensor, key: keyof State) => tf.Tensor): State =>
  Object.fromEntries(entriesOf(state).map(([key, tensor]) => [key, change(tensor, key)])) as State;

/** What the requests say, a number per tile. */
function settingsOf(requests: readonly AscentRequest[]) {
  const perTile = (of: (request: AscentRequest) => number) => tf.tensor1d(requests.map(of));
  return {
    beta: perTile(({ beta }) => beta),
    scale: onPixels(perTile(({ sigma }) => -sigma * sigma)),
    priorSigma: tf.reshape(
      perTile(({ priorSigma }) => priorSigma),
      [requests.length, 1],
    ),
    steps: perTile(({ adam }) => adam.steps),
    rate: perTile(({ adam }) => adam.rate),
    epsilon: onPixels(perTile(({ adam }) => adam.epsilon)),
    b1: perTile(({ adam }) => adam.betas[0]),
    b2: perTile(({ adam }) => adam.betas[1]),
    tolerance: perTile(({ tolerance }) => tolerance),
    mostScore: onPixels(perTile(({ mostScore }) => mostScore)),
  };
}

type Settings = ReturnType<typeof settingsOf>;

const not = (flag: tf.Tensor) => tf.sub(1, flag);
const asNumber = (claim: tf.Tensor) => tf.cast(claim, 'float32');

/** One step with every tile that has not ended. A tile ends as in beta-map.ts: out of steps, converged or broken down. */
function step(state: State, settings: Settings, evaluate: Evaluate): State {
  const { iterate, noisy, precision, count } = state;
  const { beta, b1, b2 } = settings;
  const { logDensity, score } = evaluate(iterate, settings.priorSigma);
  const pull = tf.mul(tf.sub(noisy, iterate), precision);
  const logLikelihood = tf.mul(-0.5, overPixels(tf.sum, tf.mul(pull, tf.sub(noisy, iterate))));
  const objective = tf.add(tf.mul(beta, logLikelihood), logDensity);

  // Comparisons that a NaN fails.
  const isWithin = overPixels(tf.min, asNumber(tf.lessEqual(tf.abs(score), settings.mostScore)));
  const isSound = tf.mul(isWithin, asNumber(tf.lessEqual(tf.abs(objective), MOST_FINITE)));
  const isRunning = not(state.hasEnded);
  const isBetter = tf.mul(tf.mul(isRunning, isSound), asNumber(tf.greater(objective, state.bestObjective)));
  const isOver = tf.maximum(
    not(isSound),
    tf.maximum(state.hasConverged, asNumber(tf.greaterEqual(count, settings.steps))),
  );
  const goesOn = tf.mul(isRunning, not(isOver));

  const gradient = tf.mul(settings.scale, tf.add(tf.mul(onPixels(beta), pull), score));
  const [p1, p2] = [onPixels(b1), onPixels(b2)];
  const firstMoment = tf.add(tf.mul(p1, state.firstMoment), tf.mul(not(p1), gradient));
  const secondMoment = tf.add(tf.mul(p2, state.secondMoment), tf.mul(not(p2), tf.square(gradient)));
  const decay = tf.mul(0.5, tf.add(1, tf.cos(tf.div(tf.mul(Math.PI, count), settings.steps))));
  const made = tf.add(count, 1);
  const first = tf.div(tf.mul(settings.rate, decay), not(tf.pow(b1, made)));
  const second = tf.div(1, not(tf.pow(b2, made)));
  const root = tf.sqrt(tf.mul(secondMoment, onPixels(second)));
  const move = tf.div(tf.mul(onPixels(first), firstMoment), tf.add(root, settings.epsilon));
  const moved = tf.sqrt(overPixels(tf.mean, tf.square(move)));

  const where = (flag: tf.Tensor, yes: tf.Tensor, no: tf.Tensor) =>
    tf.where(tf.cast(no.rank === 1 ? flag : onPixels(flag), 'bool'), yes, no);
  return {
    iterate: where(goesOn, tf.sub(iterate, move), iterate),
    noisy: tf.clone(noisy),
    precision: tf.clone(precision),
    firstMoment,
    secondMoment,
    best: where(isBetter, iterate, state.best),
    bestScore: where(isBetter, score, state.bestScore),
    bestObjective: where(isBetter, objective, state.bestObjective),
    count: where(goesOn, made, count),
    hasConverged: where(goesOn, asNumber(tf.less(moved, settings.tolerance)), state.hasConverged),
    hasEnded: tf.maximum(state.hasEnded, isOver),
  };
}

/** [B, H, W, C] -> [B]: rows first, so that partial sums stay small. */
function overPixels(reduce: (x: tf.Tensor, axis: number[]) => tf.Tensor, x: tf.Tensor): tf.Tensor {
  return reduce(reduce(x, [2, 3]), [1]);
}

async function numbersOf(tensors: readonly tf.Tensor[]): Promise<Float32Array[]> {
  const stacked = tf.stack([...tensors]);
  const numbers = (await stacked.data()) as Float32Array;
  stacked.dispose();
  const length = numbers.length / tensors.length;
  return tensors.map((_, i) => numbers.subarray(i * length, (i + 1) * length));
}

/**
 * A group of climbs under the prior that `evaluate` computes.
 *
 * @param evaluate  y [B, H, W, C] and sigma [B, 1] to log density [B] and score
 */
export function openTfjsAscentGroup(
  evaluate: Evaluate,
  firstRequests: readonly AscentRequest[],
): AscentGroup {
  let requests: AscentRequest[] = [];
  let state: State | undefined;
  let settings: Settings | undefined;
  /** Steps after which every tile has ended, whatever happens. */
  let most = 0;

  function replace(next: State | undefined): void {
    if (state) tf.dispose(state);
    state = next;
  }

  function changeTiles(next: readonly AscentRequest[], build: () => State): void {
    const built = tf.tidy(() => build() as never) as State;
    replace(built);
    requests = [...next];
    if (settings) tf.dispose(settings as never);
    settings = tf.tidy(() => settingsOf(requests) as never) as Settings;
  }

  function add(more: readonly AscentRequest[]): void {
    changeTiles([...requests, ...more], () => {
      const parts = [...(state ? [state] : []), ...more.map(initialState)];
      const [first] = parts as [State];
      return mapState(first, (tensor, key) =>
        parts.length === 1 ? tf.clone(tensor) : tf.concat(parts.map((part) => part[key])),
      );
    });
    most = Math.max(most, ...more.map(({ adam }) => adam.steps + 1));
  }

  /** The estimate of the tile at `index`, planar. */
  async function estimateAt(index: number): Promise<Float32Array> {
    const { best, bestScore } = state as State;
    const { polish, priorSigma } = requests[index] as AscentRequest;
    const estimate = tf.tidy(() => {
      const row = tf.slice(best, [index, 0, 0, 0], [1, -1, -1, -1]);
      const score = tf.slice(bestScore, [index, 0, 0, 0], [1, -1, -1, -1]);
      const polished = polish ? tf.add(row, tf.mul(priorSigma ** 2, score)) : row;
      return tf.transpose(polished, [0, 3, 1, 2]);
    });
    const data = await estimate.data();
    estimate.dispose();
    return data as Float32Array;
  }

  add(firstRequests);
  return {
    get size() {
      return requests.length;
    },
    add,
    async advance(steps) {
      for (let i = 0; i < Math.min(steps, most); i++)
        replace(tf.tidy(() => step(state as State, settings as Settings, evaluate) as never) as State);
      most -= Math.min(steps, most);
    },
    async takeEnded() {
      const { hasEnded, bestObjective, count, hasConverged } = state as State;
      const numbers = await numbersOf([hasEnded, bestObjective, count, hasConverged]);
      const at = (row: number, index: number) => numbers[row]?.[index] as number;
      const indices = requests.map((_, index) => index);
      const gone = indices.filter((index) => at(0, index) === 1);
      const ended: { index: number; ascent: Ascent }[] = [];
      for (const index of gone) {
        const objective = at(1, index);
        // Half of it: as float32 it is another number.
        const estimate = objective > NO_OBJECTIVE / 2 ? await estimateAt(index) : undefined;
        const isConverged = at(3, index) === 1;
        ended.push({ index, ascent: { estimate, objective, steps: at(2, index), isConverged } });
      }
      const rest = indices.filter((index) => at(0, index) !== 1);
      if (gone.length > 0 && rest.length > 0) {
        const { ...before } = state as State;
        changeTiles(
          rest.map((index) => requests[index] as AscentRequest),
          () => mapState(before, (tensor) => tf.gather(tensor, rest)),
        );
      } else if (rest.length === 0) {
        requests = [];
      }
      return ended;
    },
    dispose() {
      replace(undefined);
      if (settings) tf.dispose(settings as never);
      settings = undefined;
    },
  };
}
