// The program that verifies an installation, in its own process: imports TensorFlow from a folder, convolves, compares, and
// prints what it has found as a line of JSON.
import {
  describeTensorflow,
  importTensorflowFrom,
  prepareTensorflowEnvironment,
} from '../core/engine/packages/tensorflow-package.js';

/** Far above rounding, far below a wrong kernel or three-digit TF32. */
const LARGEST_DIFFERENCE = 1e-4;
const [side, channels, filters] = [3, 64, 5];
const length = side * side * channels;

/** Numbers in [-1, 1] that do not repeat soon. */
const numbers = (count: number, step: number) =>
  Float32Array.from({ length: count }, (_, i) => Math.sin(step * (i + 1)));

prepareTensorflowEnvironment();
const tf = importTensorflowFrom(process.argv[2] ?? '.');
const x = numbers(length, 1.7);
const w = numbers(length * filters, 2.3);
// The kernel is as large as the picture, so that each filter has one output: y[f] = sum over i of x[i] w[i, f].
const y = tf
  .conv2d(
    tf.tensor4d(x, [1, side, side, channels]),
    tf.tensor4d(w, [side, side, channels, filters]),
    1,
    'valid',
  )
  .dataSync();
const differences = Array.from({ length: filters }, (_, filter) => {
  const expected = x.reduce((sum, value, i) => sum + value * (w[i * filters + filter] ?? 0), 0);
  return Math.abs(expected - (y[filter] ?? NaN));
});
const difference = Math.max(...differences);
if (!(difference <= LARGEST_DIFFERENCE)) throw new Error(`a convolution is off by ${difference}`);
process.stdout.write(`${JSON.stringify(describeTensorflow(tf))}\n`);
