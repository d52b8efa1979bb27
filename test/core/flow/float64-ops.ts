// TensorOps in float64 by definition: every operation is its formula in loops over plain [B, C, H, W] arrays, and
// matrices are factored by Gram-Schmidt. An oracle for the carriers and for the flow written over them; slow.
import type { TensorOps } from '#src/core/ops/tensor-ops.js';

export interface Tensor64 {
  readonly shape: readonly number[];
  readonly data: Float64Array;
}

type Shape4 = readonly [number, number, number, number];

export const tensor64 = (data: ArrayLike<number>, shape: readonly number[]): Tensor64 => ({
  shape,
  data: Float64Array.from(data),
});

const at = (data: ArrayLike<number>, index: number) => data[index] as number;
const shape4 = ({ shape }: Tensor64) => shape as Shape4;

/** The number at a position of a 4-axis tensor; zero outside of it. */
function read(x: Tensor64, a: number, b: number, c: number, d: number): number {
  const { 1: B, 2: C, 3: D } = shape4(x);
  if (c < 0 || c >= C || d < 0 || d >= D) return 0;
  return at(x.data, ((a * B + b) * C + c) * D + d);
}

/** A 4-axis tensor from the formula of its elements. */
function build(shape: Shape4, element: (a: number, b: number, c: number, d: number) => number): Tensor64 {
  const [A, B, C, D] = shape;
  const data = new Float64Array(A * B * C * D);
  let index = 0;
  for (let a = 0; a < A; a++)
    for (let b = 0; b < B; b++)
      for (let c = 0; c < C; c++) for (let d = 0; d < D; d++) data[index++] = element(a, b, c, d);
  return { shape, data };
}

const unary = (f: (x: number) => number) => (x: Tensor64) => ({ shape: x.shape, data: x.data.map(f) });

function binary(f: (a: number, b: number) => number) {
  return (a: Tensor64, b: Tensor64): Tensor64 => {
    if (a.shape.join() !== b.shape.join()) throw new Error(`shapes [${a.shape}] and [${b.shape}] differ`);
    return { shape: a.shape, data: a.data.map((value, i) => f(value, at(b.data, i))) };
  };
}

/** A picture with a vector, [C] or [B, C], at every pixel. */
function withVector(f: (x: number, v: number) => number) {
  return (picture: Tensor64, vector: Tensor64): Tensor64 => {
    const [, C] = shape4(picture);
    if (vector.shape.at(-1) !== C) throw new Error(`vector [${vector.shape}] for ${C} channels`);
    const entry = (b: number, c: number) => at(vector.data, vector.shape.length === 2 ? b * C + c : c);
    return build(shape4(picture), (b, c, y, x) => f(read(picture, b, c, y, x), entry(b, c)));
  };
}

/** Sums over all but the first axis. */
function sumRows(x: Tensor64): Tensor64 {
  const rows = x.shape[0] ?? 1;
  const size = x.data.length / rows;
  const row = (b: number) => x.data.subarray(b * size, (b + 1) * size);
  return tensor64(
    Array.from({ length: rows }, (_, b) => row(b).reduce((sum, value) => sum + value, 0)),
    [rows],
  );
}

type Column = readonly number[];
const dot = (a: Column, b: Column) => a.reduce((sum, value, i) => sum + value * at(b, i), 0);

/** M = Q R by Gram-Schmidt, done twice per column: columns of Q, and R with a positive diagonal. */
function factor(kernel: Tensor64): { q: Column[]; r: number[][] } {
  const size = kernel.shape[0] ?? 0;
  const q: Column[] = [];
  const r: number[][] = Array.from({ length: size }, () => new Array<number>(size).fill(0));
  for (let j = 0; j < size; j++) {
    let column: Column = Array.from({ length: size }, (_, i) => read(kernel, i, j, 0, 0));
    for (const _ of ['once', 'twice'])
      for (const [k, other] of q.entries()) {
        const share = dot(other, column);
        (r[k] as number[])[j] = at(r[k] as number[], j) + share;
        column = column.map((value, i) => value - share * at(other, i));
      }
    const length = Math.sqrt(dot(column, column));
    (r[j] as number[])[j] = length;
    q.push(column.map((value) => value / length));
  }
  return { q, r };
}

