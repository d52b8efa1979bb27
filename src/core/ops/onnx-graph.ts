// Records ONNX nodes and constants and writes them as a model file. Knows the format, not the flow.
import protobuf from 'protobufjs';

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

export type OnnxGraph = ReturnType<typeof createOnnxGraph>;

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

export function createOnnxGraph(name: string, { isAnySize = false }: OnnxGraphOptions = {}) {
  const node: object[] = [];
  const input: object[] = [];
  const output: object[] = [];
  const between: object[] = [];
  const constants = new Map<string, object>();
  const used = new Set<string>();
  let count = 0;

  return {
    input(inputName: string, shape: readonly number[]): OnnxValue {
      input.push(valueInfo(inputName, shape, isAnySize));
      return { name: inputName, shape };
    },
    /** A float32 constant, stored again for every call. */
    constant(data: Float32Array, shape: readonly number[]): OnnxValue {
      const constantName = `c${count++}`;
      const rawData = bytesOf(data);
      constants.set(constantName, { dims: shape, dataType: DataType.float, name: constantName, rawData });
      return { name: constantName, shape, constant: data };
    },
    /** An int64 constant, for axes and shapes. Equal lists are stored once. */
    integers(values: readonly number[]): OnnxValue {
      const integersName = `i${values.join('_')}`;
      const dims = [values.length];
      const rawData = bytesOf(BigInt64Array.from(values, BigInt));
      constants.set(integersName, { dims, dataType: DataType.int64, name: integersName, rawData });
      return { name: integersName, shape: dims };
    },
    node(
      opType: string,
      inputs: readonly OnnxValue[],
      shape: readonly number[],
      attributes: Readonly<Record<string, Attribute>> = {},
    ): OnnxValue {
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
    output(outputName: string, value: OnnxValue): void {
      used.add(value.name);
      node.push({ input: [value.name], output: [outputName], name: outputName, opType: 'Identity' });
      output.push(valueInfo(outputName, value.shape, isAnySize));
    },
    /** The model as a file's bytes. */
    serialize(): Uint8Array {
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

export const DataType = { float: 1, int64: 7 } as const;
const AttributeType = { float: 1, int: 2, string: 3, ints: 7 } as const;

/** The part of onnx.proto3 that we write. */
const Model = protobuf
  .parse(`
    syntax = "proto3";
    message Attribute {
      string name = 1;
      float f = 2;
      int64 i = 3;
      string s = 4;
      repeated int64 ints = 8;
      int32 type = 20;
    }
    message Node {
      repeated string input = 1;
      repeated string output = 2;
      string name = 3;
      string op_type = 4;
      repeated Attribute attribute = 5;
    }
    message Tensor {
      repeated int64 dims = 1;
      int32 data_type = 2;
      string name = 8;
      bytes raw_data = 9;
    }
    message Dimension { int64 dim_value = 1; string dim_param = 2; }
    message Shape { repeated Dimension dim = 1; }
    message TensorType { int32 elem_type = 1; Shape shape = 2; }
    message Type { TensorType tensor_type = 1; }
    message ValueInfo { string name = 1; Type type = 2; }
    message Graph {
      repeated Node node = 1;
      string name = 2;
      repeated Tensor initializer = 5;
      repeated ValueInfo input = 11;
      repeated ValueInfo output = 12;
      repeated ValueInfo value_info = 13;
    }
    message OperatorSet { string domain = 1; int64 version = 2; }
    message Model {
      int64 ir_version = 1;
      string producer_name = 2;
      Graph graph = 7;
      repeated OperatorSet opset_import = 8;
    }`)
  .root.lookupType('Model');
