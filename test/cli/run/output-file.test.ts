// `cat.png -o clean.png` writes that file; whatever else such a name could mean is asked about.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { fixtureFolder } from '../../core/fixture.js';
import { noisyPicture, withFolder } from '../../plugin/pictures.js';
import { command, filesBelow } from '../command.js';

const FAST = ['--sigma', '25', '--prior', fixtureFolder('conditioned'), '--engine', 'onnx', '--threads', '1'];

function inFolder(use: (cwd: string) => Promise<void>): Promise<void> {
  return withFolder(async (cwd) => {
    await mkdir(join(cwd, 'in'));
    for (const name of ['cat.png', 'in/a.png']) await writeFile(join(cwd, name), await noisyPicture('png'));
    await use(cwd);
  });
}

test('one picture goes to the file, in the format that its name says', () =>
  inFolder(async (cwd) => {
    const first = await command(['cat.png', '-o', 'clean.png', ...FAST], { cwd });
    assert.is(first.code, 0, first.stderr);
    assert.match(first.stderr, /^cat\.png -> clean\.png {2}/m);
    const second = await command(['cat.png', '-o', 'new/clean.jpg', ...FAST], { cwd });
    assert.is(second.code, 0, second.stderr);
    assert.equal(await filesBelow(cwd), ['cat.png', 'clean.png', 'in/a.png', 'new/clean.jpg']);
    assert.is((await sharp(join(cwd, 'new/clean.jpg')).metadata()).format, 'jpeg');
    const again = await command(['cat.png', '-o', 'clean.png', ...FAST], { cwd });
    assert.match(again.stderr, 'cat.png -> clean.png  left: already exists');
  }));

test('the name decides, not the name of the input; AVIF and GIF are written only from their own format', () =>
  inFolder(async (cwd) => {
    await writeFile(join(cwd, 'really-jpeg.png'), await noisyPicture('jpeg'));
    await sharp(join(cwd, 'cat.png')).avif().toFile(join(cwd, 'really-avif.png'));
    await sharp(join(cwd, 'cat.png')).gif().toFile(join(cwd, 'a.gif'));
    await writeFile(join(cwd, 'text.png'), 'no picture');
    const formats = [
      ['really-jpeg.png', 'o.png', 'png'],
      ['really-jpeg.png', 'o.jpg', 'jpeg'],
      ['really-avif.png', 'o.avif', 'heif'],
      ['a.gif', 'o.GIF', 'gif'],
    ] as const;
    for (const [input, output, format] of formats) {
      const { code, stderr } = await command([input, '-o', output, ...FAST], { cwd });
      assert.is(code, 0, stderr);
      assert.is((await sharp(join(cwd, output)).metadata()).format, format, output);
    }
    const before = await filesBelow(cwd);
    const refusals = [
      [
        'cat.png -o clean.avif',
        2,
        /\.png, .*--output but received clean\.avif: the format of cat\.png is png, and .* to \.avif/,
      ],
      ['cat.png -o clean.gif', 2, /received clean\.gif: the format of cat\.png is png/],
      ['really-jpeg.png -o clean.GIF', 2, /the format of really-jpeg\.png is jpeg/],
      ['a.gif -o clean.avif --dry-run', 2, /the format of a\.gif is gif/],
      ['none.png -o clean.avif', 2, /No such file or folder: none\.png/],
      ['text.png -o clean.avif', 1, /text\.png: found text/],
    ] as const;
    for (const [words, expected, message] of refusals) {
      const { code, stderr } = await command([...words.split(' '), ...FAST], { cwd });
      assert.is(code, expected, `${words}: ${stderr}`);
      assert.match(stderr, message);
    }
    assert.equal(await filesBelow(cwd), before);
  }));

test('a folder that is named as a picture is a folder', () =>
  inFolder(async (cwd) => {
    await mkdir(join(cwd, 'there.png'));
    for (const output of ['there.png', 'other.png/'])
      assert.is((await command(['cat.png', '-o', output, ...FAST], { cwd })).code, 0);
    assert.equal(await filesBelow(join(cwd, 'there.png')), ['cat.png']);
    assert.equal(await filesBelow(join(cwd, 'other.png')), ['cat.png']);
  }));

test('a preview goes to the file, and is made of what stands behind --preview', () =>
  inFolder(async (cwd) => {
    const first = await command(['--preview', 'cat.png', '-o', 'look', ...FAST, '--tile-size', '32'], {
      cwd,
    });
    assert.not.match(first.stderr, 'missing required argument');
    const sized = await command(['cat.png', '-o', 'look.png', '--preview', '32', ...FAST], { cwd });
    assert.is(sized.code, 0, sized.stderr);
    assert.ok((await filesBelow(cwd)).includes('look.png'));
    const best = ['--preview', '32', '--preset', 'best'];
    assert.is((await command(['cat.png', '-o', 'best.png', ...best, ...FAST], { cwd })).code, 0);
    assert.not.equal(await readFile(join(cwd, 'best.png')), await readFile(join(cwd, 'look.png')));
  }));

test('what is not clear is asked', () =>
  inFolder(async (cwd) => {
    const before = await filesBelow(cwd);
    const refusals: readonly (readonly [string, RegExp])[] = [
      ['cat.png out.png', /No such file or folder: out\.png\. Did you mean -o out\.png\?/],
      ['cat.png clean', /Did you mean -o clean\?/],
      ['cat.png in/a.png', /--output <folder>, --suffix <text> or --in-place/],
      ['in -o clean.png', /a folder for --output of several pictures but received the file name clean\.png/],
      ['cat.png in/a.png -o clean.png', /several pictures/],
      ['in/*.png -o clean.png', /several pictures/],
      ['cat.png -o clean.png --suffix x', /--output clean\.png, or a folder and --suffix, not both/],
      ['cat.png -o clean.png --format jpeg', /extension of --format jpeg but received clean\.png/],
      ['cat.png -o cat.png', /would replace the input cat\.png/],
      ['cat.png -o look.jpg --preview', /ends in \.png/],
    ];
    for (const [words, message] of refusals) {
      const { code, stderr } = await command(words.split(' '), { cwd });
      assert.is(code, 2, `${words}: ${stderr}`);
      assert.match(stderr, message);
    }
    assert.equal(await filesBelow(cwd), before);
  }));

test.run();