export const float64Ops: TensorOps<Tensor64> = {
  kernel: (data, shape) => tensor64(data, shape),
  vector: (data) => tensor64(data, [data.length]),
  matrix: (data, shape) => tensor64(data, shape),
  shapeOf(picture) {
    const [batch, channels, height, width] = shape4(picture);
    return { batch, channels, height, width };
  },

  conv2d(picture, kernel, bias) {
    const [B, C, H, W] = shape4(picture);
    const [O, I, kh, kw] = shape4(kernel);
    if (I !== C) throw new Error(`kernel [${kernel.shape}] for ${C} channels`);
    return build([B, O, H, W], (b, o, y, x) => {
      let sum = bias ? at(bias.data, o) : 0;
      for (let i = 0; i < I; i++)
        for (let p = 0; p < kh; p++)
          for (let q = 0; q < kw; q++)
            sum += read(picture, b, i, y + p - (kh - 1) / 2, x + q - (kw - 1) / 2) * read(kernel, o, i, p, q);
      return sum;
    });
  },
  transposeKernel(kernel) {
    const [O, I, kh, kw] = shape4(kernel);
    return build([I, O, kh, kw], (i, o, p, q) => read(kernel, o, i, kh - 1 - p, kw - 1 - q));
  },
  logAbsDet: (kernel) =>
    tensor64([factor(kernel).r.reduce((sum, row, j) => sum + Math.log(at(row, j)), 0)], []),
  invertKernel(kernel) {
    // Column j of the inverse solves R x = Q^T e_j.
    const { q, r } = factor(kernel);
    const size = q.length;
    const columns = q.map((_, j) => {
      const x = q.map((column) => at(column, j));
      for (let i = size - 1; i >= 0; i--) {
        const row = r[i] as number[];
        for (let k = i + 1; k < size; k++) x[i] = at(x, i) - at(row, k) * at(x, k);
        x[i] = at(x, i) / at(row, i);
      }
      return x;
    });
    return build([size, size, 1, 1], (i, j) => at(columns[j] ?? [], i));
  },
  dense(rows, matrix, bias) {
    const [B = 0, I = 0] = rows.shape;
    const [O = 0] = matrix.shape;
    const out = build([B, O, 1, 1], (b, o) => {
      let sum = at(bias.data, o);
      for (let i = 0; i < I; i++) sum += at(rows.data, b * I + i) * at(matrix.data, o * I + i);
      return sum;
    });
    return { shape: [B, O], data: out.data };
  },

  add: binary((a, b) => a + b),
  mul: binary((a, b) => a * b),
  sub: binary((a, b) => a - b),
  div: binary((a, b) => a / b),
  sqrt: unary(Math.sqrt),
  affine: (x, scale, offset) => unary((value) => value * scale + offset)(x),
  addVector: withVector((x, v) => x + v),
  mulVector: withVector((x, v) => x * v),
  exp: unary(Math.exp),
  log: unary(Math.log),
  tanh: unary(Math.tanh),
  sigmoid: unary((x) => 1 / (1 + Math.exp(-x))),
  relu: unary((x) => Math.max(0, x)),
  positive: unary((x) => (x > 0 ? 1 : 0)),
  complement: unary((x) => 1 - x),

  concat(a, b) {
    const [B = 0, C = 0, H = 1, W = 1] = a.shape;
    const [, D = 0] = b.shape;
    const [left, right] = [tensor64(a.data, [B, C, H, W]), tensor64(b.data, [B, D, H, W])];
    const joined = build([B, C + D, H, W], (n, c, y, x) =>
      c < C ? read(left, n, c, y, x) : read(right, n, c - C, y, x),
    );
    return { shape: [B, C + D, ...a.shape.slice(2)], data: joined.data };
  },
  halves(x) {
    const half = ((x.shape.length === 1 ? x.shape[0] : x.shape[1]) ?? 0) / 2;
    const part = (start: number) => {
      if (x.shape.length === 1) return tensor64(x.data.slice(start, start + half), [half]);
      const [B = 0, C = 0, H = 1, W = 1] = x.shape;
      const whole = tensor64(x.data, [B, C, H, W]);
      const { data } = build([B, half, H, W], (b, c, y, column) => read(whole, b, start + c, y, column));
      return { shape: [B, half, ...x.shape.slice(2)], data };
    };
    return [part(0), part(half)];
  },
  squeeze(picture) {
    const [B, C, H, W] = shape4(picture);
    return build([B, 4 * C, H / 2, W / 2], (b, k, y, x) =>
      read(picture, b, Math.floor(k / 4), 2 * y + (Math.floor(k / 2) % 2), 2 * x + (k % 2)),
    );
  },
  unsqueeze(picture) {
    const [B, C, H, W] = shape4(picture);
    return build([B, C / 4, 2 * H, 2 * W], (b, c, y, x) =>
      read(picture, b, 4 * c + 2 * (y % 2) + (x % 2), Math.floor(y / 2), Math.floor(x / 2)),
    );
  },
  after: (picture) => picture,

  sum: sumRows,
  sumVector: (vector) =>
    vector.shape.length === 2 ? sumRows(vector) : tensor64(sumRows({ ...vector, shape: [1] }).data, []),
  forEachPixel(scalar, picture) {
    const { height, width } = this.shapeOf(picture);
    return this.affine(scalar, height * width, 0);
  },
  addScalars(a, b) {
    const [long, short] = a.data.length >= b.data.length ? [a, b] : [b, a];
    const isOne = short.data.length === 1;
    return { shape: long.shape, data: long.data.map((value, i) => value + at(short.data, isOne ? 0 : i)) };
  },
};
