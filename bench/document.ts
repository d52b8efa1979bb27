// Writes the tables of the README and of docs, and a chart, from docs/results: what stands between
// `<!-- results: name -->` and `<!-- end -->` is replaced. A test holds the documents to it.
// Usage: npm run bench -- document
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { lineChart } from '#src/figure/line-chart.js';
import { standaloneSvg } from '#src/figure/markup.js';
import published from './published.json' with { type: 'json' };
import { markdownTable, mean, median, type Results, type Row, readResults } from './results.js';

export const DOCUMENTS = [
  'README.md',
  'docs/architecture.md',
  'docs/benchmarks.md',
  'docs/method.md',
  'docs/noise.md',
] as const;
const ROOT = fileURLToPath(new URL('../', import.meta.url));
/** PSNR against cost. */
export const COST_CHART = 'docs/images/speed-quality.svg';
const NOT_MEASURED = 'Not measured yet.';

const numbers = (row: Row | undefined, key: string) => (row?.[key] as readonly number[] | undefined) ?? [];
const unique = (rows: readonly Row[], key: string) => [...new Set(rows.map((row) => row[key]))];
const decibels = (row: Row | undefined, key = 'psnr', digits = 2) =>
  row ? mean(numbers(row, key)).toFixed(digits) : '';

/** The command and the machine under a table. */
const origin = ({ command, machine }: Results) => `\nCommand: \`${command}\`. ${machine}.`;

/** Text with each "posterior-mean:4:3" in it as people say it. */
const withWords = (text: string) =>
  text.replace(/(posterior-mean|beta-map)(:\d:\d)?/, (found) => approachWords(found));

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
  const cells = (found: (sigma: number) => Row | undefined, key = 'psnr') =>
    sigmas.map((sigma) => decibels(found(sigma), key));
  const counts = (unique(rows, 'pictures') as number[]).sort((a, b) => b - a);
  const measured = counts.flatMap((count) => {
    const those = rows.filter(({ pictures }) => pictures === count);
    const origin = `measured, ${count} pictures`;
    const ours = unique(those, 'prior').flatMap((prior) =>
      unique(those, 'approach')
        .filter((approach) => those.some((row) => row.prior === prior && row.approach === approach))
        .map((approach) => [
          `\`${prior}\`, ${approachWords(String(approach))}`,
          ...cells((sigma) =>
            those.find((row) => row.prior === prior && row.approach === approach && row.sigma === sigma),
          ),
          origin,
        ]),
    );
    return [
      ['noisy', ...cells((sigma) => those.find((row) => row.sigma === sigma), 'noisy'), origin],
      ...ours,
    ];
  });
  const theirs = published.rows.map(({ name, psnr, source }) => [
    name,
    ...sigmas.map((sigma) => psnr[String(sigma) as keyof typeof psnr].toFixed(2)),
    `published: ${source}`,
  ]);
  const head = ['', ...sigmas.map((sigma) => `sigma ${sigma}`), ''];
  return `${markdownTable(head, [...measured, ...theirs])}\n${origin(results)} ${published.set}.`;
}

function peersTable(results: Results, set: string): string {
  const rows = results.rows.filter((row) => row.set === set);
  const sigmas = unique(rows, 'sigma') as number[];
  sigmas.sort((a, b) => a - b);
  // The median's size and the means' parameter differ from sigma to sigma: one line each.
  const family = (side: string) => side.replace(/, h = .*| \d x \d$/, '');
  const families = [...new Set(rows.map(({ side }) => family(String(side))))];
  const body = families.map((name) => [
    withWords(name),
    ...sigmas.map((sigma) => {
      const row = rows.find((each) => family(String(each.side)) === name && each.sigma === sigma);
      return row ? `${decibels(row)} / ${mean(numbers(row, 'ssim')).toFixed(3)}` : '';
    }),
  ]);
  const count = rows[0]?.pictures;
  return `${markdownTable(['', ...sigmas.map((sigma) => `sigma ${sigma}`)], body)}\n\nMean PSNR (dB) / SSIM of ${count} pictures. ${origin(results).trim()}`;
}

const PUBLISHED_AS: Readonly<Record<string, string>> = {
  FFDNet: 'FFDNet',
  'DnCNN-20': 'DnCNN (CDnCNN-B)',
  DRUNet: 'DRUNet',
};

