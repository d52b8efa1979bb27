// `flow-denoise evaluate` as users call it: what it writes, what it says, what it refuses; and its page in a browser.
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium } from 'playwright-core';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import type { EvaluationResults } from '#src/evaluate/index.js';
import { fixtureFolder } from '../../core/fixture.js';
import { withCleanFolder } from '../../evaluate/folder.js';
import { command, filesBelow } from '../command.js';

const executablePath = process.env.CHROMIUM_PATH ?? '/usr/bin/chromium';
const fixture = ['--prior', fixtureFolder('conditioned'), '--engine', 'onnx', '--threads', '1'];
const grid = ['--preset', 'fast', '--method', 'beta-map', '--beta', '2,8', '--sigma', '15,25', '--seed', '9'];

async function lookAtPage(path: string): Promise<void> {
  if (!existsSync(executablePath)) {
    console.log(`SKIP no browser at ${executablePath}; CHROMIUM_PATH names one`);
    return;
  }
  const browser = await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-gpu'] });
  try {
    for (const width of [1280, 390]) {
      const page = await browser.newPage({ viewport: { width, height: 800 } });
      const complaints: string[] = [];
      page.on('console', (message) => complaints.push(message.text()));
      page.on('request', (request) => {
        if (!/^(file|data):/.test(request.url())) complaints.push(request.url());
      });
      await page.goto(pathToFileURL(path).href);
      assert.is(await page.locator('section').count(), 6);
      const svg = page.locator('svg');
      assert.is(await svg.count(), 4, 'two charts, two pictures');
      assert.ok(
        ((await svg.first().boundingBox())?.width ?? 0) > 250,
        'the charts are styled and have a size',
      );
      const widest = await page.evaluate('document.documentElement.scrollWidth');
      assert.ok(
        Number(widest) <= width,
        `${widest} pixels wide at ${width}: what is wider scrolls in itself`,
      );
      assert.is(await page.evaluate('document.querySelectorAll("svg image").length'), 2 * 2 * 5);
      assert.equal(complaints, []);
      await page.close();
    }
  } finally {
    await browser.close();
  }
}

test('a grid: the same figures as JSON, CSV, Markdown and a page', () =>
  withCleanFolder(async (cwd) => {
    // A name that HTML, Markdown and CSV would each take for their own.
    const hostile = process.platform === 'win32' ? 'x,y.png' : 'x,"<img src=q onerror=alert(1)>|*.png';
    await writeFile(join(cwd, 'clean', hostile), await readFile(join(cwd, 'clean/b.png')));
    const { code, stderr, stdout } = await command(
      ['evaluate', 'clean', '-o', 'out', '--json', ...fixture, ...grid],
      { cwd },
    );
    assert.is(code, 0, stderr);
    assert.match(stderr, /^24 pictures to restore, about /);
    assert.match(stderr, /written to out in /);
    const files = await filesBelow(join(cwd, 'out'));
    assert.equal(
      files.filter((file) => !file.startsWith('figures/')),
      ['results.csv', 'results.html', 'results.json', 'results.md'],
    );
    assert.is(files.length, 4 + 4);

    const told = JSON.parse(stdout) as EvaluationResults;
    const written = JSON.parse(await readFile(join(cwd, 'out/results.json'), 'utf8')) as EvaluationResults;
    const round = (results: EvaluationResults) =>
      results.cells.map(({ pictures }) => pictures.map(({ psnr }) => psnr.toPrecision(5)));
    assert.equal(round(written), round(told));
    assert.equal(
      written.pictures.map(({ name }) => name),
      ['a.png', 'b.png', 'below/c.png', hostile],
    );

    const means = written.cells.map(({ pictures }) => {
      const mean = pictures.reduce((sum, { psnr }) => sum + psnr, 0) / pictures.length;
      const squares = pictures.reduce((sum, { psnr }) => sum + (psnr - mean) ** 2, 0);
      return `${mean.toFixed(2)} ± ${Math.sqrt(squares / (pictures.length - 1)).toFixed(2)}`;
    });
    const markdown = await readFile(join(cwd, 'out/results.md'), 'utf8');
    assert.is(means.length, 6);
    for (const words of means) assert.ok(markdown.includes(` ${words} |`), words);
    assert.ok(markdown.includes('--seed 9'), 'the command stands in it');

    const csv = await readFile(join(cwd, 'out/results.csv'), 'utf8');
    assert.is(csv.trimEnd().split('\r\n').length, 1 + 4 * 2 + 4 * 6);
    assert.ok(csv.includes(`"${hostile.replaceAll('"', '""')}",gaussian,15,,,noisy,`));
    const html = await readFile(join(cwd, 'out/results.html'), 'utf8');
    assert.not.match(html, /<script|onerror=alert\(1\)>/);
    await lookAtPage(join(cwd, 'out/results.html'));
  }));

