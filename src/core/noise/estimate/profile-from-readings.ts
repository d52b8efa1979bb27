// From the noise network's readings of many cells to one profile of the picture's noise. A cell counts by its stated certainty.
import { mean } from '../../metrics/index.js';
import { bandPowers, MEASURED } from '../model/bands.js';
import { type NoiseChannel, type NoiseProfile, normalizeSpectrum } from '../model/noise-profile.js';
import { FLOOR_255 } from './noise-network.js';
import { CELL_INPUTS, meanByCertainty, type PictureLevels } from './picture-head.js';

/** Where a cell's inputs have its brightness, the mean of its colour channels, [0, 1]. */
const BRIGHTNESS = CELL_INPUTS - 1;
const brightnessOf = (cell: Float32Array) => cell[BRIGHTNESS] as number;

/** Cells of one brightness bin at least, and bins at most. */
const LEAST_CELLS = 24;
const MOST_BINS = 6;
/** A bin's own level counts as much as the picture's where it holds so much weight (in cells of deviation 1). */
const PRIOR_WEIGHT = 60;

/**
 * The cells of a tile's `readings`, [2 * LEVELS + FEATURES, rows, columns], as picture-head.ts is told of them: [CELL_INPUTS]
 * each. Leaves out those whose `brightness`, [rows, columns], is NaN.
 */
export function cellReadings(readings: Float32Array, brightness: Float32Array): Float32Array[] {
  const count = brightness.length;
  return Array.from(brightness, (own, cell) =>
    Float32Array.from({ length: CELL_INPUTS }, (_, i) =>
      i === BRIGHTNESS ? own : (readings[i * count + cell] as number),
    ),
  ).filter((cell) => Number.isFinite(brightnessOf(cell)));
}

/** [count, CELL_INPUTS] */
export function headInputs(cells: readonly Float32Array[]): Float32Array {
  const inputs = new Float32Array(cells.length * CELL_INPUTS);
  for (const [i, cell] of cells.entries()) inputs.set(cell, i * CELL_INPUTS);
  return inputs;
}

export interface ProfileFromReadings {
  readonly profile: NoiseProfile;
  /** [channels * MEASURED] the picture's level in each detail, 8-bit units. */
  readonly levels255: readonly number[];
}

/** Edges of brightness bins that hold about as many cells each. */
function binsOf(cells: readonly Float32Array[]): readonly (readonly Float32Array[])[] {
  const sorted = [...cells].sort((a, b) => brightnessOf(a) - brightnessOf(b));
  const count = Math.max(1, Math.min(MOST_BINS, Math.floor(sorted.length / LEAST_CELLS)));
  return Array.from({ length: count }, (_, bin) =>
    sorted.slice(Math.round((bin * sorted.length) / count), Math.round(((bin + 1) * sorted.length) / count)),
  );
}

/**
 * The picture's profile: the bands' levels are the whole picture's; its cells, at least one, tell how they change with
 * brightness. One channel is the luma of a grey picture that the network saw as three copies.
 */
export function profileFromReadings(
  cells: readonly Float32Array[],
  picture: PictureLevels,
  channels: 1 | 3,
): ProfileFromReadings {
  const bins = binsOf(cells);
  const brightness = bins.map((bin) => mean(bin.map(brightnessOf)));
  const levels = picture.levels.slice(0, channels * MEASURED);
  const fitted = Array.from({ length: channels }, (_, c): NoiseChannel => {
    const own = levels.slice(c * MEASURED, (c + 1) * MEASURED);
    // The mean of a power whose logarithm is normal: what may be stronger counts more than what may be weaker.
    const powers = own.map((level, band) => {
      const deviation = picture.deviations[c * MEASURED + band] as number;
      const power = Math.max(0, Math.exp(2 * level) - FLOOR_255 ** 2) / 255 ** 2;
      return power * Math.exp(2 * deviation ** 2);
    });
    const { spectrum, power } = normalizeSpectrum(bandPowers(powers));
    // Three copies of grey noise are sqrt 3 of it along (1, 1, 1).
    const level = Math.sqrt(power / (channels === 1 ? 3 : 1));
    return { level: brightnessOffsets(bins, c, own).map((offset) => level * Math.exp(offset)), spectrum };
  });
  return { profile: distinct({ brightness, channels: fitted }), levels255: levels.map(Math.exp) };
}

/** ln of each bin's level over the picture's, whose square is the mean over all cells of theirs. */
function brightnessOffsets(
  bins: readonly (readonly Float32Array[])[],
  channel: number,
  levels: readonly number[],
): number[] {
  const shares = levels.map((level) => Math.max(0, 1 - (FLOOR_255 / Math.exp(level)) ** 2));
  const cells = bins.flat();
  const means = Array.from(
    { length: MEASURED },
    (_, band) => meanByCertainty(cells, channel * MEASURED + band).level,
  );
  const offsets = bins.map((bin) => {
    let [weight, weighted] = [PRIOR_WEIGHT, 0];
    for (const [band, share] of shares.entries()) {
      // Where there is next to no noise, the floor is what is seen, and it is the same at every brightness.
      const own = meanByCertainty(bin, channel * MEASURED + band);
      weight += share * own.certainty;
      weighted += share * own.certainty * (own.level - (means[band] as number));
    }
    return weighted / weight;
  });
  const power = offsets.reduce((sum, offset, i) => sum + (bins[i]?.length ?? 0) * Math.exp(2 * offset), 0);
  return offsets.map((offset) => offset - Math.log(power / cells.length) / 2);
}

/** Knots of equal brightness (a flat picture) are one. */
function distinct({ brightness, channels }: NoiseProfile): NoiseProfile {
  const kept = brightness.map((value, i) => i === 0 || value > (brightness[i - 1] as number) + 1e-3);
  const only = (values: readonly number[]) => values.filter((_, i) => kept[i]);
  return {
    brightness: only(brightness),
    channels: channels.map(({ level, spectrum }) => ({ level: only(level), spectrum })),
  };
}
