// Every figure of an evaluation in one long table, with a line for each picture, noise and contender.

import { betaOf, methodName } from '../contender.js';
import type { EvaluationResults, Measures, PictureResult } from '../measure/results.js';

const HEADER = [
  'picture',
  'noise',
  'sigma',
  'gain',
  'stated',
  'method',
  'beta',
  'mse',
  'psnr',
  'ssim',
  'residual_rms',
  'residual_unevenness',
  'residual_correlation',
  'evaluations',
  'seconds_per_megapixel',
  'iso',
  'jpeg',
];

/** Comma-separated values (RFC 4180), numbers in full. */
export function resultsCsv({ pictures, levels, contenders, noisy, cells }: EvaluationResults): string {
  const lines = [HEADER.join(',')];
  const add = (
    picture: number,
    level: number,
    [method, beta]: readonly [string, string | number],
    measures: Measures & Pick<PictureResult, 'evaluations'>,
    pace?: number,
  ) => {
    const noise = levels[level];
    if (noise === undefined) return;
    const { sigma, gain, stated } = noise;
    const { iso, jpeg } = noise.model === 'camera' ? noise : {};
    const coding = jpeg && `${jpeg.quality} ${jpeg.chromaSubsampling}`;
    const { mse, psnr, ssim, residual, evaluations } = measures;
    const { rms, unevenness, correlation } = residual;
    const named = [pictures[picture]?.name ?? '', noise.model, sigma, gain, stated, method, beta];
    const figures = [mse, psnr, ssim, rms, unevenness, correlation, evaluations, pace, iso, coding];
    lines.push([...named, ...figures].map(field).join(','));
  };
  for (const [level, row] of noisy.entries())
    for (const [picture, measures] of row.entries()) add(picture, level, ['noisy', ''], measures);
  for (const { level, contender, pictures: results, secondsPerMegapixel } of cells) {
    const what = contenders[contender];
    if (what === undefined) continue;
    for (const [picture, measures] of results.entries())
      add(picture, level, [methodName(what), betaOf(what) ?? ''], measures, secondsPerMegapixel);
  }
  return `${lines.join('\r\n')}\r\n`;
}

function field(value: string | number | undefined): string {
  const text = String(value ?? '');
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
