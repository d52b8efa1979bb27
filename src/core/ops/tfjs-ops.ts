// TensorOps on TensorFlow.js. Every operation runs at once on the current backend and is differentiable, so training uses
// the same flow. Pictures are NHWC in memory. The caller's `tidy` frees tensors.
import * as tf from '@tensorflow/tfjs-core';
import { invertMatrix, logAbsDet } from './small-matrix.js';
import type { TensorOps } from './tensor-ops.js';
import { fusedSilu } from './tensorflow-silu.js';

/** Kernels are HWIO, pictures NHWC, vectors [C] or [B, C]. */
type TfjsOps = TensorOps<tf.Tensor>;

/** Reshapes [C] or [B, C] to broadcast over NHWC. */
function overPixels(vector: tf.Tensor): tf.Tensor {
  const [batch, channels] = vector.shape;
  return vector.rank === 2 ? tf.reshape(vector, [batch as number, 1, 1, channels as number]) : vector;
}

/** The numbers that kernels were made from. Reading them back is slow on a GPU, and some backends cannot do it at once. */
const kernelData = new WeakMap<tf.Tensor, Float32Array>();

/** The [C, C] matrix (output first) of a 1x1 kernel, on the host. */
function matrixOf(kernel: tf.Tensor): { matrix: Float64Array; size: number } {
  const size = kernel.shape[3] as number;
  const known = kernelData.get(kernel);
  if (known) return { matrix: Float64Array.from(known), size };
  const values = kernel.dataSync();
  const matrix = new Float64Array(size * size);
  for (let input = 0; input < size; input++)
    for (let output = 0; output < size; output++)
      matrix[output * size + input] = values[input * size + output] as number;
  return { matrix, size };
}

/** ln |det W| of a kernel [1, 1, C, C] and its gradient W^-T, in float64 on the host: TensorFlow.js has no determinant. */
const logAbsDetOf = tf.customGrad((...inputs) => {
  const [kernel] = inputs as [tf.Tensor];
  const { matrix, size } = matrixOf(kernel);
  return {
    value: tf.scalar(logAbsDet(matrix, size)),
    // HWIO keeps W^-T's entry (output o, input i) where W^-1 has its entry (i, o).
    gradFunc: (dy: tf.Tensor) => {
      const inverse = Float32Array.from(invertMatrix(matrix, size));
      return tf.mul(dy, tf.tensor4d(inverse, [1, 1, size, size]));
    },
  };
}) as (kernel: tf.Tensor) => tf.Tensor;

function hwio(data: Float32Array, shape: readonly [number, number, number, number]): tf.Tensor4D {
  const kernel: tf.Tensor4D = tf.tidy(() => tf.transpose(tf.tensor4d(data, [...shape]), [2, 3, 1, 0]));
  kernelData.set(kernel, data);
  return kernel;
}

/** Kernels that are used turned and transposed, by an operation that is fast in TensorFlow and slow in other backends. */
const turnedInUse = new WeakSet<tf.Tensor>();

function convolved(picture: tf.Tensor4D, kernel: tf.Tensor4D): tf.Tensor {
  if (!turnedInUse.has(kernel)) return tf.conv2d(picture, kernel, 1, 'same');
  const [batch, height, width] = picture.shape;
  return tf.conv2dTranspose(picture, kernel, [batch, height, width, kernel.shape[2]], 1, 'same');
}

export const tfjsOps: TfjsOps = {
  kernel: hwio,
  vector: (data) => tf.tensor1d(data),
  matrix: (data, shape) => tf.tensor2d(data, [...shape]),

  shapeOf(picture) {
    const [batch, height, width, channels] = picture.shape as [number, number, number, number];
    return { batch, channels, height, width };
  },

  conv2d(picture, kernel, bias) {
    const out = convolved(picture as tf.Tensor4D, kernel as tf.Tensor4D);
    return bias ? tf.add(out, bias) : out;
  },
  transposeKernel(kernel) {
    if (tf.getBackend() !== 'tensorflow') return tf.transpose(tf.reverse(kernel, [0, 1]), [0, 1, 3, 2]);
    const same = tf.clone(kernel);
    turnedInUse.add(same);
    return same;
  },
  logAbsDet: (kernel) => logAbsDetOf(kernel),
  invertKernel(kernel) {
    const { matrix, size } = matrixOf(kernel);
    return hwio(Float32Array.from(invertMatrix(matrix, size)), [size, size, 1, 1]);
  },
  dense: (rows, matrix, bias) =>
    tf.add(tf.matMul(rows as tf.Tensor2D, matrix as tf.Tensor2D, false, true), bias),

  add: (a, b) => tf.add(a, b),
  mul: (a, b) => tf.mul(a, b),
  sub: (a, b) => tf.sub(a, b),
  div: (a, b) => tf.div(a, b),
  sqrt: (x) => tf.sqrt(x),
  affine(x, scale, offset) {
    const scaled = scale === 1 ? x : tf.mul(x, scale);
    return offset === 0 ? scaled : tf.add(scaled, offset);
  },
  addVector: (picture, vector) => tf.add(picture, overPixels(vector)),
  mulVector: (picture, vector) => tf.mul(picture, overPixels(vector)),
  exp: (x) => tf.exp(x),
  log: (x) => tf.log(x),
  tanh: (x) => tf.tanh(x),
  sigmoid: (x) => tf.sigmoid(x),
  silu: fusedSilu,
  relu: (x) => tf.relu(x),
  positive: (x) => tf.step(x),
  complement: (x) => tf.sub(1, x),

  concat: (a, b) => tf.concat([a, b], -1),
  // Its gradient is one operation; that of two slices is several.
  halves: (x) => tf.split(x, 2, -1) as [tf.Tensor, tf.Tensor],
  squeeze(picture) {
    const { batch, channels, height, width } = this.shapeOf(picture);
    const blocks = tf.reshape(picture, [batch, height / 2, 2, width / 2, 2, channels]);
    return tf.reshape(tf.transpose(blocks, [0, 1, 3, 5, 2, 4]), [batch, height / 2, width / 2, channels * 4]);
  },
  unsqueeze(picture) {
    const { batch, channels, height, width } = this.shapeOf(picture);
    const blocks = tf.reshape(picture, [batch, height, width, channels / 4, 2, 2]);
    return tf.reshape(tf.transpose(blocks, [0, 1, 4, 2, 5, 3]), [batch, height * 2, width * 2, channels / 4]);
  },

  after: (picture) => picture,

  // Row by row first: partial sums stay small, and float32 stays exact enough.
  sum: (picture) => tf.sum(tf.sum(picture, [2, 3]), 1),
  sumVector: (vector) => tf.sum(vector, -1),
  forEachPixel(scalar, picture) {
    const { height, width } = this.shapeOf(picture);
    return tf.mul(scalar, height * width);
  },
  addScalars: (a, b) => tf.add(a, b),
};
