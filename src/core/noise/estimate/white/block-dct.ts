// The orthonormal 8 x 8 DCT of a block.
import { AREA, SIDE } from '../../noisy-picture.js';

/** cos(k pi / 16) / 2; the constant vector's entries are the 4th, too. */
const [C1, C2, C3, C4, C5, C6, C7] = [1, 2, 3, 4, 5, 6, 7].map((k) => Math.cos((k * Math.PI) / 16) / 2) as [
  number,
  number,
  number,
  number,
  number,
  number,
  number,
];

/** Rows of [8, 8] at `at` transformed and transposed: what two calls make is the DCT of a block. */
function transformRows(from: Float64Array, at: number, to: Float64Array, out: number): void {
  for (const end = at + AREA; at < end; at += SIDE, out++) {
    const a0 = from[at] as number;
    const a1 = from[at + 1] as number;
    const a2 = from[at + 2] as number;
    const a3 = from[at + 3] as number;
    const a4 = from[at + 4] as number;
    const a5 = from[at + 5] as number;
    const a6 = from[at + 6] as number;
    const a7 = from[at + 7] as number;
    // Basis vectors are even or odd: sums and differences of mirrored samples are all they need. The even ones
    // fall in two once more.
    const s0 = a0 + a7;
    const s1 = a1 + a6;
    const s2 = a2 + a5;
    const s3 = a3 + a4;
    const d0 = a0 - a7;
    const d1 = a1 - a6;
    const d2 = a2 - a5;
    const d3 = a3 - a4;
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
