// TensorOps that record an ONNX graph instead of computing. Pictures are NCHW. What depends on weights alone, such as a
// determinant, is computed while recording.
import { DataType, type OnnxGraph, type OnnxValue } from './onnx-graph.js';
import { invertMatrix, logAbsDet } from './small-matrix.js';
import type { KernelShape, PictureShape, TensorOps } from './tensor-ops.js';

/** More pixels than any picture has in a row or column. */
const BEYOND = 2 ** 20;

function pictureShape({ shape, name }: OnnxValue): PictureShape {
  const [batch, channels, height, width] = shape;
  if (batch === undefined || channels === undefined || height === undefined || width === undefined)
    throw new TypeError(`${name} is not a picture: [${shape}]`);
  return { batch, channels, height, width };
}

function constantOf(value: OnnxValue): Float32Array {
  if (!value.constant) throw new TypeError(`${value.name} is not a constant: weights only`);
  return value.constant;
}

/** The kernel of a convolution's pullback, see TensorOps.transposeKernel. */
function transposed(data: Float32Array, [O, I, kh, kw]: KernelShape): Float32Array {
  const out = new Float32Array(data.length);
  const size = kh * kw;
  for (let o = 0; o < O; o++)
    for (let i = 0; i < I; i++)
      for (let p = 0; p < size; p++)
        out[(i * O + o) * size + p] = data[(o * I + i) * size + size - 1 - p] as number;
  return out;
}

export interface OnnxOpsOptions {
  /**
   * Convolutions larger than 1x1 get channels of zeros up to a multiple of this: ONNX Runtime's WebGPU provider computes
   * 3x3 convolutions of 6 channels wrongly, of 8 rightly (seen with 1.30).
   */
  readonly channelMultiple?: number;
}

