// The networks that users would pick instead, as ONNX graphs of the published architectures with random weights: what they
// cost is measured, what they reach is their papers'. Pictures are [1, 3, H, W], sides multiples of 64.
import { loadOnnxRuntime } from '#src/core/engine/onnx/onnx-runtime.js';
import { gaussianGenerator } from '#src/core/noise/random.js';
import { createOnnxGraph, type OnnxGraph, type OnnxValue } from '#src/core/ops/onnx-graph.js';

/** Builds layers in a graph; every weight is drawn anew. */
function layersIn(graph: OnnxGraph) {
  const next = gaussianGenerator(1);
  const weight = (shape: readonly number[], inputs: number) =>
    graph.constant(
      Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () => next() * Math.sqrt(1 / inputs)),
      shape,
    );
  const at = (x: OnnxValue, axis: number) => x.shape[axis] as number;
  const scalar = (value: number) => graph.constant(Float32Array.of(value), [1]);
  const each = (op: string, x: OnnxValue, ...others: OnnxValue[]) => graph.node(op, [x, ...others], x.shape);

  /** Keeps the size, or divides it by `stride` with a kernel of that size. */
  function conv(x: OnnxValue, out: number, kernel: number, { stride = 1, groups = 1, bias = true } = {}) {
    const inputs = at(x, 1) / groups;
    const weights = [weight([out, inputs, kernel, kernel], inputs * kernel ** 2)];
    if (bias) weights.push(weight([out], 1));
    const pad = stride === 1 ? (kernel - 1) / 2 : 0;
    return graph.node('Conv', [x, ...weights], [1, out, at(x, 2) / stride, at(x, 3) / stride], {
      kernel_shape: [kernel, kernel],
      strides: [stride, stride],
      pads: [pad, pad, pad, pad],
      group: groups,
    });
  }
  /** A transposed convolution of 2x2, stride 2. */
  const up = (x: OnnxValue, out: number) =>
    graph.node(
      'ConvTranspose',
      [x, weight([at(x, 1), out, 2, 2], at(x, 1))],
      [1, out, 2 * at(x, 2), 2 * at(x, 3)],
      { kernel_shape: [2, 2], strides: [2, 2] },
    );
  const relu = (x: OnnxValue) => each('Relu', x);
  const add = (a: OnnxValue, b: OnnxValue) => each('Add', a, b);
  const toDepth = (x: OnnxValue) =>
    graph.node('SpaceToDepth', [x], [1, 4 * at(x, 1), at(x, 2) / 2, at(x, 3) / 2], { blocksize: 2 });
  const toSpace = (x: OnnxValue) =>
    graph.node('DepthToSpace', [x], [1, at(x, 1) / 4, 2 * at(x, 2), 2 * at(x, 3)], { blocksize: 2 });
  /** Appends a plane of the noise's level. */
  function withLevel(x: OnnxValue) {
    const plane = [1, 1, at(x, 2), at(x, 3)];
    const level = graph.constant(new Float32Array(at(x, 2) * at(x, 3)).fill(25 / 255), plane);
    return graph.node('Concat', [x, level], [1, at(x, 1) + 1, at(x, 2), at(x, 3)], { axis: 1 });
  }
  const half = (x: OnnxValue, part: 0 | 1, axis: number) => {
    const size = at(x, axis) / 2;
    const shape = x.shape.map((length, i) => (i === axis ? size : length));
    const range = [graph.integers([part * size]), graph.integers([(part + 1) * size])];
    return graph.node('Slice', [x, ...range, graph.integers([axis])], shape);
  };
  const reshape = (x: OnnxValue, shape: readonly number[]) =>
    graph.node('Reshape', [x, graph.integers(shape)], shape);
  const transpose = (x: OnnxValue, perm: readonly number[]) =>
    graph.node(
      'Transpose',
      [x],
      perm.map((axis) => at(x, axis)),
      { perm },
    );
  /** Over the last axis. */
  const norm = (x: OnnxValue) => {
    const size = x.shape.at(-1) as number;
    return each('LayerNormalization', x, weight([size], 1), weight([size], 1));
  };
  /** Over the last axis. */
  const dense = (x: OnnxValue, out: number) => {
    const inputs = x.shape.at(-1) as number;
    return graph.node('MatMul', [x, weight([inputs, out], inputs)], [...x.shape.slice(0, -1), out]);
  };
  return {
    graph,
    weight,
    scalar,
    each,
    conv,
    up,
    relu,
    add,
    toDepth,
    toSpace,
    withLevel,
    half,
    reshape,
    transpose,
    norm,
    dense,
  };
}

