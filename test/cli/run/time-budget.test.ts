// The method that a time budget chooses, and the words for it.
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { timeBudgetSchema } from '#src/cli/arguments.js';
import { choose, planJobs, planLines } from '#src/cli/run/plan.js';
import { openDenoiser } from '#src/denoiser/open-denoiser.js';
import { noisyPicture, withFolder } from '../../plugin/pictures.js';
import { command } from '../command.js';

test('times as people write them', () => {
  for (const [text, seconds] of [
    ['60s', 60],
    ['1.5min', 90],
    ['2 h', 7200],
    [45, 45],
  ] as const)
    assert.is(timeBudgetSchema.parse(text), seconds);
  for (const text of ['', 'soon', '60', '5 m', '-3s', '1.2.3s', 0, -1])
    assert.not(timeBudgetSchema.safeParse(text).success, String(text));
});

test('the best that fits, or else the fastest', () => {
  const candidates = [
    { preset: 'fast', seconds: 6 },
    { preset: 'best', seconds: 24 },
  ] as const;
  assert.equal(choose(60, candidates), {
    preset: 'best',
    why: 'the preset best fits into 1 min 0 s: about 24 s',
  });
  assert.equal(choose(10, candidates), {
    preset: 'fast',
    why: 'the preset fast fits into 10 s: about 6.0 s; best would take about 24 s',
  });
  assert.equal(choose(5, candidates), {
    preset: 'fast',
    why: 'nothing fits into 5.0 s; taking the preset fast: about 6.0 s',
  });
});

test('a long plan names the faster preset where there is one', () =>
  withFolder(async (cwd) => {
    const input = join(cwd, 'a.png');
    const size = { width: 4000, height: 4000, channels: 3 } as const;
    await sharp({ create: { ...size, background: 'grey' } })
      .png()
      .toFile(input);
    const jobs = new Array(500).fill({ input, output: join(cwd, 'b.png') });
    const prior = fileURLToPath(new URL('../../fixtures/conditioned', import.meta.url));
    const file = { maxPixels: 1e9, maxBytes: 1e9 };
    const options = { noise: { sigma: 'auto' }, file, concurrency: 4 } as const;
    for (const preset of [undefined, 'best'] as const) {
      const denoiser = await openDenoiser({ prior, preset, engine: 'onnx' });
      try {
        const plan = await planJobs(jobs, denoiser, options, new AbortController().signal);
        assert.ok(plan.seconds > 60, String(plan.seconds));
        const hint = planLines(plan, denoiser).find((line) =>
          line.startsWith('--preset fast would take about'),
        );
        assert.is(hint !== undefined, preset === 'best');
      } finally {
        await denoiser.close();
      }
    }
  }));

test('the command follows it', () =>
  withFolder(async (cwd) => {
    await writeFile(join(cwd, 'a.png'), await noisyPicture('png'));
    const prior = fileURLToPath(new URL('../../fixtures/conditioned', import.meta.url));
    const args = [
      'a.png',
      '-o',
      'out',
      '--sigma',
      '25',
      '--engine',
      'onnx',
      '--json',
      '--overwrite',
      '--prior',
      prior,
    ];
    for (const [budget, ensemble] of [
      ['0.000001s', 1],
      ['10h', 4],
    ] as const) {
      const { code, stdout, stderr } = await command([...args, '--time-budget', budget], { cwd });
      assert.is(code, 0, stderr);
      assert.is(JSON.parse(stdout).report.ensemble, ensemble);
      assert.match(stderr, ensemble === 4 ? /^the preset best fits into 10 h/m : /^nothing fits into/m);
    }
    assert.ok((await readFile(join(cwd, 'out/a.png'))).length > 0);
    const both = await command([...args, '--time-budget', '1h', '--method', 'beta-map'], { cwd });
    assert.is(both.code, 2);
    assert.match(both.stderr, 'Pass either --time-budget or --method, not both');
    const preset = await command([...args, '--time-budget', '1h', '--preset', 'fast'], { cwd });
    assert.match(preset.stderr, 'Pass either --time-budget or --preset, not both');
    const beta = await command([...args, '--time-budget', '1h', '--beta', '3'], { cwd });
    assert.match(beta.stderr, 'Pass either --time-budget or --beta, not both');
    const word = await command([...args, '--time-budget', 'soon'], { cwd });
    assert.is(word.code, 2);
    assert.match(word.stderr, /60s, 5min or 2h for timeBudget but received 'soon'/);
  }));

test.run();
