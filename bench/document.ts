// Writes the tables of docs/benchmarks.md and docs/method.md from docs/results: what stands between
// `<!-- results: name -->` and `<!-- end -->` is replaced. A test holds the documents to it.
// Usage: npm run bench -- document
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import published from './published.json' with { type: 'json' };
import { markdownTable, mean, median, type Results, type Row, readResults } from './results.js';

export const DOCUMENTS = ['docs/benchmarks.md', 'docs/method.md'] as const;
const ROOT = fileURLToPath(new URL('../', import.meta.url));
const NOT_MEASURED = 'Not measured yet.';

const numbers = (row: Row | undefined, key: string) => (row?.[key] as readonly number[] | undefined) ?? [];
const unique = (rows: readonly Row[], key: string) => [...new Set(rows.map((row) => row[key]))];
const decibels = (row: Row | undefined, key = 'psnr', digits = 2) =>
  row ? mean(numbers(row, key)).toFixed(digits) : '';

/** The command and the machine under a table. */
const origin = ({ command, machine }: Results) => `\nCommand: \`${command}\`. ${machine}.`;

/** "posterior-mean:4:3" as people say it. */
export function approachWords(text: string): string {
  const [method = '', ensemble = '1', scales = '1'] = text.split(':');
  const name = { 'posterior-mean': 'posterior mean', 'beta-map': 'beta-MAP' }[method] ?? method;
  const more = [ensemble === '1' ? '' : `ensemble ${ensemble}`, scales === '1' ? '' : `${scales} scales`];
  return [name, ...more.filter((part) => part !== '')].join(', ');
}

function qualityTable(results: Results): string {
  const { rows } = results;
  const sigmas = [15, 25, 50].filter((sigma) => rows.some((row) => row.sigma === sigma));
  const ours = unique(rows, 'prior').flatMap((prior) =>
    unique(rows, 'approach').map((approach) => {
      const of = (sigma: number) =>
        rows.find((row) => row.prior === prior && row.approach === approach && row.sigma === sigma);
      const name = `\`${prior}\`, ${approachWords(String(approach))}`;
      return [name, ...sigmas.map((sigma) => decibels(of(sigma))), 'measured'];
    }),
  );
  const noisy = [
    'noisy',
    ...sigmas.map((sigma) =>
      decibels(
        rows.find((row) => row.sigma === sigma),
        'noisy',
      ),
    ),
    'measured',
  ];
  const theirs = published.rows.map(({ name, psnr, source }) => [
    name,
    ...sigmas.map((sigma) => psnr[String(sigma) as keyof typeof psnr].toFixed(2)),
    `published: ${source}`,
  ]);
  const head = ['', ...sigmas.map((sigma) => `sigma ${sigma}`), ''];
  return `${markdownTable(head, [noisy, ...ours, ...theirs])}\n${origin(results)} ${published.set}.`;
}

function peersTable(results: Results, set: string): string {
  const rows = results.rows.filter((row) => row.set === set);
  const sigmas = unique(rows, 'sigma') as number[];
  sigmas.sort((a, b) => a - b);
  // The median's size and the means' parameter differ from sigma to sigma: one line each.
  const family = (side: string) => side.replace(/, h = .*| \d x \d$/, '');
  const families = [...new Set(rows.map(({ side }) => family(String(side))))];
  const body = families.map((name) => [
    name.replace(/(\S+-m\S+:\d:\d)/, (text) => approachWords(text)),
    ...sigmas.map((sigma) => {
      const row = rows.find((each) => family(String(each.side)) === name && each.sigma === sigma);
      return row ? `${decibels(row)} / ${mean(numbers(row, 'ssim')).toFixed(3)}` : '';
    }),
  ]);
  const count = rows[0]?.pictures;
  return `${markdownTable(['', ...sigmas.map((sigma) => `sigma ${sigma}`)], body)}\n\nMean PSNR (dB) / SSIM of ${count} pictures. ${origin(results).trim()}`;
}

function ablationTable(results: Results, study: string): string {
  const rows = results.rows.filter((row) => row.study === study);
  const sigmas = (unique(rows, 'sigma') as number[]).sort((a, b) => a - b);
  const body = unique(rows, 'label').map((label) => {
    const of = (sigma: number) => rows.find((row) => row.label === label && row.sigma === sigma);
    return [
      String(label),
      ...sigmas.map((sigma) => decibels(of(sigma), 'psnr', 3)),
      String(of(sigmas[0] ?? 0)?.evaluations ?? ''),
    ];
  });
  return markdownTable(['', ...sigmas.map((sigma) => `sigma ${sigma}`), 'evaluations'], body);
}

function speedTable(results: Results, section: string): string {
  const rows = results.rows.filter((row) => row.section === section);
  const body = rows.map((row) => [
    String(row.what),
    median(numbers(row, 'values')).toPrecision(3),
    String(row.unit),
  ]);
  return markdownTable(['', 'median', ''], body);
}

/** The text for `<!-- results: file/part -->`. */
export async function tableFor(name: string): Promise<string> {
  const [file = '', ...parts] = name.split('/');
  const results = await readResults(file).catch(() => undefined);
  if (!results) return NOT_MEASURED;
  const part = parts.join('/');
  switch (file) {
    case 'quality':
      return qualityTable(results);
    case 'peers':
      return results.rows.some((row) => row.set === part) ? peersTable(results, part) : NOT_MEASURED;
    case 'peers-speed': {
      const body = results.rows.map((row) => [
        String(row.side).replace(/(\S+-m\S+:\d:\d)/, (text) => approachWords(text)),
        median(numbers(row, 'secondsPerMegapixel')).toPrecision(3),
      ]);
      return `${markdownTable(['', 's/MP'], body)}\n${origin(results)}`;
    }
    case 'ablation':
      return part === '' ? origin(results).trim() : ablationTable(results, part);
    case 'speed':
      return part === '' ? origin(results).trim() : speedTable(results, part);
    default:
      throw new RangeError(`no table is made of ${name}`);
  }
}

/** A document with its tables made anew. */
export async function documented(text: string): Promise<string> {
  const pieces = text.split(/(<!-- results: [^>]+ -->\n)[\s\S]*?(<!-- end -->)/);
  const made = await Promise.all(
    pieces.map(async (piece) => {
      const name = /^<!-- results: (.+) -->\n$/.exec(piece)?.[1];
      return name === undefined ? piece : `${piece}\n${await tableFor(name)}\n\n`;
    }),
  );
  return made.join('');
}

if (!process.argv[1]?.endsWith('.test.ts'))
  for (const path of DOCUMENTS) {
    const text = await readFile(ROOT + path, 'utf8');
    await writeFile(ROOT + path, await documented(text));
    console.log(path);
  }
