// The README: its snippets do what they say, it is short, and its figures are those of docs/results.
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { mean, median, type Row, readResults } from '../../bench/results.js';
import { document, section, tableRows } from './documents.js';
import {
  checkTypes,
  inShell,
  isThere,
  runProgram,
  type Snippet,
  snippetTests,
  writeModule,
} from './snippets.js';

const readme = document('README.md');
const MOST_LINES = 180;

/** Each line by itself, from an empty output folder: what it says it writes is there. */
async function runLines({ text }: Snippet, project: string): Promise<void> {
  for (const line of text.trim().split('\n')) {
    if (line.startsWith('npx flow-denoise'))
      await rm(join(project, 'clean'), { recursive: true, force: true });
    await inShell(line, project);
    if (line.startsWith('npx flow-denoise photos')) assert.ok(isThere(project, 'clean/below/b.jpg'), line);
    if (line.startsWith('npx flow-denoise watch')) assert.ok(isThere(project, 'clean/a.png'), line);
    if (line === 'npx gulp') assert.ok(isThere(project, 'clean/below/b.jpg'), line);
  }
}

snippetTests('README.md', {
  prior: 'natural',
  own: {
    sh: runLines,
    'denoise-one.mjs': async (snippet, project) => {
      const file = await writeModule(snippet, project);
      assert.match(await runProgram(process.execPath, [file], project), /^sigma [\d.]+, [\d.]+ s\n$/);
      const [before, after] = await Promise.all(
        ['noisy.png', 'clean.png'].map((name) => sharp(join(project, name)).metadata()),
      );
      assert.equal([after?.width, after?.height], [before?.width, before?.height]);
      await checkTypes(file, project);
    },
  },
});

test('it is short', () => {
  const lines = readme.trimEnd().split('\n').length;
  assert.ok(lines <= MOST_LINES, `${lines} lines`);
});

/** Of each line of the table, the sides of docs/results/peers.json and peers-speed.json. */
const SIDES = new Map([
  ['noisy', /^noisy$/],
  ['preset `fast`', /^natural posterior-mean:1:3$/],
  ['preset `best`', /^natural posterior-mean:4:3$/],
  ['method `beta-map`', /^natural beta-map:1:1$/],
  ['BM3D', /^BM3D$/],
  ['non-local means (OpenCV)', /^NLM, h = /],
]);

const numbers = (row: Row | undefined, key: string) => (row?.[key] as readonly number[] | undefined) ?? [];
const sideOf = (row: Row) => String(row.side);

function wordsOf(seconds: number): string {
  if (seconds < 60) return `${Math.round(seconds)} seconds`;
  const minutes = Math.round(seconds / 60);
  return `${minutes} minute${minutes === 1 ? '' : 's'}`;
}

test('its table of speed and quality', async () => {
  const quality = (await readResults('peers')).rows.filter((row) => row.set === 'data/cbsd68');
  const speed = (await readResults('peers-speed')).rows;
  const rows = tableRows(section(readme, '## Speed and quality'));
  assert.equal(
    rows.map(([name]) => name),
    [...SIDES.keys()],
  );
  for (const [name = '', ...cells] of rows) {
    const side = SIDES.get(name) ?? /^$/;
    const decibels = [15, 25, 50].map((sigma) => {
      const row = quality.find((each) => side.test(sideOf(each)) && each.sigma === sigma);
      return mean(numbers(row, 'psnr')).toFixed(2);
    });
    const timed = speed.find((each) => side.test(sideOf(each)));
    const seconds = timed ? median(numbers(timed, 'secondsPerMegapixel')) : undefined;
    assert.equal(cells, [
      ...decibels,
      seconds?.toPrecision(3) ?? '',
      seconds === undefined ? '' : wordsOf(24 * seconds),
    ]);
  }
});

test('its figures in words', async () => {
  const { rows: peers } = await readResults('peers');
  const { rows: speed } = await readResults('peers-speed');
  const { rows: noise } = await readResults('noise');
  const { rows: memory } = await readResults('speed');
  const faces = (side: string) => {
    const row = peers.find(
      (each) => each.set === 'data/faces64/validation' && each.side === side && each.sigma === 34,
    );
    return mean(numbers(row, 'psnr')).toFixed(2);
  };
  const seconds = (side: string) =>
    median(
      numbers(
        speed.find((row) => row.side === side),
        'secondsPerMegapixel',
      ),
    );
  const [betaMap, fast, best] = ['beta-map:1:1', 'posterior-mean:1:3', 'posterior-mean:4:3'];
  const times = (seconds(`natural ${betaMap}`) / seconds(`natural ${fast}`)).toFixed(1);
  const real = noise.find(({ study }) => study === 'real');
  const peak = memory.find(({ what }) => what === 'posterior-mean, 24 MP: largest resident size');
  const text = readme.replaceAll(/\s+/g, ' ');
  for (const claim of [
    `${times} times as long as the default preset`,
    `${faces(`faces64 ${betaMap}`)} dB, against ${faces(`faces64 ${best}`)} dB for \`best\` and ${faces(`faces64 ${fast}`)} dB`,
    `from ${mean(numbers(real, 'noisy')).toFixed(2)} to ${mean(numbers(real, 'unsaid')).toFixed(2)} dB`,
    `at ${Number((numbers(peak, 'values')[0] ?? 0).toPrecision(3))} MB`,
  ])
    assert.ok(text.includes(claim), `the README does not say: ${claim}`);
});

test.run();
