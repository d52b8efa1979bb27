// Adam over the flat parameter vector. Gradients are clipped relative to their usual norm, extraordinary steps are skipped,
// and three skips in a row restore a snapshot.
import * as tf from '@tensorflow/tfjs-core';
import type { StepRecord } from '../progress.js';

const BETAS = [0.9, 0.995] as const;
const EPSILON = 1e-8;
const AVERAGE_DECAY = 0.999;
/** Decay of the running means of loss and gradient norm. */
const MEAN_DECAY = 0.98;
/** Gradients are clipped at this multiple of their running mean norm, and skipped above MOST_NORM times it. */
const CLIP = 3;
const MOST_NORM = 50;
/** A step whose loss is this far above the running mean, in nats, is skipped. */
const MOST_LOSS = 2.5;
const MOST_SKIPS = 3;
/** Good steps from one snapshot to the next. */
const SNAPSHOT_STEPS = 100;
/** Training fails after this many restorations without a new snapshot. */
const MOST_RESTORATIONS = 5;
/** The rate rises over this many steps, at the start and after a restoration. */
const WARM_UP = 500;

const TENSORS = ['parameters', 'firstMoment', 'secondMoment', 'average'] as const;
/** `average` is the exponentially weighted average of the parameters, which becomes the prior. */
type ByTensor<T> = Readonly<Record<(typeof TENSORS)[number], T>>;
/** Vectors [size]; the state that holds them owns them. */
export type OptimizerTensors = ByTensor<tf.Tensor>;
export type OptimizerArrays = ByTensor<Float32Array>;

/** In the order of a checkpoint's tensors. */
export function byTensor<T>(of: (name: keyof OptimizerTensors) => T): ByTensor<T> {
  return Object.fromEntries(TENSORS.map((name) => [name, of(name)])) as ByTensor<T>;
}

export const tensorsOf = (arrays: OptimizerArrays) => byTensor((name) => tf.tensor1d(arrays[name]));

/** Zero moments; the average equals the parameters. */
export function freshTensors(parameters: Float32Array): OptimizerTensors {
  const zeros = new Float32Array(parameters.length);
  return tensorsOf({ parameters, firstMoment: zeros, secondMoment: zeros, average: parameters });
}

/** New tensors with the same data, without copying. */
const cloned = (tensors: OptimizerTensors) => byTensor((name) => tf.clone(tensors[name]));

/** Stored in a checkpoint with the tensors. */
export interface OptimizerCounts {
  readonly updates: number;
  /** Updates since the warm-up began. */
  readonly warmed: number;
  readonly lossMean: number | undefined;
  readonly normMean: number | undefined;
  /** Skipped steps in a row. */
  readonly skips: number;
  readonly restorations: number;
}

interface Update extends Pick<StepRecord, 'rate' | 'skipped' | 'restored'> {
  /** Snapshots were restored again and again without progress. */
  readonly isLost: boolean;
}

interface OptimizerState {
  readonly tensors: OptimizerTensors;
  readonly counts: OptimizerCounts;
}

export type Optimizer = ReturnType<typeof optimizer>;

const START: OptimizerCounts = {
  updates: 0,
  warmed: 0,
  lossMean: undefined,
  normMean: undefined,
  skips: 0,
  restorations: 0,
};

const mixed = (mean: number | undefined, value: number) =>
  mean === undefined ? value : MEAN_DECAY * mean + (1 - MEAN_DECAY) * value;

/**
 * @param tensors  the optimizer takes them over
 * @param relative a factor of the rate for every parameter, [size]; taken over too
 * @param before   if a training resumes, its counts and snapshot, whose tensors are taken over too
 */
export function optimizer(
  tensors: OptimizerTensors,
  relative: tf.Tensor,
  before?: { readonly counts: OptimizerCounts; readonly snapshot: OptimizerState },
) {
  let current = tensors;
  let state = before?.counts ?? START;
  let snapshot = before?.snapshot ?? { tensors: cloned(tensors), counts: START };

  function replace(next: OptimizerTensors): void {
    tf.dispose(Object.values(current));
    current = next;
  }

  function faultOf(loss: number, norm: number): Update['skipped'] {
    if (!Number.isFinite(loss) || !Number.isFinite(norm)) return 'not finite';
    if (state.lossMean !== undefined && loss > state.lossMean + MOST_LOSS) return 'loss';
    if (state.normMean !== undefined && norm > MOST_NORM * state.normMean) return 'gradient';
    return undefined;
  }

  function learn(gradient: tf.Tensor, norm: number, rate: number): void {
    const updates = state.updates + 1;
    const [b1, b2] = BETAS;
    const mostNorm = CLIP * (state.normMean ?? Number.POSITIVE_INFINITY);
    const clip = norm > mostNorm ? mostNorm / norm : 1;
    // At first an average of the last few hundred, so that the starting point is soon forgotten.
    const decay = Math.min(AVERAGE_DECAY, updates / (updates + 10));
    const next = tf.tidy(() => {
      const g = clip === 1 ? gradient : tf.mul(gradient, clip);
      const firstMoment = tf.add(tf.mul(current.firstMoment, b1), tf.mul(g, 1 - b1));
      const secondMoment = tf.add(tf.mul(current.secondMoment, b2), tf.mul(tf.square(g), 1 - b2));
      const root = tf.add(tf.sqrt(tf.mul(secondMoment, 1 / (1 - b2 ** updates))), EPSILON);
      const move = tf.mul(tf.div(firstMoment, root), tf.mul(relative, rate / (1 - b1 ** updates)));
      const parameters = tf.sub(current.parameters, move);
      const average = tf.add(tf.mul(current.average, decay), tf.mul(parameters, 1 - decay));
      return { parameters, firstMoment, secondMoment, average };
    });
    replace(next);
  }

  function restore(): void {
    replace(cloned(snapshot.tensors));
    state = { ...snapshot.counts, warmed: 0, skips: 0, restorations: state.restorations + 1 };
  }

  return {
    get tensors() {
      return current;
    },
    get counts() {
      return state;
    },
    /** The state at the last snapshot, which bad steps restore. */
    get snapshot() {
      return snapshot;
    },
    /** Takes a step, or skips it, by a gradient, [size], of that Euclidean norm. The warm-up lowers the rate. */
    update(gradient: tf.Tensor, loss: number, norm: number, fullRate: number): Update {
      const rate = fullRate * Math.min(1, (state.warmed + 1) / WARM_UP);
      const skipped = faultOf(loss, norm);
      if (skipped !== undefined) {
        state = { ...state, skips: state.skips + 1 };
        const restored = state.skips >= MOST_SKIPS;
        if (restored) restore();
        return { rate, skipped, restored, isLost: state.restorations >= MOST_RESTORATIONS };
      }
      learn(gradient, norm, rate);
      const updates = state.updates + 1;
      state = {
        ...state,
        updates,
        warmed: state.warmed + 1,
        lossMean: mixed(state.lossMean, loss),
        normMean: mixed(state.normMean, Math.min(norm, CLIP * (state.normMean ?? norm))),
        skips: 0,
      };
      if (updates % SNAPSHOT_STEPS === 0) {
        state = { ...state, restorations: 0 };
        tf.dispose(Object.values(snapshot.tensors));
        snapshot = { tensors: cloned(current), counts: state };
      }
      return { rate, skipped, restored: false, isLost: false };
    },
    dispose() {
      tf.dispose([current, snapshot.tensors].flatMap((tensors) => Object.values(tensors)));
      relative.dispose();
    },
  };
}
