// The written documents of the repository, and what tests read in them.
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('../../', import.meta.url));

/** The text of a document, its path relative to the repository. */
export function document(file: string): string {
  return readFileSync(`${root}${file}`, 'utf8');
}

/** The part of a document under a heading, up to the next heading of its level or above. */
export function section(text: string, heading: string): string {
  const level = /^#+/.exec(heading)?.[0].length ?? 0;
  const lines = text.split('\n');
  const start = lines.indexOf(heading);
  if (start === -1) throw new Error(`there is no heading "${heading}"`);
  const after = lines.slice(start + 1);
  const end = after.findIndex((line) => (/^#+(?= )/.exec(line)?.[0].length ?? 99) <= level);
  return after.slice(0, end === -1 ? undefined : end).join('\n');
}

/** The rows of the first table in a text, without its header; cells trimmed. */
export function tableRows(text: string): string[][] {
  const lines = text.split('\n');
  const start = lines.findIndex((line) => line.startsWith('|'));
  const rest = lines.slice(start);
  const end = rest.findIndex((line) => !line.startsWith('|'));
  return rest.slice(2, end === -1 ? undefined : end).map((line) =>
    line
      .split('|')
      .slice(1, -1)
      .map((cell) => cell.trim()),
  );
}

/** What stands between the backquotes of a table cell; nothing for an empty one. */
export function codeOf(cell = ''): string | undefined {
  return /^`([^`]+)`/.exec(cell)?.[1];
}

/** The fenced blocks of a text, without their fences. */
export function codeBlocks(text: string, language: string): string[] {
  const fence = new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms');
  return [...text.matchAll(fence)].map(([, block = '']) => block);
}

export interface Link {
  /** As it is written. */
  readonly link: string;
  /** The file, relative to the repository. */
  readonly target: string;
  readonly heading: string | undefined;
}

/** A document's links to files of the repository. */
export function linksOf(file: string): Link[] {
  // In code, brackets mean other things.
  const prose = document(file)
    .replaceAll(/^```.*?^```/gms, '')
    .replaceAll(/`[^`\n]*`/g, '');
  return [...prose.matchAll(/\]\(([^)\s]+)\)/g)].flatMap(([, link = '']) => {
    if (/^https?:/.test(link)) return [];
    const [to = '', heading] = link.split('#');
    return { link, target: to === '' ? file : path.posix.join(path.posix.dirname(file), to), heading };
  });
}