interface Cost {
  readonly side: string;
  readonly seconds: number;
  readonly psnr: string;
}

/** Seconds per megapixel beside PSNR at sigma 25: measured on 12 pictures, or their paper's on 68. */
async function peersCosts(): Promise<Cost[]> {
  const [{ rows }, { rows: quality }] = await Promise.all([readResults('peers-speed'), readResults('peers')]);
  return rows.map((row) => {
    const side = String(row.side);
    const paper = published.rows.find(({ name }) => name === PUBLISHED_AS[side]);
    const measured = quality.find(
      (each) => each.set === 'data/cbsd68' && each.sigma === 25 && each.side === side,
    );
    return {
      side: withWords(side),
      seconds: median(numbers(row, 'secondsPerMegapixel')),
      psnr: paper ? `${paper.psnr['25'].toFixed(2)} (published)` : decibels(measured),
    };
  });
}

/** What COST_CHART holds. */
export async function costChart(): Promise<string> {
  const known = (await peersCosts()).filter(({ psnr }) => psnr !== '');
  return standaloneSvg(
    lineChart({
      title: 'What quality costs: CBSD68 at sigma 25',
      width: 820,
      xLabel: 'seconds per megapixel',
      yLabel: 'PSNR, dB',
      xScale: 'log',
      series: known.map(({ side, seconds, psnr }) => ({
        name: psnr.endsWith(')') ? `${side} (published)` : side,
        points: [[seconds, Number.parseFloat(psnr)]],
      })),
    }),
  );
}