type Layers = ReturnType<typeof layersIn>;
const times = (count: number, x: OnnxValue, layer: (x: OnnxValue) => OnnxValue) => {
  let y = x;
  for (let i = 0; i < count; i++) y = layer(y);
  return y;
};

/** Zhang, Zuo and Zhang 2018: 12 convolutions of 96 channels at half the size. */
function ffdnet({ conv, relu, toDepth, toSpace, withLevel }: Layers, x: OnnxValue): OnnxValue {
  const body = times(11, withLevel(toDepth(x)), (y) => relu(conv(y, 96, 3)));
  return toSpace(conv(body, 12, 3));
}

/** Zhang et al. 2017, CDnCNN-B: 20 convolutions of 64 channels, batch normalization folded in. */
function dncnn({ conv, relu, each }: Layers, x: OnnxValue): OnnxValue {
  const body = times(19, x, (y) => relu(conv(y, 64, 3)));
  return each('Sub', x, conv(body, 3, 3));
}

const UNET = [64, 128, 256] as const;

/** Zhang et al. 2022 (DPIR): a U-Net of 64 to 512 channels with four residual blocks a level, no biases. */
function drunet({ conv, relu, add, up, withLevel }: Layers, x: OnnxValue): OnnxValue {
  const plain = { bias: false };
  const block = (y: OnnxValue) => {
    const channels = y.shape[1] as number;
    return add(y, conv(relu(conv(y, channels, 3, plain)), channels, 3, plain));
  };
  let y = conv(withLevel(x), UNET[0], 3, plain);
  const skips: OnnxValue[] = [];
  for (const channels of UNET) {
    skips.push(y);
    y = conv(times(4, y, block), 2 * channels, 2, { stride: 2, bias: false });
  }
  y = times(4, y, block);
  for (const channels of [...UNET].reverse())
    y = times(4, up(add(y, skips[UNET.indexOf(channels) + 1] ?? y), channels), block);
  return conv(add(y, skips[0] as OnnxValue), 3, 3, plain);
}

/** Chen et al. 2022, width 32 as for SIDD. */
function nafnet(layers: Layers, x: OnnxValue): OnnxValue {
  const { graph, weight, each, conv, add, half, toSpace, norm, transpose } = layers;
  const gate = (y: OnnxValue) => each('Mul', half(y, 0, 1), half(y, 1, 1));
  const normed = (y: OnnxValue) => transpose(norm(transpose(y, [0, 2, 3, 1])), [0, 3, 1, 2]);
  const scaled = (y: OnnxValue) => each('Mul', y, weight([1, y.shape[1] as number, 1, 1], 100));
  function block(y: OnnxValue): OnnxValue {
    const c = y.shape[1] as number;
    const gated = gate(conv(conv(normed(y), 2 * c, 1), 2 * c, 3, { groups: 2 * c }));
    const attention = conv(graph.node('GlobalAveragePool', [gated], [1, c, 1, 1]), c, 1);
    const first = add(y, scaled(conv(each('Mul', gated, attention), c, 1)));
    return add(first, scaled(conv(gate(conv(normed(first), 2 * c, 1)), c, 1)));
  }
  let y = conv(x, 32, 3);
  const skips: OnnxValue[] = [];
  for (const count of [2, 2, 4, 8]) {
    y = times(count, y, block);
    skips.push(y);
    y = conv(y, 2 * (y.shape[1] as number), 2, { stride: 2 });
  }
  y = times(12, y, block);
  for (const skip of skips.reverse())
    y = times(2, add(toSpace(conv(y, 2 * (y.shape[1] as number), 1, { bias: false })), skip), block);
  return add(conv(y, 3, 3), x);
}