export function onnxOps(
  graph: OnnxGraph,
  { channelMultiple = 1 }: OnnxOpsOptions = {},
): TensorOps<OnnxValue> {
  const scalar = (value: number) => graph.constant(Float32Array.of(value), []);

  /** An elementwise function: computed now for a constant, recorded as a node for a variable. */
  function elementwise(opType: string, now: (x: number) => number, x: OnnxValue): OnnxValue {
    return x.constant ? graph.constant(x.constant.map(now), x.shape) : graph.node(opType, [x], x.shape);
  }

  function binary(opType: string, a: OnnxValue, b: OnnxValue): OnnxValue {
    return graph.node(opType, [a, b], a.shape.length >= b.shape.length ? a.shape : b.shape);
  }

  /** Reshapes [C] or [B, C] to broadcast over [B, C, H, W]. */
  function overPixels(vector: OnnxValue): OnnxValue {
    const shape = [...vector.shape, 1, 1];
    return vector.constant
      ? graph.constant(vector.constant, shape)
      : graph.node('Reshape', [vector, graph.integers(shape)], shape);
  }

  function reduceSum(x: OnnxValue, axes: readonly number[]): OnnxValue {
    const shape = x.shape.filter((_, axis) => !axes.includes(axis));
    return graph.node('ReduceSum', [x, graph.integers(axes)], shape, { keepdims: 0 });
  }

  function padChannels(picture: OnnxValue, kernel: OnnxValue): [OnnxValue, OnnxValue] {
    const { batch, channels, height, width } = pictureShape(picture);
    const [O, I, kh, kw] = kernel.shape as KernelShape;
    const more = (channelMultiple - (channels % channelMultiple)) % channelMultiple;
    if (more === 0 || kh * kw === 1) return [picture, kernel];
    const all = channels + more;
    const data = new Float32Array(O * all * kh * kw);
    const size = I * kh * kw;
    for (let o = 0; o < O; o++)
      data.set(constantOf(kernel).subarray(o * size, (o + 1) * size), o * all * kh * kw);
    return [
      graph.node('Pad', [picture, graph.integers([0, 0, 0, 0, 0, more, 0, 0])], [batch, all, height, width]),
      graph.constant(data, [O, all, kh, kw]),
    ];
  }

  return {
    kernel: (data, shape) => graph.constant(data, shape),
    vector: (data) => graph.constant(data, [data.length]),
    matrix: (data, shape) => graph.constant(data, shape),
    shapeOf: pictureShape,

    conv2d(picture, kernel, bias) {
      const { batch, height, width } = pictureShape(picture);
      const [O, , kh, kw] = kernel.shape as KernelShape;
      const [top, left] = [(kh - 1) / 2, (kw - 1) / 2];
      const padded = padChannels(picture, kernel);
      const inputs = bias ? [...padded, bias] : padded;
      const pads = [top, left, top, left];
      return graph.node('Conv', inputs, [batch, O, height, width], { kernel_shape: [kh, kw], pads });
    },
    transposeKernel(kernel) {
      const [O, I, kh, kw] = kernel.shape as KernelShape;
      return graph.constant(transposed(constantOf(kernel), [O, I, kh, kw]), [I, O, kh, kw]);
    },
    logAbsDet: (kernel) => scalar(logAbsDet(constantOf(kernel), kernel.shape[0] as number)),
    invertKernel(kernel) {
      const inverse = invertMatrix(constantOf(kernel), kernel.shape[0] as number);
      return graph.constant(Float32Array.from(inverse), kernel.shape);
    },
    dense(rows, matrix, bias) {
      const shape = [rows.shape[0] as number, matrix.shape[0] as number];
      return graph.node('Gemm', [rows, matrix, bias], shape, { transB: 1 });
    },

    add: (a, b) => binary('Add', a, b),
    mul: (a, b) => binary('Mul', a, b),
    sub: (a, b) => binary('Sub', a, b),
    div: (a, b) => binary('Div', a, b),
    sqrt: (x) => elementwise('Sqrt', Math.sqrt, x),
    affine(x, scale, offset) {
      if (x.constant) {
        const values = x.constant.map((value) => value * scale + offset);
        return graph.constant(values, x.shape);
      }
      const scaled = scale === 1 ? x : binary('Mul', x, scalar(scale));
      return offset === 0 ? scaled : binary('Add', scaled, scalar(offset));
    },
    addVector: (picture, vector) => binary('Add', picture, overPixels(vector)),
    mulVector: (picture, vector) => binary('Mul', picture, overPixels(vector)),
    exp: (x) => elementwise('Exp', Math.exp, x),
    log: (x) => elementwise('Log', Math.log, x),
    tanh: (x) => elementwise('Tanh', Math.tanh, x),
    sigmoid: (x) => elementwise('Sigmoid', (value) => 1 / (1 + Math.exp(-value)), x),
    relu: (x) => elementwise('Relu', (value) => Math.max(0, value), x),
    // Relu runs in ONNX Runtime's blocked layout; Greater and Cast do not.
    positive: (x) => graph.node('Sign', [graph.node('Relu', [x], x.shape)], x.shape),
    // HardSigmoid(x; -1, 1) = clip(1 - x): unlike Sub, it runs in ONNX Runtime's blocked layout.
    complement: (x) => graph.node('HardSigmoid', [x], x.shape, { alpha: { float: -1 }, beta: { float: 1 } }),

    concat(a, b) {
      const shape = a.shape.map((length, axis) => (axis === 1 ? length + (b.shape[1] as number) : length));
      return graph.node('Concat', [a, b], shape, { axis: 1 });
    },
    halves(x) {
      const axis = x.shape.length === 1 ? 0 : 1;
      const half = (x.shape[axis] as number) / 2;
      const shape = x.shape.map((length, i) => (i === axis ? half : length));
      const part = (start: number) => {
        const end = start + half;
        if (x.constant && axis === 0) return graph.constant(x.constant.slice(start, end), shape);
        const bounds = [[start], [end], [axis]].map((values) => graph.integers(values));
        return graph.node('Slice', [x, ...bounds], shape);
      };
      return [part(0), part(half)];
    },
    squeeze(picture) {
      const { batch, channels, height, width } = pictureShape(picture);
      const shape = [batch, channels * 4, height / 2, width / 2];
      // SpaceToDepth puts the four places before the channels, the flow after them.
      const places = graph.node('SpaceToDepth', [picture], shape, { blocksize: 2 });
      const order = Array.from({ length: 4 * channels }, (_, i) => (i % 4) * channels + Math.floor(i / 4));
      return graph.node('Gather', [places, graph.integers(order)], shape, { axis: 1 });
    },
    unsqueeze(picture) {
      const { batch, channels, height, width } = pictureShape(picture);
      const shape = [batch, channels / 4, height * 2, width * 2];
      return graph.node('DepthToSpace', [picture], shape, { blocksize: 2, mode: 'CRD' });
    },

    // ONNX Runtime computes nodes when they are needed. So the picture depends on one pixel of each of the others: a pooling
    // whose stride is longer than any picture (it runs in the blocked layout), times zero.
    after(picture, earlier) {
      const zeros = earlier.map((other) => {
        const { batch, channels } = pictureShape(other);
        const pixel = graph.node('MaxPool', [other], [batch, channels, 1, 1], {
          kernel_shape: [1, 1],
          strides: [BEYOND, BEYOND],
        });
        const axes = graph.integers([0, 1, 2, 3]);
        const number = graph.node('ReduceSum', [pixel, axes], [1, 1, 1, 1], { keepdims: 1 });
        return binary('Mul', number, scalar(0));
      });
      return zeros.reduce((sum, zero) => binary('Add', sum, zero), picture);
    },

    // Row by row first: partial sums stay small, and float32 stays exact enough.
    sum: (picture) => reduceSum(reduceSum(picture, [2, 3]), [1]),
    sumVector(vector) {
      if (!vector.constant) return reduceSum(vector, [vector.shape.length - 1]);
      return scalar(vector.constant.reduce((total, value) => total + value, 0));
    },
    forEachPixel(scalarOfPixel, picture) {
      const { batch, channels } = pictureShape(picture);
      const numbers = graph.node('Cast', [graph.node('Size', [picture], [])], [], { to: DataType.float });
      return binary('Mul', this.affine(scalarOfPixel, 1 / (batch * channels), 0), numbers);
    },
    addScalars: (a, b) =>
      a.constant && b.constant && a.shape.length + b.shape.length === 0
        ? scalar((a.constant[0] as number) + (b.constant[0] as number))
        : binary('Add', a, b),
  };
}