async function peersSpeedTable(results: Results): Promise<string> {
  const body = (await peersCosts()).map(({ side, seconds, psnr }) => [side, figures(seconds), psnr]);
  return `${markdownTable(['', 's/MP', 'CBSD68, sigma 25'], body)}\n${origin(results)}`;
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

/** Three significant figures, 1060 and not 1.06e+3. */
const figures = (value: number) =>
  value < 1000 ? value.toPrecision(3) : String(Number(value.toPrecision(3)));

function speedTable(results: Results, section: string): string {
  const rows = results.rows.filter((row) => row.section === section);
  const body = rows.map((row) => [
    withWords(String(row.what)),
    figures(median(numbers(row, 'values'))),
    String(row.unit),
  ]);
  return markdownTable(['', 'median', ''], body);
}

/** What becomes of noise that is told and of noise that is found. */
function noiseTable(results: Results): string {
  const of = (study: string) => results.rows.filter((row) => row.study === study);
  const line = (name: string, rows: readonly Row[]) => [
    `${name}, ${rows[0]?.pictures} pictures`,
    ...['noisy', 'told', 'unsaid'].map((way) =>
      rows.every((row) => row[way]) ? rows.map((row) => decibels(row, way)).join(' / ') : '',
    ),
  ];
  const levels = (rows: readonly Row[]) => rows.map(({ level }) => level).join(' / ');
  const [gaussian, grey, real] = [of('gaussian'), of('grey'), of('real')];
  const photons = of('poisson').filter(({ level }) => /\/0$/.test(String(level)));
  const peaks = photons.map(({ level }) => String(level).replace('/0', '')).join(' / ');
  const body = [
    line(`CBSD68, sigma ${levels(gaussian)}`, gaussian),
    line(`CBSD68, ${peaks} photons at white`, photons),
    line('real photographs (cc15)', real),
    line(`BSD68 in grey, sigma ${levels(grey)}`, grey),
  ];
  const clean = of('clean').map(({ kinds }) => `CBSD68 without noise is taken for: ${kinds}.`);
  return `${markdownTable(['', 'noisy', 'noise passed', 'noise found'], body)}\n\n${clean} ${origin(results).trim()}`;
}

/** What becomes of a simulated camera's noise, and how well it is found. */
function cameraTable(results: Results): string {
  const error = (row: Row, key: string) => {
    const values = numbers(row, key);
    return values.length > 0 ? mean(values).toFixed(2) : '';
  };
  const body = results.rows.map((row) => [
    `ISO ${row.iso}`,
    String(row.coding),
    ...['noisy', 'white', 'unsaid'].map((key) => decibels(row, key)),
    error(row, 'level'),
    error(row, 'spectrum'),
    `${row.clean} of ${row.pictures}`,
  ]);
  const head = [
    '',
    'JPEG',
    'noisy',
    'best white sigma',
    'no sigma passed',
    'error of the level',
    'of the spectrum',
  ];
  return `${markdownTable([...head, 'left as clean'], body)}\n${origin(results)}`;
}

/** Of each cell: what the default gains, beside the best white sigma. */
function jpegTable(results: Results): string {
  const body = results.rows.map((row) => {
    const [noisy, unsaid, white] = ['noisy', 'unsaid', 'white'].map((key) => mean(numbers(row, key))) as [
      number,
      number,
      number,
    ];
    return [
      String(row.sigma),
      `${row.quality} ${row.sampling}`,
      ...[noisy, white, unsaid].map((value) => value.toFixed(2)),
      white > noisy ? `${Math.round((100 * (unsaid - noisy)) / (white - noisy))}%` : '',
      `${row.clean} of ${row.pictures}`,
    ];
  });
  const head = ['sigma', 'JPEG', 'noisy', 'best white sigma', 'no sigma passed', 'share of the gain'];
  return `${markdownTable([...head, 'left as clean'], body)}\n${origin(results)}`;
}

function poissonTable(results: Results): string {
  const rows = results.rows.filter((row) => row.study === 'poisson');
  const body = rows.map((row) => {
    const [peak = '', read = ''] = String(row.level).split('/');
    const loss = mean(numbers(row, 'told')) - mean(numbers(row, 'unsaid'));
    const figures = ['noisy', 'told', 'fitted', 'unsaid'].map((way) => decibels(row, way));
    return [peak, read, ...figures, loss.toFixed(2), String(row.kinds)];
  });
  const head = [
    'peak',
    'read noise',
    'noisy',
    'noise passed',
    'kind passed',
    'nothing passed',
    'loss',
    'taken for',
  ];
  return `${markdownTable(head, body)}\n\n${rows[0]?.pictures} pictures. ${origin(results).trim()}`;
}

function seamsTable(results: Results): string {
  const body = results.rows.map((row) => [
    `${approachWords(String(row.approach))}, ${row.sigma}`,
    String(row.overlap),
    ...['border', 'elsewhere'].map((key) =>
      numbers(row, key)
        .map((value) => value.toFixed(2))
        .join(' / '),
    ),
    `${mean(numbers(row, 'loss')).toFixed(4)} dB`,
    `${Number(row.computed).toFixed(2)} x`,
  ]);
  const head = [
    'approach, sigma',
    'overlap',
    'RMS at borders',
    'elsewhere',
    'loss of PSNR',
    'pixels computed',
  ];
  return `${markdownTable(head, body)}\n${origin(results)}`;
}

function priorAutoTable(results: Results): string {
  const sigmas = unique(results.rows, 'sigma') as number[];
  const line = (name: string, set: string, key: string) => [
    name,
    ...sigmas.map((sigma) => {
      const row = results.rows.find((each) => each.set === set && each.sigma === sigma);
      return row ? `${row[key]} of ${row.pictures}` : '';
    }),
  ];
  const body = [
    line('faces for which it takes `faces64`', 'faces', 'right'),
    line('photographs for which it takes `natural`', 'photographs', 'right'),
    line('faces that get the prior with the higher PSNR', 'faces', 'better'),
    line('photographs that get the prior with the higher PSNR', 'photographs', 'better'),
  ];
  return `${markdownTable(['sigma', ...sigmas.map(String)], body)}\n${origin(results)}`;
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
    case 'peers-speed':
      return peersSpeedTable(results);
    case 'noise':
      return part === 'poisson' ? poissonTable(results) : noiseTable(results);
    case 'camera':
      return cameraTable(results);
    case 'jpeg':
      return jpegTable(results);
    case 'seams':
      return seamsTable(results);
    case 'prior-auto':
      return priorAutoTable(results);
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

if (!process.argv[1]?.endsWith('.test.ts')) {
  for (const path of DOCUMENTS) {
    const text = await readFile(ROOT + path, 'utf8');
    await writeFile(ROOT + path, await documented(text));
    console.log(path);
  }
  await writeFile(`${ROOT}${COST_CHART}`, await costChart());
  console.log(COST_CHART);
}
