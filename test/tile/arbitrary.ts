// Random tile options and random pictures for the property tests of this folder; all of them legal.
import fc from 'fast-check';
import type { Channels, Picture, Samples } from '#src/core/picture.js';
import { planTiles, type TileOptions } from '#src/tile/plan.js';

const size = fc.oneof(
  {
    weight: 9,
    arbitrary: fc.record({
      width: fc.integer({ min: 1, max: 700 }),
      height: fc.integer({ min: 1, max: 700 }),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ width: 20000, height: 3 }) },
);

/** Any multiple, any tile of 1 to 40 multiples (and a remainder), any overlap that leaves one to advance by. */
export const tileOptions: fc.Arbitrary<TileOptions & { readonly tileSize: number }> = fc
  .record({
    size,
    multiple: fc.constantFrom(1, 2, 3, 4, 8, 16, 32),
    blocks: fc.integer({ min: 1, max: 40 }),
    rest: fc.nat(),
    // Not fc.double, which is nearly always at one end of its range.
    share: fc.nat(),
  })
  .map(({ size, multiple, blocks, rest, share }) => ({
    ...size,
    multiple,
    tileSize: blocks * multiple + (rest % multiple),
    overlap: share % ((blocks - 1) * multiple + 1),
  }))
  // A million tiles would test nothing that a thousand do not.
  .filter(({ width, height, tileSize, overlap }) => width * height < 20_000 * (tileSize - overlap) ** 2);

type Kind = 'uint8' | 'buffer' | 'uint16' | 'float32';

/** Random bits, so that floats include -0, subnormals and numbers far outside [0, 1] (NaN excepted). */
function randomSamples(kind: Kind, length: number, seed: number): Samples {
  const words = new Uint32Array(length);
  let state = seed | 1;
  for (let i = 0; i < length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    words[i] = state;
  }
  if (kind === 'buffer') return Buffer.from(words.map((word) => word >>> 24));
  if (kind === 'uint8') return Uint8Array.from(words, (word) => word >>> 24);
  if (kind === 'uint16') return Uint16Array.from(words, (word) => word >>> 16);
  const floats = new Float32Array(words.buffer);
  return floats.map((value, i) => (i % 7 === 0 ? -0 : Number.isFinite(value) ? value : i / length));
}

/** A small picture of any kind with a plan for it. */
export const scenes = fc
  .record({
    width: fc.integer({ min: 1, max: 60 }),
    height: fc.integer({ min: 1, max: 60 }),
    multiple: fc.constantFrom(1, 2, 4, 8),
    blocks: fc.integer({ min: 2, max: 5 }),
    share: fc.nat(),
    channels: fc.constantFrom<Channels>(1, 2, 3, 4),
    kind: fc.constantFrom<Kind>('uint8', 'buffer', 'uint16', 'float32'),
    seed: fc.nat(),
  })
  .map(({ width, height, multiple, blocks, share, channels, kind, seed }) => {
    const data = randomSamples(kind, width * height * channels, seed);
    const picture: Picture = { data, width, height, channels };
    const overlap = share % ((blocks - 1) * multiple + 1);
    return {
      kind,
      picture,
      plan: planTiles({ width, height, multiple, tileSize: blocks * multiple, overlap }),
    };
  });
