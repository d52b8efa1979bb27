// A dry run and the plan know what the run will refuse.
import { existsSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import sharp from 'sharp';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { fixtureFolder } from '../../core/fixture.js';
import { noisyPicture, withFolder } from '../../plugin/pictures.js';
import { command } from '../command.js';

const CASES = fileURLToPath(new URL('../../../../shared/cases/dry-run-counts-refused', import.meta.url));
const FAST = ['--prior', fixtureFolder('conditioned'), '--engine', 'onnx', '--threads', '1', '--no-config'];

test('what the run refuses is listed with its reason, and counted neither there nor in the run', () =>
  withFolder(async (cwd) => {
    await mkdir(join(cwd, 'in'));
    const page = await sharp(await noisyPicture('png'))
      .toColourspace('cmyk')
      .tiff()
      .toBuffer();
    const files = {
      'a.png': await noisyPicture('png'),
      'b.png': await noisyPicture('png', { width: 200 }),
      'c.tif': page,
      'd.png': 'text',
      'e.png': '',
    };
    for (const [name, bytes] of Object.entries(files)) await writeFile(join(cwd, 'in', name), bytes);
    const args = ['in', '-o', 'out', '--sigma', '25', ...FAST, '--max-pixels', '4000'];
    const dry = await command([...args, '--dry-run'], { cwd });
    assert.is(dry.code, 1, dry.stderr);
    const lines = dry.stdout.trim().split('\n');
    assert.match(lines[0] ?? '', /^in\/a\.png -> out\/a\.png {2}48 x 40, 0\.00 MP {2}about /);
    const reasons = [/8000 pixels, expected at most 4000/, /TIFF in CMYK/, /found text/, /empty file/];
    for (const [index, reason] of reasons.entries()) {
      assert.match(lines[index + 1] ?? '', / {2}refused: found /);
      assert.match(lines[index + 1] ?? '', reason);
    }
    assert.match(dry.stderr, /^1 picture \(and 4 that cannot be taken\), 0\.00 MP in 1 tile/m);
    const json = await command([...args, '--dry-run', '--json'], { cwd });
    const told = json.stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line).error?.code);
    assert.equal(told, [undefined, 'UNSUPPORTED_IMAGE', 'UNSUPPORTED_IMAGE', 'BAD_IMAGE', 'BAD_IMAGE']);
    const run = await command(args, { cwd });
    assert.is(run.code, 1);
    assert.match(run.stderr, /^1 picture \(and 4 that cannot be taken\), /m);
    assert.match(run.stderr, /1 of 5 done in .*, 4 failed/);
  }));

test('a grey picture whose sigma the prior does not know, and a file with too many bytes', () =>
  withFolder(async (cwd) => {
    const grey = sharp(await noisyPicture('png')).toColourspace('b-w');
    await writeFile(join(cwd, 'grey.png'), await grey.png().toBuffer());
    const large = await noisyPicture('png', { width: 200, height: 200 });
    await writeFile(join(cwd, 'large.png'), large);
    const limit = ['--max-bytes', String(large.length - 1)];
    const args = ['grey.png', 'large.png', '-o', 'out', '--sigma', '60', '--dry-run', ...limit];
    const { stdout } = await command([...args, '--engine', 'onnx', '--no-config'], { cwd });
    assert.match(stdout, /^grey\.png -> \S+ {2}refused: Expected a number from 1\.443 to 57\.74/m);
    assert.match(stdout, /^large\.png -> \S+ {2}refused: found \d+ bytes, expected at most/m);
  }));

if (existsSync(CASES))
  test('the cases that were counted', async () => {
    const args = [CASES, '-o', 'out', '--dry-run', ...FAST];
    const { code, stdout, stderr } = await command(args);
    assert.is(code, 1, stderr);
    assert.match(stdout, /big280mp\.png -> \S+ {2}refused: found 20000x14000/);
    assert.match(stdout, /int16\.tif -> \S+ {2}refused: found a TIFF with 16-bit samples of an unusual type/);
    assert.match(stderr, /^0 pictures \(and 2 that cannot be taken\)/m);
  });
else console.log('SKIP the cases that were counted: there is no ../shared');

test.run();
