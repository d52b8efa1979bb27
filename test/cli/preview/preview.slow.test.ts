// --preview: a part before and after, in a process of its own; where it lies, what is in the picture, what is refused.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { storedRegion } from '#src/cli/preview/display-image.js';
import { labelDots } from '#src/cli/preview/preview-picture.js';
import { fixtureFolder } from '../../core/fixture.js';
import { noisyPicture, withFolder } from '../../plugin/pictures.js';
import { command, filesBelow } from '../command.js';

const BAND = 24;
const GAP = 4;
const SMALL = ['--prior', fixtureFolder('conditioned')];
const FAST = ['--engine', 'onnx', '--method', 'posterior-mean', ...SMALL];

/** The nth cell of a preview's first row. */
async function cell(path: string, index: number, width: number, height: number): Promise<Buffer> {
  return sharp(path)
    .extract({ left: index * (width + GAP), top: BAND, width, height })
    .removeAlpha()
    .raw()
    .toBuffer();
}

const part = (path: string, left: number, top: number, width: number, height: number) =>
  sharp(path).autoOrient().extract({ left, top, width, height }).removeAlpha().raw().toBuffer();

test('noisy and denoised, as the full run would make it', () =>
  withFolder(async (cwd) => {
    await writeFile(join(cwd, 'a.png'), await noisyPicture('png', { width: 120, height: 90 }));
    const args = ['a.png', '-o', 'out', '--sigma', '25', ...FAST];
    const { code, stdout, stderr } = await command([...args, '--preview=40,20,60,50', '--json'], { cwd });
    assert.is(code, 0, stderr);
    assert.match(
      stderr,
      /^a\.png -> out\/a-preview\.png {2}60 x 50 at 40, 20; left to right: noisy, sigma 25; found in the whole picture: sigma 2\d/m,
    );
    const { preview } = JSON.parse(stdout);
    assert.equal(preview.region, { left: 40, top: 20, width: 60, height: 50 });
    assert.ok(preview.noise.isEstimated && Math.abs(preview.noise.sigma - 25) < 4, preview.noise.sigma);
    assert.equal(await filesBelow(cwd), ['a.png', 'out/a-preview.png']);

    const file = join(cwd, 'out/a-preview.png');
    const { width, height, exif } = await sharp(file).metadata();
    assert.equal([width, height], [2 * 60 + GAP, 50 + BAND]);
    assert.ok(exif?.includes('60 x 50 at 40, 20 of a.png; left to right: noisy, sigma 25'));
    assert.equal(await cell(file, 0, 60, 50), await part(join(cwd, 'a.png'), 40, 20, 60, 50));
    await command([...args, '--quiet'], { cwd });
    const [seen, full] = [await cell(file, 1, 60, 50), await part(join(cwd, 'out/a.png'), 40, 20, 60, 50)];
    const squares = seen.reduce((sum, value, i) => sum + (value - (full[i] ?? 0)) ** 2, 0);
    assert.ok(Math.sqrt(squares / seen.length) < 0.5, `RMS ${Math.sqrt(squares / seen.length)}`);
  }));

test('several sigmas and betas: a strip, or a grid; a preview of ours is replaced, nothing else', () =>
  withFolder(async (cwd) => {
    await mkdir(join(cwd, 'in'));
    await writeFile(join(cwd, 'in/a.jpg'), await noisyPicture('jpeg', { width: 64, height: 48 }));
    const run = (...words: string[]) =>
      command(['in', '-o', 'out', '--engine', 'onnx', ...words, '--preview=32'], { cwd });
    const size = async () => {
      const { width, height } = await sharp(await readFile(join(cwd, 'out/a-preview.png'))).metadata();
      return [width, height];
    };
    const strip = await run('--sigma', '10,25', ...FAST.slice(2));
    assert.is(strip.code, 0, strip.stderr);
    assert.match(strip.stderr, 'left to right: noisy, sigma 10, sigma 25;');
    assert.equal(await size(), [3 * 32 + 2 * GAP, 32 + BAND]);
    const grid = await run('--sigma', '10,25', '--beta', '1,50', ...SMALL);
    assert.is(grid.code, 0, grid.stderr);
    assert.match(grid.stderr, 'noisy, sigma 10 beta 1, sigma 25 beta 1; top to bottom: beta 1, 50');
    assert.equal(await size(), [3 * 32 + 2 * GAP, 2 * (32 + BAND) + GAP]);

    await writeFile(join(cwd, 'out/a-preview.png'), await noisyPicture('png'));
    const left = await run('--sigma', '10', ...FAST.slice(2));
    assert.is(left.code, 1);
    assert.match(left.stderr, /^flow-denoise: out\/a-preview\.png: already exists.*--overwrite$/m);
    assert.equal(await size(), [48, 40]);
    const over = await run('--sigma', '10', '--overwrite', ...FAST.slice(2));
    assert.is(over.code, 0, over.stderr);
    assert.equal(await size(), [2 * 32 + GAP, 32 + BAND]);
  }));

