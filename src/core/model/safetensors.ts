// The safetensors format: an 8-byte length, a JSON header, raw little-endian tensors. Reads F32 and F16 as float32 and F64
// as float64; writes F32 and F16.
import { Float16Array } from '@petamoriken/float16';
import { z } from 'zod';

export interface TensorData {
  readonly shape: readonly number[];
  readonly data: Float32Array | Float64Array;
}

const length = z.int().nonnegative();
const entrySchema = z.object({
  dtype: z.string(),
  shape: z.array(length),
  data_offsets: z.tuple([length, length]),
});

const BYTES: Readonly<Record<string, number>> = { F16: 2, F32: 4, F64: 8 };

let halves: Float32Array | undefined;

function decode(dtype: string, bytes: ArrayBuffer): Float32Array | Float64Array {
  if (dtype === 'F64') return new Float64Array(bytes);
  if (dtype === 'F32') return new Float32Array(bytes);
  // Every F16 number by its bits: looking up millions takes a tenth of the time of converting each with Float16Array.
  halves ??= Float32Array.from(
    new Float16Array(Uint16Array.from({ length: 2 ** 16 }, (_, bits) => bits).buffer),
  );
  const bits = new Uint16Array(bytes);
  const numbers = new Float32Array(bits.length);
  for (let i = 0; i < bits.length; i++) numbers[i] = halves[bits[i] as number] as number;
  return numbers;
}

function readHeader(bytes: Uint8Array): { header: Record<string, unknown>; start: number } {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (bytes.byteLength < 8) throw new Error('it is shorter than a safetensors header');
  const start = 8 + Number(view.getBigUint64(0, true));
  if (start > bytes.byteLength) throw new Error('its header is longer than the file');
  try {
    const json = JSON.parse(Buffer.from(bytes.subarray(8, start)).toString('utf8'));
    return { header: z.record(z.string(), z.unknown()).parse(json), start };
  } catch {
    throw new Error('its header is not a JSON object');
  }
}

/** The metadata texts of a safetensors file. @throws  Error that says what is wrong with the bytes */
export function readMetadata(bytes: Uint8Array): Readonly<Record<string, string>> {
  const { __metadata__: metadata } = readHeader(bytes).header;
  const entries = Object.entries(metadata ?? {}).filter(([, value]) => typeof value === 'string');
  return Object.fromEntries(entries) as Record<string, string>;
}

/** Every tensor of a safetensors file, by name. @throws  Error that says what is wrong, without the file's name */
export function readSafetensors(bytes: Uint8Array): Map<string, TensorData> {
  const { header, start } = readHeader(bytes);
  const tensors = new Map<string, TensorData>();
  for (const [name, value] of Object.entries(header)) {
    if (name === '__metadata__') continue;
    const { data: entry } = entrySchema.safeParse(value);
    if (!entry) throw new Error(`its entry for ${name} is malformed`);
    const { dtype, shape } = entry;
    const [begin, end] = entry.data_offsets;
    const size = BYTES[dtype];
    if (size === undefined) throw new Error(`tensor ${name} is ${dtype}, expected F16, F32 or F64`);
    const count = shape.reduce((product, side) => product * side, 1);
    if (end - begin !== count * size || start + end > bytes.byteLength)
      throw new Error(`tensor ${name} does not fit its shape [${shape}] or the file`);
    // A copy, since the numbers may not be aligned in the file. (Buffer's own slice would not copy.)
    const { buffer } = new Uint8Array(bytes.subarray(start + begin, start + end));
    tensors.set(name, { shape, data: decode(dtype, buffer) });
  }
  return tensors;
}

/**
 * The bytes of a safetensors file.
 *
 * @param dtypeOf   each tensor's precision; default F32
 * @param metadata  texts to store in the file
 */
export function writeSafetensors(
  tensors: ReadonlyMap<string, { readonly shape: readonly number[]; readonly data: Float32Array }>,
  dtypeOf: (name: string) => 'F16' | 'F32' = () => 'F32',
  metadata?: Readonly<Record<string, string>>,
): Uint8Array {
  const header: Record<string, unknown> = metadata ? { __metadata__: metadata } : {};
  const chunks: Uint8Array[] = [];
  let offset = 0;
  for (const [name, { shape, data }] of tensors) {
    const dtype = dtypeOf(name);
    const values = dtype === 'F16' ? new Float16Array(data) : data;
    const chunk = new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
    header[name] = { dtype, shape, data_offsets: [offset, offset + chunk.byteLength] };
    chunks.push(chunk);
    offset += chunk.byteLength;
  }
  const json = Buffer.from(JSON.stringify(header));
  const padded = Buffer.alloc(Math.ceil(json.length / 8) * 8, ' ');
  json.copy(padded);
  const size = Buffer.alloc(8);
  size.writeBigUInt64LE(BigInt(padded.length));
  return Buffer.concat([size, padded, ...chunks]);
}
