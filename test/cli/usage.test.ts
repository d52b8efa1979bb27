// Wrong usage: exit code 2, one clear line, nothing opened and nothing written.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { noisyPicture, withFolder } from '../plugin/pictures.js';
import { command, filesBelow } from './command.js';

test('help and version', async () => {
  const help = await command(['--help']);
  assert.is(help.code, 0);
  for (const word of [
    '--sigma',
    '--noise',
    '--gain',
    '--offset',
    '--sigma-map',
    '--strength',
    '--method',
    '--beta',
    '--prior',
    '--engine',
    '--tile-size',
    '--overlap',
  ])
    assert.match(help.stdout, word);
  assert.match(help.stdout, 'Examples:');
  assert.ok(
    help.stdout.split('\n').every((line) => line.length <= 120),
    'lines fit a terminal',
  );
  const version = await command(['--version']);
  assert.equal([version.code, version.stdout], [0, '0.1.0\n']);
});

test('each wrong word is named, with exit code 2', () =>
  withFolder(async (cwd) => {
    await writeFile(join(cwd, 'a.png'), await noisyPicture('png'));
    const refusals: readonly (readonly [string, RegExp])[] = [
      ['a.png -o out --strength 2', /strength.*2/],
      ['a.png -o out --noise pink', /noise.*pink/],
      ['a.png -o out --offset 3', /--gain/],
      ['a.png -o out --gain 0', /noise/],
      ['a.png -o out --gain 2 --noise gaussian', /--gain is for --noise poisson-gaussian/],
      ['a.png -o out --quality fast', /Pass 'fast' for preset instead of 'fast' for quality/],
      ['a.png -o out --quality balanced', /Pass 'best' for preset instead of 'balanced' for quality/],
      ['watch . -o out --quality balanced', /Pass 'best' for preset instead of 'balanced' for quality/],
      ['a.png -o out --preset best --scales 1', /Pass either preset or scales, not both/],
      ['a.png -o out --sigma 0', /sigma/],
      ['a.png -o out --sigma -1', /sigma.*-1/],
      ['a.png -o out --sigma 1000', /sigma.*1000/],
      ['a.png -o out --sigma abc', /sigma.*abc/],
      ['a.png -o out --sigma NaN', /Expected a number above 0 .* for sigma but received 'NaN'$/m],
      ['a.png -o out --sigma 200 --quiet', /^flow-denoise: Expected .*200/],
      ['a.png -o out --sigma 25 --method magic', /method.*magic/],
      ['a.png -o out --sigma 25 --beta none', /beta.*none/],
      ['a.png -o out --sigma 25 --engine steam', /engine.*steam/],
      ['a.png -o out --sigma 25 --concurrency 0', /concurrency/],
      ['a.png -o out --sigma 25 --tile-size 1.5', /tile/i],
      ['a.png -o out --sigma 25 --prior nowhere', /nowhere/],
      ['a.png --sigma 25', /--output/],
      ['-o out --sigma 25', /inputs/],
      ['a.png -o out --sigma 25 --colour', /--colour/],
      ['b.png -o out --sigma 25', /No such file or folder: b\.png/],
      ['*.jpg -o out --sigma 25', /No pictures found in \*\.jpg/],
      ['a.png -o . --sigma 25', /would replace the input a\.png/],
    ];
    for (const [words, message] of refusals) {
      const { code, stdout, stderr } = await command(words.split(' '), { cwd });
      assert.is(code, 2, `${words}: ${stderr}`);
      assert.match(stderr, message);
      assert.not.match(stderr, /^\s+at /m, words);
      assert.is(stdout, '');
    }
    assert.equal(await filesBelow(cwd), ['a.png']);
  }));

test.run();
