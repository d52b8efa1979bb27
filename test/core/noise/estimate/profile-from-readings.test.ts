// From what the network says of cells to a profile: a known profile comes back, certain cells outvote uncertain ones, and
// a picture without noise has levels of nothing.
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import {
  FEATURES,
  FLOOR_255,
  LEVELS,
  logLevel,
  UNCERTAINTY,
} from '#src/core/noise/estimate/noise-network.js';
import { CELL_INPUTS, type PictureLevels } from '#src/core/noise/estimate/picture-head.js';
import { cellReadings, profileFromReadings } from '#src/core/noise/estimate/profile-from-readings.js';
import { MEASURED } from '#src/core/noise/model/bands.js';
import { normalizeSpectrum, varianceAt } from '#src/core/noise/model/noise-profile.js';
import { expectBelow } from '../../flow/differences.js';
import { randomNumbers } from '../../flow/random-weights.js';
import { detailsOf } from '../details-of.js';

const SPECTRA = [
  [0.1, 1, 3, 4],
  [0.3, 1, 2, 6],
  [1, 1, 1, 1],
].map((powers) => normalizeSpectrum(powers).spectrum);

/** Standard deviation over brightness and channel, [0, 1] units. */
const LUMA_AND_CHROMA = [0.02, 0.03, 0.015] as const;
const levelAt = (channel: number, brightness: number) =>
  (LUMA_AND_CHROMA[channel] as number) * (1 + 2 * brightness);

/** Cells that know the noise exactly, up to errors of `deviation`, which they state. */
function cellsOf(count: number, deviation: number): Float32Array[] {
  const errors = randomNumbers(count * LEVELS, deviation, 3);
  const details = SPECTRA.map(detailsOf);
  return Array.from({ length: count }, (_, cell) => {
    const brightness = 0.05 + (0.9 * ((cell * 37) % count)) / count;
    const levels = Array.from({ length: LEVELS }, (_, i) => {
      const [channel, band] = [Math.floor(i / MEASURED), i % MEASURED];
      const variance = levelAt(channel, brightness) ** 2 * (details[channel]?.[band] as number);
      return logLevel(variance) + (errors[cell * LEVELS + i] as number);
    });
    return cellOf(levels, deviation, brightness);
  });
}

/** What the network says of a cell: the inverse of `uncertaintyOf` stands for its deviation. */
function cellOf(levels: readonly number[], deviation: number, brightness: number): Float32Array {
  const { centre, reach } = UNCERTAINTY;
  const uncertainty = reach * Math.atanh((2 * Math.log(deviation) - centre) / reach);
  const cell = new Float32Array(CELL_INPUTS);
  cell.set(levels);
  cell.fill(uncertainty, LEVELS, 2 * LEVELS);
  cell[CELL_INPUTS - 1] = brightness;
  return cell;
}

const levelsOf = (cell: Float32Array) => [...cell.subarray(0, LEVELS)];
const brightnessOf = (cell: Float32Array) => cell.at(-1) as number;

/** The levels of the whole: the mean power of its cells. */
function pictureOf(cells: readonly Float32Array[]): PictureLevels {
  const levels = Array.from({ length: LEVELS }, (_, i) => {
    const powers = cells.map((cell) => Math.exp(2 * (cell[i] as number)));
    return Math.log(powers.reduce((sum, power) => sum + power, 0) / cells.length) / 2;
  });
  return { levels, deviations: levels.map(() => 0.1), evidence: 1 };
}

const profileOf = (cells: readonly Float32Array[], channels: 1 | 3 = 3) =>
  profileFromReadings(cells, pictureOf(cells), channels);

