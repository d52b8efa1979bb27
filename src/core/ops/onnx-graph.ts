// Records ONNX nodes and constants and writes them as a model file. Knows the format, not the flow.
import protobuf from 'protobufjs/light.js';

const OPSET = 17;
const IR_VERSION = 8;

/** A value in a recorded graph: its name, its shape, and its numbers if they are known while recording. */
export interface OnnxValue {
  readonly name: string;
  readonly shape: readonly number[];
  readonly constant?: Float32Array;
}

/** An integer, a word, a list of integers, or a float. */
type Attribute = number | string | readonly number[] | { readonly float: number };

export interface OnnxGraphOptions {
  /**
   * Whether the model takes pictures of any height and width. The names of heights and widths tell ONNX Runtime which
   * sizes are equal; it reuses memory only between those.
   */
  readonly isAnySize?: boolean;
}

export interface OnnxGraph {
  input(name: string, shape: readonly number[]): OnnxValue;
  /** A float32 constant, stored again for every call. */
  constant(data: Float32Array, shape: readonly number[]): OnnxValue;
  /** An int64 constant, for axes and shapes. Equal lists are stored once. */
  integers(values: readonly number[]): OnnxValue;
  node(
    opType: string,
    inputs: readonly OnnxValue[],
    shape: readonly number[],
    attributes?: Readonly<Record<string, Attribute>>,
  ): OnnxValue;
  output(name: string, value: OnnxValue): void;
  /** The model as a file's bytes. */
  serialize(): Uint8Array;
}

const bytesOf = (view: Float32Array | BigInt64Array) =>
  new Uint8Array(view.buffer, view.byteOffset, view.byteLength);

/** Height and width become names if any will do. A length of 1 is a sum over pixels and stays. */
function dimension(length: number, axis: number, rank: number, isAnySize: boolean) {
  if (!isAnySize || rank !== 4 || axis < 2 || length === 1) return { dimValue: length };
  return { dimParam: `${axis === 2 ? 'height' : 'width'}${length}` };
}

function valueInfo(name: string, shape: readonly number[], isAnySize: boolean) {
  const dim = shape.map((length, axis) => dimension(length, axis, shape.length, isAnySize));
  return { name, type: { tensorType: { elemType: DataType.float, shape: { dim } } } };
}

function attributeMessage([name, value]: [string, Attribute]) {
  if (typeof value === 'number') return { name, i: value, type: AttributeType.int };
  if (typeof value === 'string') return { name, s: value, type: AttributeType.string };
  return 'float' in value
    ? { name, f: value.float, type: AttributeType.float }
    : { name, ints: value, type: AttributeType.ints };
}

export function createOnnxGraph(name: string, { isAnySize = false }: OnnxGraphOptions = {}): OnnxGraph {
  const node: object[] = [];
  const input: object[] = [];
  const output: object[] = [];
  const between: object[] = [];
  const constants = new Map<string, object>();
  const used = new Set<string>();
  let count = 0;

  return {
    input(inputName, shape) {
      input.push(valueInfo(inputName, shape, isAnySize));
      return { name: inputName, shape };
    },
    constant(data, shape) {
      const constantName = `c${count++}`;
      constants.set(constantName, {
        dims: shape,
        dataType: DataType.float,
        name: constantName,
        rawData: bytesOf(data),
      });
      return { name: constantName, shape, constant: data };
    },
    integers(values) {
      const integersName = `i${values.join('_')}`;
      if (!constants.has(integersName)) {
        const rawData = bytesOf(BigInt64Array.from(values, BigInt));
        constants.set(integersName, {
          dims: [values.length],
          dataType: DataType.int64,
          name: integersName,
          rawData,
        });
      }
      return { name: integersName, shape: [values.length] };
    },
    node(opType, inputs, shape, attributes = {}) {
      const valueName = `v${count++}`;
      for (const { name: inputName } of inputs) used.add(inputName);
      node.push({
        input: inputs.map((value) => value.name),
        output: [valueName],
        name: `${opType}_${valueName}`,
        opType,
        attribute: Object.entries(attributes).map(attributeMessage),
      });
      if (isAnySize && shape.length === 4) between.push(valueInfo(valueName, shape, isAnySize));
      return { name: valueName, shape };
    },
    output(outputName, value) {
      used.add(value.name);
      node.push({ input: [value.name], output: [outputName], name: outputName, opType: 'Identity' });
      output.push(valueInfo(outputName, value.shape, isAnySize));
    },
    serialize() {
      const initializer = [...constants].filter(([key]) => used.has(key)).map(([, tensor]) => tensor);
      const model = {
        irVersion: IR_VERSION,
        producerName: 'flow-denoise',
        graph: { node, name, initializer, input, output, valueInfo: between },
        opsetImport: [{ domain: '', version: OPSET }],
      };
      return Model.encode(Model.create(model)).finish();
    },
  };
}

const repeated = (type: string, id: number) => ({ rule: 'repeated' as const, type, id });

const root = protobuf.Root.fromJSON({
  nested: {
    Attribute: {
      fields: {
        name: { type: 'string', id: 1 },
        f: { type: 'float', id: 2 },
        i: { type: 'int64', id: 3 },
        s: { type: 'string', id: 4 },
        ints: repeated('int64', 8),
        type: { type: 'int32', id: 20 },
      },
    },
    Node: {
      fields: {
        input: repeated('string', 1),
        output: repeated('string', 2),
        name: { type: 'string', id: 3 },
        opType: { type: 'string', id: 4 },
        attribute: repeated('Attribute', 5),
        domain: { type: 'string', id: 7 },
      },
    },
    Tensor: {
      fields: {
        dims: repeated('int64', 1),
        dataType: { type: 'int32', id: 2 },
        name: { type: 'string', id: 8 },
        rawData: { type: 'bytes', id: 9 },
      },
    },
    Dimension: {
      fields: { dimValue: { type: 'int64', id: 1 }, dimParam: { type: 'string', id: 2 } },
    },
    Shape: { fields: { dim: repeated('Dimension', 1) } },
    TensorType: { fields: { elemType: { type: 'int32', id: 1 }, shape: { type: 'Shape', id: 2 } } },
    Type: { fields: { tensorType: { type: 'TensorType', id: 1 } } },
    ValueInfo: { fields: { name: { type: 'string', id: 1 }, type: { type: 'Type', id: 2 } } },
    Graph: {
      fields: {
        node: repeated('Node', 1),
        name: { type: 'string', id: 2 },
        initializer: repeated('Tensor', 5),
        input: repeated('ValueInfo', 11),
        output: repeated('ValueInfo', 12),
        valueInfo: repeated('ValueInfo', 13),
      },
    },
    OperatorSet: { fields: { domain: { type: 'string', id: 1 }, version: { type: 'int64', id: 2 } } },
    Model: {
      fields: {
        irVersion: { type: 'int64', id: 1 },
        producerName: { type: 'string', id: 2 },
        graph: { type: 'Graph', id: 7 },
        opsetImport: repeated('OperatorSet', 8),
      },
    },
  },
});

/** ONNX's ModelProto. */
const Model = root.lookupType('Model');

export const DataType = { float: 1, int64: 7 } as const;
const AttributeType = { float: 1, int: 2, string: 3, ints: 7 } as const;
