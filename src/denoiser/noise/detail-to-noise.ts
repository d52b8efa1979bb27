// How much of a picture's fine detail its noise explains. It decides how strong a noise of a profile the prior is told.
import { setImmediate } from 'node:timers/promises';
import { median } from '../../core/metrics/index.js';
import { CELL } from '../../core/noise/estimate/noise-network.js';
import { DETAIL_POWERS, detailPowers, splitIntoBands } from '../../core/noise/model/bands.js';
import { type NoiseChannel, type NoiseProfile, varianceAt } from '../../core/noise/model/noise-profile.js';
import { toOpponents } from '../../core/noise/model/opponents.js';
import type { Picture } from '../../core/picture.js';
import { type CellTile, cellTiles } from './noise-cells.js';

/** Details that are compared. Coarser ones hold shapes in every picture. */
const DETAILS = 3;

/**
 * The level of a picture's luma details over that of its noise: the median over cells, the geometric mean over the three
 * finest details. 1 if at least half of the picture is flat, more if there is texture nearly everywhere.
 *
 * @param profile  of the picture's colour channels, 1 or 3
 * @returns        undefined if no cell tells: all are clipped, or the profile has no noise in one of the details
 */
export async function detailToNoise(picture: Picture, profile: NoiseProfile): Promise<number | undefined> {
  const ratios: number[][] = Array.from({ length: DETAILS }, () => []);
  for (const tile of cellTiles(picture)) {
    await setImmediate();
    addRatios(tile, profile, ratios);
  }
  const logarithms = ratios.map((each) => Math.log(median(each)));
  const mean = logarithms.reduce((sum, value) => sum + value / DETAILS, 0);
  return Number.isFinite(mean) ? Math.exp(mean) : undefined;
}

/** Adds the ratio of each cell that is not clipped, for each detail. */
function addRatios(tile: CellTile, profile: NoiseProfile, ratios: readonly number[][]): void {
  const { planes, brightness, width, height } = tile;
  const columns = width / CELL;
  const [luma] = profile.channels as readonly [NoiseChannel];
  const shares = detailPowers(luma.spectrum);
  toOpponents(planes, width * height);
  const details = splitIntoBands(planes.subarray(0, width * height), width, height, DETAILS);
  for (const [d, each] of ratios.entries()) {
    const powers = new Float64Array(brightness.length);
    for (const [i, value] of (details[d] as Float32Array).entries()) {
      const cell = Math.floor(i / width / CELL) * columns + Math.floor((i % width) / CELL);
      powers[cell] = (powers[cell] as number) + (value * value) / (CELL * CELL);
    }
    const share = (shares[d] as number) * (DETAIL_POWERS[d] as number);
    for (const [cell, value] of brightness.entries())
      if (!Number.isNaN(value))
        each.push(Math.sqrt((powers[cell] as number) / (share * varianceAt(profile, luma, value))));
  }
}
