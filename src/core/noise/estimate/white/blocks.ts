// 8 x 8 blocks of a picture and their orthonormal DCT.
import { type Picture, whiteLevel } from '../../../picture.js';

/** Side of a block, and its samples in one channel. */
export const SIDE = 8;
export const AREA = SIDE * SIDE;

/** Copies the block at (x, y) to `out`, [colours, 8, 8], in 8-bit units. */
export function readBlock({ data, width, channels }: Picture, x: number, y: number, out: Float64Array): void {
  const scale = 255 / whiteLevel(data);
  for (let i = 0; i < out.length; i++) {
    const pixel = (y + ((i >> 3) & 7)) * width + x + (i & 7);
    out[i] = scale * (data[pixel * channels + (i >> 6)] as number);
  }
}

const cosine = (k: number) => Math.cos((k * Math.PI) / 16) / 2;
/** The constant vector's entries are the 4th, too. */
const [C1, C2, C3, C4] = [cosine(1), cosine(2), cosine(3), cosine(4)];
const [C5, C6, C7] = [cosine(5), cosine(6), cosine(7)];

/** Rows of [8, 8] at `at` transformed and transposed: what two calls make is the DCT of a block. */
function transformRows(from: Float64Array, at: number, to: Float64Array, out: number): void {
  for (const end = at + AREA; at < end; at += SIDE, out++) {
    // Basis vectors are even or odd: sums and differences of mirrored samples are all they need. The even ones
    // fall in two once more.
    const s0 = (from[at] as number) + (from[at + 7] as number);
    const s1 = (from[at + 1] as number) + (from[at + 6] as number);
    const s2 = (from[at + 2] as number) + (from[at + 5] as number);
    const s3 = (from[at + 3] as number) + (from[at + 4] as number);
    const d0 = (from[at] as number) - (from[at + 7] as number);
    const d1 = (from[at + 1] as number) - (from[at + 6] as number);
    const d2 = (from[at + 2] as number) - (from[at + 5] as number);
    const d3 = (from[at + 3] as number) - (from[at + 4] as number);
    to[out] = (s0 + s3 + s1 + s2) * C4;
    to[out + 8] = d0 * C1 + d1 * C3 + d2 * C5 + d3 * C7;
    to[out + 16] = (s0 - s3) * C2 + (s1 - s2) * C6;
    to[out + 24] = d0 * C3 - d1 * C7 - d2 * C1 - d3 * C5;
    to[out + 32] = (s0 + s3 - s1 - s2) * C4;
    to[out + 40] = d0 * C5 - d1 * C1 + d2 * C7 + d3 * C3;
    to[out + 48] = (s0 - s3) * C6 - (s1 - s2) * C2;
    to[out + 56] = d0 * C7 - d1 * C5 + d2 * C3 - d3 * C1;
  }
}

const scratch = new Float64Array(AREA);

/** DCT-II of the block [8, 8] at `at` of `blocks`, in place: coefficient (v, u) at v 8 + u. */
export function transform(blocks: Float64Array, at: number): void {
  transformRows(blocks, at, scratch, 0);
  transformRows(scratch, 0, blocks, at);
}