test('a second run gives the same figures, to the bit', () =>
  withCleanFolder(async (cwd) => {
    const run = async () => {
      const args = ['evaluate', 'clean', '--json', '--quiet', ...fixture, '--sigma', '15', '--count', '2'];
      const { code, stdout, stderr } = await command(args, { cwd });
      assert.equal([code, stderr], [0, '']);
      const { cells, noisy } = JSON.parse(stdout) as EvaluationResults;
      return { noisy, pictures: cells.map(({ pictures }) => pictures) };
    };
    assert.equal(await run(), await run());
  }));

test('wrong usage ends with 2 and writes nothing', () =>
  withCleanFolder(async (cwd) => {
    const refusals: readonly (readonly [string, RegExp])[] = [
      ['evaluate clean', /--output.*--json.*--export/],
      ['evaluate nowhere -o out', /nowhere/],
      ['evaluate clean -o out --sigma strong', /sigma.*strong/],
      ['evaluate clean -o out --method magic', /method.*magic/],
      ['evaluate clean -o out --preset magic', /preset.*magic/],
      [
        'evaluate clean -o out --quality fast,balanced',
        /Pass 'fast' for preset instead of 'fast' for quality/,
      ],
      ['evaluate clean -o out --crop 5y5', /crop.*5y5/],
      ['evaluate clean -o out --protocol papers', /protocol.*papers/],
      ['evaluate clean -o out --protocol paper --beta 2', /Pass either protocol 'paper' or beta, not both/],
      ['evaluate clean -o out --import BM3D', /--import.*BM3D/],
      ['evaluate clean -o out --count 0', /count.*0/],
    ];
    for (const [words, message] of refusals) {
      const { code, stdout, stderr } = await command(words.split(' '), { cwd });
      assert.is(code, 2, `${words}: ${stderr}`);
      assert.match(stderr, message);
      assert.is(stdout, '');
    }
    assert.equal(
      (await filesBelow(cwd)).filter((file) => file.startsWith('out')),
      [],
    );
  }));

test('--export writes the pixels for other programs, --import measures theirs', () =>
  withCleanFolder(async (cwd) => {
    const common = ['--sigma', '15', '--method', 'posterior-mean', ...fixture];
    const first = await command(['evaluate', 'clean', '--export', 'pairs', ...common], { cwd });
    assert.is(first.code, 0, first.stderr);
    assert.match(first.stderr, /3 pictures, clean and under 1 noise, are in pairs/);
    const second = await command(['evaluate', 'clean', '--json', '--import', 'none=pairs', ...common], {
      cwd,
    });
    assert.is(second.code, 0, second.stderr);
    const { contenders, cells } = JSON.parse(second.stdout) as EvaluationResults;
    assert.equal(contenders[1], { kind: 'given', name: 'none', folder: 'pairs' });
    assert.ok((cells[1]?.pictures ?? []).every(({ residual }) => residual.rms === 0));
  }));

test.run();
