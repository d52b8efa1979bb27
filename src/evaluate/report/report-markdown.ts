// A report as Markdown; its figures are files beside it.
import type { Report, ReportSection, ReportTable } from './report.js';

/** @param figures  the folder of the figures, as a link from the document */
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

/** Text as text: what Markdown or HTML would take for its own is escaped. */
function inLine(text: string): string {
  return text.replaceAll(/[\r\n]+/g, ' ').replaceAll(/[\\`*_[\]<>]/g, (character) => `\\${character}`);
}

function inCell(text: string): string {
  return inLine(text).replaceAll('|', '\\|');
}
