// The findings of `flow-denoise noise` as text, as numbers and as a figure.
import { mean } from '../../core/metrics/index.js';
import { type NoiseProfile, varianceAt } from '../../core/noise/model/noise-profile.js';
import type { Size } from '../../core/picture.js';
import { printable } from '../../core/printable.js';
import type { NoiseAnalysis } from '../../denoiser/noise/analyse-noise.js';
import { stackedCharts } from '../../figure/line-chart.js';
import { standaloneSvg } from '../../figure/markup.js';
import { levelWords, percent } from './report.js';

/** The bands: the periods of their details in pixels. */
const BAND_NAMES = ['2-4', '4-8', '8-16', '16+'] as const;
const BAND_STARTS = [2, 4, 8, 16] as const;

/** A profile in 8-bit units: for each channel the level at each brightness, and the bands, finest first, as white noise. */
function levelsOf({ brightness, channels }: NoiseProfile) {
  const names = channels.length === 1 ? ['grey'] : ['luma', 'red - blue', 'green - magenta'];
  return {
    brightness: brightness.map((value) => 255 * value),
    channels: channels.map(({ level, spectrum }, c) => {
      const power = mean(level.map((value) => value * value));
      return {
        name: names[c] ?? '',
        level: level.map((value) => 255 * value),
        bands: spectrum.map((share) => 255 * Math.sqrt(power * share)),
      };
    }),
  };
}

export interface Found extends Size {
  readonly input: string;
  readonly noise: NoiseAnalysis;
}

function doneWith({ isClean, model }: NoiseAnalysis): string {
  if (isClean) return 'would be left as it is';
  if (model === 'gaussian') return 'would be denoised as white noise';
  if (model === 'profile') return 'would be denoised by this level and spectrum';
  return 'would be denoised as the noise of a sensor, which grows with brightness';
}

const LABEL = 18;
const CELL = 7;
const row = (label: string, cells: readonly string[]) =>
  `  ${label.padEnd(LABEL)}${cells.map((cell) => cell.padStart(CELL)).join('')}`;
const fixed = (values: readonly number[], digits: number) => values.map((value) => value.toFixed(digits));

/** A profile as lines: level by brightness, and by detail. */
export function profileLines(profile: NoiseProfile): string[] {
  const { brightness, channels } = levelsOf(profile);
  return [
    row('brightness', fixed(brightness, 0)),
    ...channels.map(({ name, level }) => row(name, fixed(level, 1))),
    row('detail (pixels)', BAND_NAMES),
    ...channels.map(({ name, bands }) => row(name, fixed(bands, 1))),
  ];
}

export function foundLines({ input, width, height, noise }: Found): string[] {
  const { model, confidence, why, range, profile } = noise;
  const sure = confidence === undefined ? '' : `, confidence ${percent(confidence)}`;
  const samples = range.isFound ? `, samples ${range.black} to ${range.white}` : '';
  const shape = profile.channels.length === 1 ? 'grey' : 'colour';
  return [
    `${printable(input)}  ${width} x ${height}, ${shape}${samples}`,
    `  ${model}, ${levelWords(noise)}${sure}: ${doneWith(noise)}`,
    `  ${why}`,
    ...(noise.isClean ? [] : profileLines(profile)),
  ];
}

export function foundJson({ input, width, height, noise }: Found): string {
  return JSON.stringify({ input, width, height, noise, levels255: levelsOf(noise.profile) });
}

/** Points on the curve of the level, whose square is linear between a profile's brightnesses. */
const CURVE = 17;

/** Level by brightness and by detail, as an SVG file. */
export function profileSvg(profile: NoiseProfile, title: string): string {
  const { channels } = levelsOf(profile);
  const [least, most] = [profile.brightness[0] as number, profile.brightness.at(-1) as number];
  const places = Array.from({ length: CURVE }, (_, i) => least + ((most - least) * i) / (CURVE - 1));
  const level = {
    title: 'Level by brightness',
    xLabel: 'brightness (8-bit units)',
    yLabel: 'standard deviation (8-bit units)',
    series: profile.channels.map((channel, c) => ({
      name: channels[c]?.name ?? '',
      points: places.map(
        (value) => [255 * value, 255 * Math.sqrt(varianceAt(profile, channel, value))] as const,
      ),
    })),
  };
  const spectrum = {
    title: 'Spectrum',
    xLabel: `period of the detail (pixels: ${BAND_NAMES.join(', ')})`,
    yLabel: 'standard deviation of white noise as strong (8-bit units)',
    xScale: 'log' as const,
    series: channels.map(({ name, bands }) => ({
      name,
      points: bands.map((value, band) => [BAND_STARTS[band] ?? 0, value] as const),
    })),
  };
  return standaloneSvg(stackedCharts(title, [level, spectrum]));
}