/** Zhang et al. 2023: a U-Net of blocks that are half convolution, half attention in windows of 8x8 (not shifted here). */
function scunet(layers: Layers, x: OnnxValue): OnnxValue {
  const { graph, weight, scalar, each, conv, relu, add, up, half, reshape, transpose, norm, dense } = layers;
  const [WINDOW, HEAD] = [8, 32];
  function attention(y: OnnxValue): OnnxValue {
    const [, h = 0, w = 0, c = 0] = y.shape;
    const [rows, columns, heads, area] = [h / WINDOW, w / WINDOW, c / HEAD, WINDOW ** 2];
    const windows = transpose(reshape(y, [rows, WINDOW, columns, WINDOW, c]), [0, 2, 1, 3, 4]);
    const all = dense(reshape(windows, [rows * columns, area, c]), 3 * c);
    const parts = reshape(all, [rows * columns, area, 3, heads, HEAD]);
    const [q, k, v] = [0, 1, 2].map((part) => {
      const range = [graph.integers([part]), graph.integers([part + 1]), graph.integers([2])];
      const shape = [rows * columns, area, heads, HEAD];
      const one = graph.node('Slice', [parts, ...range], [rows * columns, area, 1, heads, HEAD]);
      return transpose(reshape(one, shape), part === 1 ? [0, 2, 3, 1] : [0, 2, 1, 3]);
    }) as [OnnxValue, OnnxValue, OnnxValue];
    const square = [rows * columns, heads, area, area];
    const alike = each('Mul', graph.node('MatMul', [q, k], square), scalar(HEAD ** -0.5));
    const placed = add(alike, weight([1, heads, area, area], 1));
    const shares = graph.node('Softmax', [placed], square, { axis: -1 });
    const mixed = graph.node('MatMul', [shares, v], [rows * columns, heads, area, HEAD]);
    const joined = dense(reshape(transpose(mixed, [0, 2, 1, 3]), [rows * columns, area, c]), c);
    const back = transpose(reshape(joined, [rows, columns, WINDOW, WINDOW, c]), [0, 2, 1, 3, 4]);
    return reshape(back, [1, h, w, c]);
  }
  function gelu(y: OnnxValue): OnnxValue {
    const erf = each('Erf', each('Mul', y, scalar(Math.SQRT1_2)));
    return each('Mul', each('Mul', y, each('Add', erf, scalar(1))), scalar(0.5));
  }
  function block(y: OnnxValue): OnnxValue {
    const c = y.shape[1] as number;
    const both = conv(y, c, 1);
    const [first, second] = [half(both, 0, 1), half(both, 1, 1)];
    const local = add(first, conv(relu(conv(first, c / 2, 3, { bias: false })), c / 2, 3, { bias: false }));
    let t = transpose(second, [0, 2, 3, 1]);
    t = add(t, attention(norm(t)));
    t = add(t, dense(gelu(dense(norm(t), 2 * c)), c / 2));
    const joined = graph.node('Concat', [local, transpose(t, [0, 3, 1, 2])], y.shape, { axis: 1 });
    return add(y, conv(joined, c, 1));
  }
  let y = conv(x, 64, 3, { bias: false });
  const skips = [y];
  for (const channels of UNET) {
    y = conv(times(4, y, block), 2 * channels, 2, { stride: 2, bias: false });
    skips.push(y);
  }
  y = times(4, y, block);
  for (const channels of [...UNET].reverse())
    y = times(4, up(add(y, skips.pop() as OnnxValue), channels), block);
  return conv(add(y, skips.pop() as OnnxValue), 3, 3, { bias: false });
}

export const NETWORKS = {
  FFDNet: ffdnet,
  'DnCNN-20': dncnn,
  DRUNet: drunet,
  'NAFNet-32': nafnet,
  SCUNet: scunet,
};

export interface Network {
  /** Seconds for the whole picture at once. Only the time counts, so samples may lie in any order. */
  run(samples: Float32Array): Promise<number>;
  close(): Promise<void>;
}

/** On ONNX Runtime's CPU, with as many threads as it takes by itself. */
export async function openNetwork(
  name: keyof typeof NETWORKS,
  { width, height }: { readonly width: number; readonly height: number },
): Promise<Network> {
  const graph = createOnnxGraph(name);
  const x = graph.input('x', [1, 3, height, width]);
  graph.output('y', NETWORKS[name](layersIn(graph), x));
  const { InferenceSession, Tensor } = await loadOnnxRuntime();
  const session = await InferenceSession.create(graph.serialize());
  return {
    async run(samples) {
      const started = performance.now();
      await session.run({ x: new Tensor('float32', samples, [1, 3, height, width]) });
      return (performance.now() - started) / 1000;
    },
    close: () => session.release(),
  };
}
