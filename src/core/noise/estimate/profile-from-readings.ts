// From what the noise network says of many cells to one profile of the picture's noise. Each cell's opinion counts by
// its stated certainty, so flat places speak and textured ones listen.
import { bandPowers, MEASURED } from '../model/bands.js';
import { type NoiseChannel, type NoiseProfile, normalizeSpectrum } from '../model/noise-profile.js';
import { FLOOR_255, LEVELS, meanByCertainty, uncertaintyOf } from './noise-network.js';
import { CELL_INPUTS, type PictureLevels } from './picture-head.js';

/** What the network says of one cell. */
export interface CellReading {
  /** The mean of its colour channels, [0, 1]. */
  readonly brightness: number;
  /** [LEVELS] ln of the noise's level in 8-bit units, floor included. */
  readonly levels: Float64Array;
  /** [LEVELS] the standard deviations of these. */
  readonly deviations: Float64Array;
  /** [CELL_INPUTS] what picture-head.ts is told. */
  readonly inputs: Float32Array;
}

/** Cells of one brightness bin at least, and bins at most. */
const LEAST_CELLS = 24;
const MOST_BINS = 6;
/** A bin's own level counts as much as the picture's where it holds so much weight (in cells of deviation 1). */
const PRIOR_WEIGHT = 60;

/**
 * Reads a tile's output.
 *
 * @param readings  [2 * LEVELS + FEATURES, rows, columns]
 * @param cells     the cell's brightness, [rows, columns]; NaN leaves a cell out
 */
export function cellReadings(readings: Float32Array, cells: Float32Array): CellReading[] {
  const count = cells.length;
  return Array.from(cells, (brightness, cell) => {
    const at = (i: number) => readings[i * count + cell] as number;
    return {
      brightness,
      levels: Float64Array.from({ length: LEVELS }, (_, i) => at(i)),
      deviations: Float64Array.from({ length: LEVELS }, (_, i) => uncertaintyOf(at(LEVELS + i))),
      inputs: Float32Array.from({ length: CELL_INPUTS }, (_, i) =>
        i < CELL_INPUTS - 1 ? at(i) : brightness,
      ),
    };
  }).filter(({ brightness }) => Number.isFinite(brightness));
}

/** [count, CELL_INPUTS]: what picture-head.ts is told. */
export function headInputs(cells: readonly CellReading[]): Float32Array {
  const inputs = new Float32Array(cells.length * CELL_INPUTS);
  for (const [i, cell] of cells.entries()) inputs.set(cell.inputs, i * CELL_INPUTS);
  return inputs;
}

export interface ProfileFromReadings {
  readonly profile: NoiseProfile;
  /** [channels * MEASURED] the picture's level in each detail, 8-bit units. */
  readonly levels255: readonly number[];
  /** [channels * MEASURED] the standard deviation of the logarithm of each. */
  readonly deviations: readonly number[];
}

/** Edges of brightness bins that hold about as many cells each. */
function binsOf(cells: readonly CellReading[]): readonly (readonly CellReading[])[] {
  const sorted = [...cells].sort((a, b) => a.brightness - b.brightness);
  const count = Math.max(1, Math.min(MOST_BINS, Math.floor(sorted.length / LEAST_CELLS)));
  return Array.from({ length: count }, (_, bin) =>
    sorted.slice(Math.round((bin * sorted.length) / count), Math.round(((bin + 1) * sorted.length) / count)),
  );
}

/**
 * The picture's profile: the levels of its bands are the whole picture's, how they change with brightness is what the cells
 * say of it, each by its certainty.
 *
 * @param cells     at least one
 * @param picture   of the same cells
 * @param channels  3, or 1 for the luma of a grey picture that the network saw as three copies
 */
export function profileFromReadings(
  cells: readonly CellReading[],
  picture: PictureLevels,
  channels: 1 | 3,
): ProfileFromReadings {
  const bins = binsOf(cells);
  const brightness = bins.map((bin) => bin.reduce((sum, cell) => sum + cell.brightness, 0) / bin.length);
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
  return {
    profile: distinct({ brightness, channels: fitted }),
    levels255: levels.map(Math.exp),
    deviations: picture.deviations.slice(0, levels.length),
  };
}

/** ln of each bin's level over the picture's, whose square is the mean over all cells of theirs. */
function brightnessOffsets(
  bins: readonly (readonly CellReading[])[],
  channel: number,
  levels: readonly number[],
): number[] {
  const shares = levels.map((level) => Math.max(0, 1 - (FLOOR_255 / Math.exp(level)) ** 2));
  const cells = bins.flat();
  const means = Array.from({ length: MEASURED }, (_, band) => weightedLevel(cells, channel, band).mean);
  const offsets = bins.map((bin) => {
    let [weight, weighted] = [PRIOR_WEIGHT, 0];
    for (const [band, share] of shares.entries()) {
      // Where there is next to no noise, the floor is what is seen, and it is the same at every brightness.
      const own = weightedLevel(bin, channel, band);
      weight += share * own.certainty;
      weighted += share * own.certainty * (own.mean - (means[band] as number));
    }
    return weighted / weight;
  });
  const power = offsets.reduce((sum, offset, i) => sum + (bins[i]?.length ?? 0) * Math.exp(2 * offset), 0);
  return offsets.map((offset) => offset - Math.log(power / cells.length) / 2);
}

function weightedLevel(cells: readonly CellReading[], channel: number, band: number) {
  const i = channel * MEASURED + band;
  return meanByCertainty(
    cells.length,
    (cell) => cells[cell]?.levels[i] as number,
    (cell) => cells[cell]?.deviations[i] as number,
  );
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