test('a known profile comes back: levels over brightness and spectra', () => {
  const { profile, levels255 } = profileOf(cellsOf(400, 0.15));
  assert.ok(profile.brightness.length >= 4 && levels255.length === LEVELS);
  for (const [c, channel] of profile.channels.entries()) {
    for (const [b, power] of (SPECTRA[c] as readonly number[]).entries())
      expectBelow(Math.abs((channel.spectrum[b] as number) / power - 1), 0.15, `band ${b} of channel ${c}`);
    for (const brightness of [0.15, 0.4, 0.6, 0.85])
      expectBelow(
        Math.abs(Math.sqrt(varianceAt(profile, channel, brightness)) / levelAt(c, brightness) - 1),
        0.08,
        `level of channel ${c} at ${brightness}`,
      );
  }
});

test('cells that state a small deviation decide how the level changes with brightness', () => {
  const sure = cellsOf(200, 0.11);
  // What they say grows with brightness in a way that the noise does not.
  const misled = cellsOf(300, 0.11).map((cell) => {
    const brightness = brightnessOf(cell);
    const levels = levelsOf(cell).map((level) => level + 2 * brightness);
    return cellOf(levels, 2, brightness);
  });
  const riseOf = (cells: readonly Float32Array[]) => {
    const { profile } = profileFromReadings(cells, pictureOf(sure), 3);
    const [luma] = profile.channels;
    if (!luma) throw new Error('no luma');
    return Math.sqrt(varianceAt(profile, luma, 0.8) / varianceAt(profile, luma, 0.2));
  };
  expectBelow(Math.abs(riseOf([...sure, ...misled]) / riseOf(sure) - 1), 0.05, 'the rise of luma');
});

test('a grey picture that was shown as three copies: its own noise, not that of luma', () => {
  const cells = cellsOf(200, 0.11);
  const [colour, grey] = [profileOf(cells), profileOf(cells, 1)];
  assert.equal([grey.profile.channels.length, grey.levels255.length], [1, MEASURED]);
  const [luma, only] = [colour.profile.channels[0]?.level ?? [], grey.profile.channels[0]?.level ?? []];
  for (const [i, level] of luma.entries())
    expectBelow(Math.abs((only[i] as number) * Math.sqrt(3) - level), 1e-9, `knot ${i}`);
});

test('no noise: levels of zero in every channel, also where one has none', () => {
  const cells = cellsOf(60, 0.11).map((cell) =>
    // Channel 1 at the floor, channel 2 below it.
    cell.map((value, i) =>
      i < MEASURED || i >= LEVELS ? value : Math.log(FLOOR_255) - (i < 2 * MEASURED ? 0 : 0.2),
    ),
  );
  const { profile } = profileOf(cells);
  const levels = profile.channels.map(({ level }) => level);
  assert.ok(levels[0]?.every((level) => level > 0.01));
  assert.ok(
    levels
      .slice(1)
      .flat()
      .every((level) => level >= 0 && level < 1e-5),
    `${levels.slice(1)}`,
  );
  assert.ok(profile.channels.every(({ spectrum }) => spectrum.every(Number.isFinite)));
});

test('one cell, and cells of one brightness, have a profile of one level', () => {
  const [cell] = cellsOf(1, 0.11);
  if (!cell) throw new Error('unreachable');
  for (const cells of [[cell], Array.from({ length: 90 }, () => cell)])
    assert.is(profileOf(cells).profile.brightness.length, 1);
});

test('a tile is read cell by cell; cells without a brightness are left out', () => {
  const count = 6;
  const readings = Float32Array.from({ length: (2 * LEVELS + FEATURES) * count }, (_, i) => i / 100);
  const cells = cellReadings(readings, Float32Array.of(0.1, Number.NaN, 0.3, 0.4, Number.NaN, 0.6));
  assert.equal(
    cells.map((cell) => Number(brightnessOf(cell).toFixed(3))),
    [0.1, 0.3, 0.4, 0.6],
  );
  for (const i of [0, 5, CELL_INPUTS - 2])
    expectBelow(Math.abs((cells[1]?.[i] ?? 0) - (i * count + 2) / 100), 1e-5, `input ${i}`);
});

test.run();
