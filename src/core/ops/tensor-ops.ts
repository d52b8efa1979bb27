// The tensor operations that the flow needs, and no others. Two carriers implement them: tfjs-ops runs at once, onnx-ops
// records a graph. Nothing broadcasts but "per channel". Only the carriers know how a picture's axes lie in memory.
import type { Shape } from '../picture.js';

/** The logical shape of a picture tensor: [batch, channels, height, width], whatever the layout in memory. */
export interface PictureShape extends Shape {
  readonly batch: number;
}

/** The shape of a convolution's kernel: [output channels, input channels, height, width], odd sizes. */
export type KernelShape = readonly [number, number, number, number];

/** The elementwise arithmetic that an optimiser needs. A number stands for one sample and for its own vector. */
export interface ElementwiseOps<T> {
  /** Elementwise sum, product, difference and quotient of two tensors of one shape. */
  add(a: T, b: T): T;
  mul(a: T, b: T): T;
  sub(a: T, b: T): T;
  div(a: T, b: T): T;
  sqrt(x: T): T;
  /** x * scale + offset with plain numbers. */
  affine(x: T, scale: number, offset: number): T;
  /** A picture plus, or times, a vector ([C], [B, C], or [B, 1] for a number per picture). */
  addVector(picture: T, vector: T): T;
  mulVector(picture: T, vector: T): T;
}

/** Plain numbers, in float64, for loops over arrays on the host. A flow cannot run on it. */
export const numberOps: ElementwiseOps<number> = {
  add: (a, b) => a + b,
  mul: (a, b) => a * b,
  sub: (a, b) => a - b,
  div: (a, b) => a / b,
  sqrt: (x) => Math.sqrt(x),
  affine: (x, scale, offset) => x * scale + offset,
  addVector: (x, y) => x + y,
  mulVector: (x, y) => x * y,
};

/**
 * Operations on a carrier's tensors T. Below, a *picture* is [B, C, H, W] whatever its layout, a *vector* is [C] or [B, C]
 * and applies to every pixel of a picture, a *scalar* is [] or [B].
 */
export interface TensorOps<T> extends ElementwiseOps<T> {
  /** A convolution kernel from row-major [O, I, kh, kw] numbers. */
  kernel(data: Float32Array, shape: KernelShape): T;
  /** A vector [C]. */
  vector(data: Float32Array): T;
  /** A matrix [out, in] for `dense`, row-major. */
  matrix(data: Float32Array, shape: readonly [number, number]): T;

  shapeOf(picture: T): PictureShape;

  /** Convolution (cross-correlation) with zero padding, stride 1, output of the input's size. bias: vector [O]. */
  conv2d(picture: T, kernel: T, bias?: T): T;
  /** The kernel turned by 180 degrees with input and output swapped. Convolving with it is conv2d's pullback. */
  transposeKernel(kernel: T): T;
  /** ln |det W| of a [C, C, 1, 1] kernel, a scalar. */
  logAbsDet(kernel: T): T;
  /** The inverse of a [C, C, 1, 1] kernel, as a kernel. */
  invertKernel(kernel: T): T;
  /** Rows times a matrix: x [B, in] -> [B, out], plus bias [out]. */
  dense(rows: T, matrix: T, bias: T): T;

  exp(x: T): T;
  log(x: T): T;
  tanh(x: T): T;
  sigmoid(x: T): T;
  /** x sigmoid(x) and its derivative; undefined if the carrier has no such kernel. Then they are composed. */
  silu?(x: T): { readonly y: T; readonly slope: T } | undefined;
  /** max(x, 0). */
  relu(x: T): T;
  /** 1 where x > 0, else 0: relu's slope. */
  positive(x: T): T;
  /** 1 - x for x in [0, 1], as sigmoids are. (A carrier may clip to that range.) */
  complement(x: T): T;

  /** Joins the channels of two pictures, or the entries of two [B, C] vectors. */
  concat(a: T, b: T): T;
  /** The first and the second half of the channels, or of a vector's entries. */
  halves(x: T): readonly [T, T];
  /** [B, C, H, W] -> [B, 4C, H/2, W/2]; channel c, row dy, column dx becomes channel 4c + 2dy + dx. */
  squeeze(picture: T): T;
  unsqueeze(picture: T): T;

  /** The same picture, computed after the given ones, which hold finite numbers: so their inputs can be freed. */
  after(picture: T, earlier: readonly T[]): T;

  /** The sum over everything but the batch: picture -> [B]. */
  sum(picture: T): T;
  /** The sum of a vector's entries: [C] -> [], [B, C] -> [B]. */
  sumVector(vector: T): T;
  /** A scalar times the number of a picture's pixels, H W. */
  forEachPixel(scalar: T, picture: T): T;
  /** The sum of two scalars, [] or [B] each. */
  addScalars(a: T, b: T): T;
}
