// Interleaved phases of a tile. Every second pixel of every second row is a picture of half the size, whose noise is
// nearly white where the tile's own is correlated over a pixel or two (demosaiced, JPEG). The four phases are denoised
// as tiles and put back; the mean with the tile denoised whole keeps the detail that phases alias. Pure functions.
// Source: Zhou et al. 2020, When AWGN-based denoiser meets real noises (pixel-shuffle down-sampling), there with a
// refinement instead of the mean.

export interface TileShape {
  readonly channels: number;
  readonly height: number;
  readonly width: number;
}

export interface PhaseTile extends TileShape {
  /** Planar [C, height, width]. */
  readonly data: Float32Array;
  /** The tile's pixel that is the phase's first: row and column, 0 or 1. */
  readonly row: number;
  readonly column: number;
}

/** Rows and columns between neighbours of a phase. */
export const PHASE_STEP = 2;

/** The size of the phase that starts at (row, column): half the tile's, rounded up where the tile ends on the phase. */
function phaseShape({ channels, height, width }: TileShape, row: number, column: number): TileShape {
  return {
    channels,
    height: Math.ceil((height - row) / PHASE_STEP),
    width: Math.ceil((width - column) / PHASE_STEP),
  };
}

/** Calls `visit` with every sample's place in the tile and in the phase. */
function forEachSample(
  tile: TileShape,
  phase: TileShape & { readonly row: number; readonly column: number },
  visit: (inTile: number, inPhase: number) => void,
): void {
  let inPhase = 0;
  for (let channel = 0; channel < phase.channels; channel++)
    for (let y = 0; y < phase.height; y++) {
      const row = channel * tile.height + PHASE_STEP * y + phase.row;
      let inTile = row * tile.width + phase.column;
      for (let x = 0; x < phase.width; x++, inTile += PHASE_STEP) visit(inTile, inPhase++);
    }
}

/**
 * The four phases of a tile, in the order (0, 0), (0, 1), (1, 0), (1, 1) of (row, column). Sides that are multiples of
 * 2 f give phases whose sides are multiples of f; a side of 1 has phases without samples.
 *
 * @param tile  planar [C, H, W], any units
 */
export function splitPhases(tile: Float32Array, shape: TileShape): PhaseTile[] {
  return [0, 1, 2, 3].map((index) => {
    const [row, column] = [index >> 1, index & 1];
    const phase = { ...phaseShape(shape, row, column), row, column };
    const data = new Float32Array(phase.channels * phase.height * phase.width);
    forEachSample(shape, phase, (inTile, inPhase) => {
      data[inPhase] = tile[inTile] as number;
    });
    return { ...phase, data };
  });
}

/**
 * Puts phases together again: the inverse of `splitPhases`.
 *
 * @param phases  all four, in any order
 * @returns       planar [C, H, W]
 */
export function mergePhases(phases: readonly PhaseTile[], shape: TileShape): Float32Array {
  const tile = new Float32Array(shape.channels * shape.height * shape.width);
  for (const phase of phases)
    forEachSample(shape, phase, (inTile, inPhase) => {
      tile[inTile] = phase.data[inPhase] as number;
    });
  return tile;
}

/** The mean of two estimates of a tile, in place of the first. */
export function meanOfEstimates(first: Float32Array, second: Float32Array): Float32Array {
  for (let i = 0; i < first.length; i++) first[i] = ((first[i] as number) + (second[i] as number)) / 2;
  return first;
}
