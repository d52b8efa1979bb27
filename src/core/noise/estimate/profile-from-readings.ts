// From what the noise network says of many cells to one profile of the picture's noise. Each cell's opinion counts by
// its stated certainty, so flat places speak and textured ones listen.
import { BANDS, bandPowers, MEASURED } from '../model/bands.js';
import { type NoiseChannel, type NoiseProfile, normalizeSpectrum } from '../model/noise-profile.js';
import { FLOOR_255, LEVELS, uncertaintyOf } from './noise-network.js';

/** What the network says of one cell. */
export interface CellReading {
  /** The mean of its colour channels, [0, 1]. */
  readonly brightness: number;
  /** [LEVELS] ln of the noise's level in 8-bit units, floor included. */
  readonly levels: Float64Array;
  /** [LEVELS] the standard deviations of these. */
  readonly deviations: Float64Array;
}

/** Cells of one brightness bin at least, and bins at most. */
const LEAST_CELLS = 24;
const MOST_BINS = 6;
/** Cells agree no better than this, whatever they state: neighbours share their errors. */
const LEAST_DEVIATION = 0.12;
/** A bin's own level counts as much as the picture's where it holds so much weight (in cells of deviation 1). */
const PRIOR_WEIGHT = 60;

/**
 * Reads a tile's output.
 *
 * @param readings  [2 * LEVELS, rows, columns]
 * @param cells     the cell's brightness, [rows, columns]; NaN leaves a cell out
 */
export function cellReadings(readings: Float32Array, cells: Float32Array): CellReading[] {
  const count = cells.length;
  return Array.from(cells, (brightness, cell) => ({
    brightness,
    levels: Float64Array.from({ length: LEVELS }, (_, i) => readings[i * count + cell] as number),
    deviations: Float64Array.from({ length: LEVELS }, (_, i) =>
      uncertaintyOf(readings[(LEVELS + i) * count + cell] as number),
    ),
  })).filter(({ brightness }) => Number.isFinite(brightness));
}

export interface ProfileFromReadings {
  readonly profile: NoiseProfile;
  /** [3 * MEASURED] the picture's level in each detail, 8-bit units. */
  readonly levels255: readonly number[];
  /** [3 * MEASURED] the standard deviation of the logarithm of each, were all cells independent. */
  readonly deviations: readonly number[];
}

const weightOf = ({ deviations }: CellReading, i: number) =>
  1 / ((deviations[i] as number) ** 2 + LEAST_DEVIATION ** 2);

/** Edges of brightness bins that hold about as many cells each. */
function binsOf(cells: readonly CellReading[]): readonly (readonly CellReading[])[] {
  const sorted = [...cells].sort((a, b) => a.brightness - b.brightness);
  const count = Math.max(1, Math.min(MOST_BINS, Math.floor(sorted.length / LEAST_CELLS)));
  return Array.from({ length: count }, (_, bin) =>
    sorted.slice(Math.round((bin * sorted.length) / count), Math.round(((bin + 1) * sorted.length) / count)),
  );
}

/**
 * The profile that the cells agree on: the logarithm of a level is a band's plus a brightness's, fitted by weighted least
 * squares in each channel.
 *
 * @param cells     at least one
 * @param channels  3, or 1 for the luma of a grey picture that the network saw as three copies
 */
export function profileFromReadings(cells: readonly CellReading[], channels: 1 | 3): ProfileFromReadings {
  const bins = binsOf(cells);
  const brightness = bins.map((bin) => bin.reduce((sum, cell) => sum + cell.brightness, 0) / bin.length);
  const levels255: number[] = [];
  const deviations: number[] = [];
  const fitted = Array.from({ length: channels }, (_, c): NoiseChannel => {
    const { bandLevels, binOffsets, bandDeviations } = fitChannel(bins, c);
    levels255.push(...bandLevels.map(Math.exp));
    deviations.push(...bandDeviations);
    const powers = bandLevels.map((level) => Math.max(0, Math.exp(2 * level) - FLOOR_255 ** 2) / 255 ** 2);
    const { spectrum, power } = normalizeSpectrum(bandPowers(powers));
    // Three copies of grey noise are sqrt 3 of it along (1, 1, 1).
    const level = Math.sqrt(power / (channels === 1 ? 3 : 1));
    return { level: binOffsets.map((offset) => level * Math.exp(offset)), spectrum };
  });
  return { profile: distinct({ brightness, channels: fitted }), levels255, deviations };
}

interface ChannelFit {
  readonly bandLevels: number[];
  readonly binOffsets: number[];
  readonly bandDeviations: number[];
}

function fitChannel(bins: readonly (readonly CellReading[])[], channel: number): ChannelFit {
  const sums = bins.map((bin) =>
    Array.from({ length: MEASURED }, (_, band) => {
      const i = channel * MEASURED + band;
      let [weight, weighted] = [0, 0];
      for (const cell of bin) {
        const w = weightOf(cell, i);
        weight += w;
        weighted += w * (cell.levels[i] as number);
      }
      return { weight, weighted };
    }),
  );
  const bandLevels = new Array<number>(BANDS).fill(0);
  const binOffsets = new Array<number>(bins.length).fill(0);
  for (let round = 0; round < 4; round++) {
    for (let band = 0; band < MEASURED; band++) {
      let [weight, weighted] = [0, 0];
      for (const [bin, each] of sums.entries()) {
        const sum = each[band] as { weight: number; weighted: number };
        weight += sum.weight;
        weighted += sum.weighted - sum.weight * (binOffsets[bin] as number);
      }
      bandLevels[band] = weighted / weight;
    }
    for (const [bin, each] of sums.entries()) {
      let [weight, weighted] = [PRIOR_WEIGHT, 0];
      for (const [band, sum] of each.entries()) {
        const level = bandLevels[band] as number;
        // Where there is next to no noise, the floor is what is seen, and it is the same at every brightness.
        const share = 1 - (FLOOR_255 / Math.exp(level)) ** 2;
        if (share <= 0) continue;
        weight += share * sum.weight;
        weighted += share * (sum.weighted - sum.weight * level);
      }
      binOffsets[bin] = weighted / weight;
    }
  }
  const bandDeviations = Array.from({ length: MEASURED }, (_, band) =>
    Math.sqrt(1 / sums.reduce((sum, each) => sum + (each[band]?.weight ?? 0), 0)),
  );
  return { bandLevels, binOffsets, bandDeviations };
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