test('a picture that is turned is shown upright, and its part is where it is seen', () =>
  withFolder(async (cwd) => {
    for (let orientation = 1; orientation <= 8; orientation++) {
      const source = sharp(await noisyPicture('png', { width: 96, height: 64 }));
      const path = join(cwd, `${orientation}.png`);
      await source.withMetadata({ orientation }).png().toFile(path);
    }
    const args = ['.', '-o', 'out', '--sigma', '25', '--preview=8,24,40,30', '--quiet', ...FAST];
    const { code, stderr } = await command(args, { cwd });
    assert.is(code, 0, stderr);
    for (let orientation = 1; orientation <= 8; orientation++) {
      const seen = await cell(join(cwd, `out/${orientation}-preview.png`), 0, 40, 30);
      const expected = await part(join(cwd, `${orientation}.png`), 8, 24, 40, 30);
      assert.equal(seen, expected, `orientation ${orientation}`);
    }
    const whole = { left: 0, top: 0, width: 64, height: 96 };
    assert.equal(storedRegion(whole, 6, { width: 96, height: 64 }), {
      left: 0,
      top: 0,
      width: 96,
      height: 64,
    });
  }));

test('without a place, the most telling one is taken', () =>
  withFolder(async (cwd) => {
    const flat = { create: { width: 300, height: 200, channels: 3, background: '#808080' } } as const;
    const texture = await noisyPicture('png', { width: 64, height: 64 });
    await sharp(flat)
      .composite([{ input: texture, left: 200, top: 100 }])
      .png()
      .toFile(join(cwd, 'a.png'));
    const args = ['a.png', '-o', 'out', '--sigma', '25', '--preview=64', '--json', ...FAST];
    const { code, stdout, stderr } = await command(args, { cwd });
    assert.is(code, 0, stderr);
    const { left, top } = JSON.parse(stdout).preview.region;
    assert.ok(Math.abs(left - 200) <= 16 && Math.abs(top - 100) <= 16, `${left}, ${top}`);
  }));

test('a part beyond the edge, and a sigma map of another size, fail that picture only', () =>
  withFolder(async (cwd) => {
    await writeFile(join(cwd, 'a.png'), await noisyPicture('png'));
    await writeFile(join(cwd, 'b.png'), await noisyPicture('png', { width: 64, height: 64 }));
    const map = { create: { width: 64, height: 64, channels: 3, background: '#202020' } } as const;
    await sharp(map).toColourspace('b-w').png().toFile(join(cwd, 'map.png'));
    for (const [words, message] of [
      ['--preview=40,30,20,20 --sigma 25', /a\.png: Expected a part of its 48 x 40 .*20 x 20 at 40, 30\n$/],
      ['--preview=16 --sigma-map map.png', /a\.png: Expected 48 x 40 = 1920 numbers .* received 4096;.*\n$/],
    ] as const) {
      const args = ['a.png', 'b.png', '-o', 'out', '--quiet', ...words.split(' '), ...FAST];
      const { code, stderr } = await command(args, { cwd });
      assert.is(code, 1, stderr);
      assert.match(stderr, message);
      assert.equal(await filesBelow(join(cwd, 'out')), ['b-preview.png']);
    }
  }));

test('what has no sense', () =>
  withFolder(async (cwd) => {
    await writeFile(join(cwd, 'a.png'), await noisyPicture('png'));
    for (const [words, message] of [
      ['a.png -o out --sigma 10,20', /--sigma, or several with --preview/],
      ['a.png -o out --beta 1,2', /--beta, or several with --preview/],
      ['a.png -o out --preview=big', /320x240.*'big'/],
      ['a.png -o out --preview=4', /8 pixels or more/],
      ['a.png -o out --preview --sigma 10,x', /'x'/],
      ['a.png -o out --preview --sigma 10,200', /sigma.*200/],
      ['a.png -o out --preview --gain 2 --sigma 10,30', /one number for --sigma, the read noise/],
      ['a.png -o out --preview --beta 1,2 --method posterior-mean', /posterior-mean/],
      ['a.png -o out --preview --dry-run', /--dry-run/],
      ['a.png -o out --preview --cache', /--cache/],
      ['a.png --in-place --preview', /--in-place/],
      ['a.png --suffix -x --preview', /--suffix/],
      ['a.png -o - --preview', /--output <folder>/],
      ['a.png --preview', /--output <folder>/],
    ] as const) {
      const { code, stderr } = await command(words.split(' '), { cwd });
      assert.is(code, 2, `${words}: ${stderr}`);
      assert.match(stderr, message, words);
    }
    assert.equal(await filesBelow(cwd), ['a.png']);
  }));

test('labels have dots for all that they say', () => {
  for (const character of 'noisysigmabetagaincleanauto0123456789.')
    assert.ok(labelDots(character, 100).length > 0, character);
  assert.is(labelDots(' ', 100).length, 0);
  assert.ok(labelDots('sigma', 8).every(({ x, y }) => x < 8 && y < 7));
});

test.run();
