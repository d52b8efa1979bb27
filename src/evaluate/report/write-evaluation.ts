// Writes an evaluation: results.json, .csv, .md and .html, and the figures. Each file is written atomically.
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { writeFileAtomic } from '../../core/files.js';
import { standaloneSvg } from '../../figure/markup.js';
import type { Evaluation } from '../evaluation.js';
import { paperReport } from '../paper/paper-report.js';
import { gridReport } from './grid-report.js';
import type { Report, ReportSection, ReportTable } from './report.js';
import { reportHtml } from './report-html.js';
import { resultsCsv } from './results-csv.js';

const FIGURES = 'figures';

/** The report of an evaluation, without writing files. */
export function reportOf({ results, shown }: Evaluation, command?: string): Report {
  const make = results.settings.protocol === 'paper' ? paperReport : gridReport;
  return make(results, shown, command);
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
  const figures = report.sections.flatMap((section) => section.figures);
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
  const rows = noisy.map((row) => `[\n${row.map((each) => `    ${short(each)}`).join(',\n')}\n  ]`);
  const blocks = cells.map(
    ({ pictures: own, ...cell }) => `${short(cell).slice(0, -1)}, "pictures": ${lines(own)}}`,
  );
  return `${JSON.stringify(head, null, 2).slice(0, -2)},
  "pictures": ${lines(pictures)},
  "noisy": [${rows.join(', ')}],
  "cells": [${blocks.join(', ')}]
}`;
}

/** @param figures  the folder of the figures, as linked from the document */
export function reportMarkdown({ title, facts, sections }: Report, figures: string): string {
  const parts = [
    `# ${inLine(title)}`,
    facts.map(([name, value]) => `- ${inLine(name)}: ${inLine(value)}`).join('\n'),
    ...sections.flatMap((section) => sectionParts(section, figures)),
  ];
  return `${parts.filter((part) => part !== '').join('\n\n')}\n`;
}

function sectionParts({ heading, text, tables, figures }: ReportSection, folder: string): string[] {
  return [
    `## ${inLine(heading)}`,
    ...text.map(inLine),
    ...tables.map(tableText),
    ...figures.map(({ name, title }) => `![${inLine(title)}](${folder}/${name}.svg)`),
  ];
}

function tableText({ caption, header, rows }: ReportTable): string {
  const line = (cells: readonly string[]) => `| ${cells.map(inCell).join(' | ')} |`;
  const lines = [line(header), `| --- |${' ---: |'.repeat(header.length - 1)}`, ...rows.map(line)];
  return [...(caption === undefined ? [] : [`**${inLine(caption)}**\n`]), ...lines].join('\n');
}

/** Escapes characters that mean something in Markdown or HTML. */
function inLine(text: string): string {
  return text.replaceAll(/[\r\n]+/g, ' ').replaceAll(/[\\`*_[\]<>]/g, (character) => `\\${character}`);
}

function inCell(text: string): string {
  return inLine(text).replaceAll('|', '\\|');
}
