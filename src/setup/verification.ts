// The program that verify.ts runs: imports TensorFlow from a folder, convolves, compares with plain loops, and prints a line
// of JSON.
import { describeTensorflow, importTensorflowFrom } from '../core/engine/packages/tensorflow-package.js';
import type { Verification } from './verify.js';

const [side, channels, filters, kernel] = [12, 3, 5, 3];

/** Numbers in [-1, 1] that do not repeat soon. */
function numbers(length: number, step: number): Float32Array {
  return Float32Array.from({ length }, (_, i) => Math.sin(step * (i + 1)));
}

/** y[r, c, f] = sum over the kernel and channels of x w, zero outside: NHWC, HWIO, padding `same`. */
function convolve(x: Float32Array, w: Float32Array): Float32Array {
  const y = new Float32Array(side * side * filters);
  const reach = (kernel - 1) / 2;
  for (let i = 0; i < y.length; i++) {
    const [row, column, filter] = [
      Math.floor(i / filters / side),
      Math.floor(i / filters) % side,
      i % filters,
    ];
    let sum = 0;
    for (let j = 0; j < kernel * kernel * channels; j++) {
      const [dy, dx, channel] = [
        Math.floor(j / channels / kernel),
        Math.floor(j / channels) % kernel,
        j % channels,
      ];
      const [r, c] = [row + dy - reach, column + dx - reach];
      if (r < 0 || c < 0 || r >= side || c >= side) continue;
      sum += (x[(r * side + c) * channels + channel] ?? 0) * (w[j * filters + filter] ?? 0);
    }
    y[i] = sum;
  }
  return y;
}

const tf = await importTensorflowFrom(process.argv[2] ?? '.');
const x = numbers(side * side * channels, 1.7);
const w = numbers(kernel * kernel * channels * filters, 2.3);
const computed = tf
  .conv2d(
    tf.tensor4d(x, [1, side, side, channels]),
    tf.tensor4d(w, [kernel, kernel, channels, filters]),
    1,
    'same',
  )
  .dataSync();
const expected = convolve(x, w);
const difference = expected.reduce(
  (most, value, i) => Math.max(most, Math.abs(value - (computed[i] ?? NaN))),
  0,
);
const verification: Verification = { ...describeTensorflow(tf), difference };
process.stdout.write(`${JSON.stringify(verification)}\n`);
