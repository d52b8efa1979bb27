// Writes an evaluation: results.json, .csv, .md and .html, and the figures. Each file is written atomically.
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../../core/files.js';
import { standaloneSvg } from '../../figure/markup.js';
import { betaOf, methodName } from '../contender.js';
import type { Evaluation } from '../evaluation.js';
import type { Cell, EvaluationResults } from '../measure/results.js';
import type { NoiseLevel } from '../noise-level.js';
import { paperSections } from '../paper/paper-report.js';
import { gridSections, type Report, reportFacts } from './report.js';
import { reportHtml, reportMarkdown } from './report-pages.js';

const FIGURES = 'figures';

/** The report of an evaluation, without writing files. */
export function reportOf({ results, shown }: Evaluation, command?: string): Report {
  const { protocol, folder } = results.settings;
  const isPaper = protocol === 'paper';
  const sections = (isPaper ? paperSections : gridSections)(results, shown);
  return {
    title: isPaper
      ? 'The experiments of “Image Denoising with a Normalizing-Flow Prior” again'
      : `Evaluation of ${folder}`,
    facts: reportFacts(results, command),
    sections: sections.filter(({ tables = [], figures = [] }) => tables.length + figures.length > 0),
  };
}

/**
 * Writes results.json, .csv, .md and .html and figures/*.svg. Replaces existing files and removes an earlier evaluation's
 * figures.
 *
 * @param command  the command that repeats the evaluation, for the reader
 * @returns        the written paths
 * @throws         FlowDenoiseError WRITE_FAILED
 */
export async function writeEvaluation(
  evaluation: Evaluation,
  folder: string,
  { command, signal }: { readonly command?: string; readonly signal?: AbortSignal } = {},
): Promise<readonly string[]> {
  const report = reportOf(evaluation, command);
  const figures = report.sections.flatMap((section) => section.figures ?? []);
  const files = new Map([
    ['results.json', `${resultsJson(evaluation)}\n`],
    ['results.csv', resultsCsv(evaluation.results)],
    ['results.md', reportMarkdown(report, FIGURES)],
    ['results.html', reportHtml(report)],
    ...figures.map(({ name, svg }) => [`${FIGURES}/${name}.svg`, standaloneSvg(svg)] as const),
  ]);
  for (const [name, text] of files)
    await writeFileAtomic(join(folder, name), Buffer.from(text), signal ? { signal } : {});
  const present = await readdir(join(folder, FIGURES)).catch(() => []);
  const stale = present.filter((name) => name.endsWith('.svg') && !files.has(`${FIGURES}/${name}`));
  for (const name of stale) await rm(join(folder, FIGURES, name));
  return [...files.keys()].map((name) => join(folder, name));
}

/** Readable and small: one line for the figures of a picture, with six digits each. */
function resultsJson({ results }: Evaluation): string {
  const { noisy, cells, pictures, ...head } = results;
  const short = (value: unknown) =>
    JSON.stringify(value, (_, each: unknown) =>
      typeof each === 'number' && !Number.isInteger(each) ? Number(each.toPrecision(7)) : each,
    );
  const lines = (all: readonly unknown[]) => `[\n${all.map((each) => `    ${short(each)}`).join(',\n')}\n  ]`;
  const blocks = cells.map(
    ({ pictures: own, ...cell }) => `${short(cell).slice(0, -1)}, "pictures": ${lines(own)}}`,
  );
  return `${JSON.stringify(head, null, 2).slice(0, -2)},
  "pictures": ${lines(pictures)},
  "noisy": [${noisy.map(lines).join(', ')}],
  "cells": [${blocks.join(', ')}]
}`;
}

/** Comma-separated values (RFC 4180), numbers in full: a line for each picture, noise and contender. */
function resultsCsv({ pictures, levels, contenders, noisy, cells }: EvaluationResults): string {
  const blocks: readonly (Omit<Cell, 'contender'> & { readonly contender?: number })[] = [
    ...noisy.map((measured, level) => ({ level, pictures: measured })),
    ...cells,
  ];
  const rows = blocks.flatMap(({ level, contender = -1, pictures: measured, secondsPerMegapixel }) => {
    const noise = levels[level] as NoiseLevel;
    const what = contenders[contender];
    const { iso, jpeg } = noise.model === 'camera' ? noise : {};
    return measured.map(({ mse, psnr, ssim, residual, evaluations }, picture) => ({
      picture: pictures[picture]?.name,
      noise: noise.model,
      sigma: noise.sigma,
      gain: noise.gain,
      stated: noise.stated,
      method: what ? methodName(what) : 'noisy',
      beta: what && betaOf(what),
      mse,
      psnr,
      ssim,
      residual_rms: residual.rms,
      residual_unevenness: residual.unevenness,
      residual_correlation: residual.correlation,
      evaluations,
      seconds_per_megapixel: secondsPerMegapixel,
      iso,
      jpeg: jpeg && `${jpeg.quality} ${jpeg.chromaSubsampling}`,
    }));
  });
  const lines = [Object.keys(rows[0] ?? {}), ...rows.map((row) => Object.values(row))];
  return lines.map((line) => `${line.map(field).join(',')}\r\n`).join('');
}

function field(value: string | number | undefined): string {
  const text = String(value ?? '');
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
