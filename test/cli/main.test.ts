// The command in a process of its own: real sharp, small pictures, the real prior where the result counts.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { fixtureFolder } from '../core/fixture.js';
import { noisyPicture, withFolder } from '../plugin/pictures.js';
import { command, filesBelow, makeUnreadable } from './command.js';

const SMALL = ['--prior', fixtureFolder('conditioned')];

async function put(folder: string, name: string, bytes: Buffer | string): Promise<void> {
  await mkdir(join(folder, name, '..'), { recursive: true });
  await writeFile(join(folder, name), bytes);
}

test('a folder is mirrored, each picture in its own format', () =>
  withFolder(async (cwd) => {
    await put(cwd, 'in/a.png', await noisyPicture('png'));
    await put(cwd, 'in/deep/b.jpg', await noisyPicture('jpeg'));
    await put(cwd, 'in/deep/er/c.webp', await noisyPicture('webp'));
    await put(cwd, 'in/notes.txt', 'not for us');
    const { code, stdout, stderr } = await command(['in', '-o', 'out', '--sigma', '25'], { cwd });
    assert.is(code, 0, stderr);
    assert.is(stdout, '');
    assert.equal(await filesBelow(join(cwd, 'out')), ['a.png', 'deep/b.jpg', 'deep/er/c.webp']);
    const { format, width, height } = await sharp(join(cwd, 'out/deep/b.jpg')).metadata();
    assert.equal([format, width, height], ['jpeg', 48, 40]);
    assert.match(
      stderr,
      /3 pictures, 0\.01 MP in \d+ tiles: about .* with the posterior mean .*under the prior natural on /,
    );
    assert.match(stderr, /in\/a\.png -> out\/a\.png {2}[\d.]+ s\n/);
    assert.match(stderr, /3 of 3 done in /);
  }));

test('noise goes: the result is nearer to the clean gradient', () =>
  withFolder(async (cwd) => {
    await put(cwd, 'a.png', await noisyPicture('png'));
    const args = ['a.png', '-o', 'out', '--sigma', '25', '--method', 'posterior-mean', '--quiet'];
    const { code, stdout, stderr } = await command(args, { cwd });
    assert.equal([code, stdout, stderr], [0, '', '']);
    const roughness = async (path: string) => {
      const { entropy } = await sharp(join(cwd, path)).stats();
      return entropy;
    };
    assert.ok((await roughness('out/a.png')) < (await roughness('a.png')));
  }));

test('files that fail do not stop the others: exit code 1, nothing half-written', () =>
  withFolder(async (cwd) => {
    const jpeg = await noisyPicture('jpeg', { width: 200, height: 200 });
    await put(cwd, 'in/1-good.png', await noisyPicture('png'));
    await put(cwd, 'in/2-cut.jpg', jpeg.subarray(0, jpeg.length / 2));
    await put(cwd, 'in/3-text.png', 'not a picture\nat all');
    await put(cwd, 'in/4-empty.webp', '');
    await put(cwd, 'in/5-good.jpg', await noisyPicture('jpeg'));
    const { code, stdout, stderr } = await command(['in', '-o', 'out', '--sigma', '25', '--json'], { cwd });
    assert.is(code, 1, stderr);
    assert.equal(await filesBelow(join(cwd, 'out')), ['1-good.png', '5-good.jpg']);
    const errors = stderr.split('\n').filter((line) => line.startsWith('flow-denoise: '));
    assert.is(errors.length, 3);
    for (const [index, name] of ['2-cut.jpg', '3-text.png', '4-empty.webp'].entries())
      assert.match(String(errors[index]), `in/${name}`);
    assert.not.match(stderr, /^\s+at /m);

    const lines = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    assert.equal(
      lines.map(({ input }) => input),
      ['in/1-good.png', 'in/2-cut.jpg', 'in/3-text.png', 'in/4-empty.webp', 'in/5-good.jpg'],
    );
    assert.is(lines[0].output, 'out/1-good.png');
    assert.is(lines[0].report.sigma, 25);
    assert.is(lines[0].report.prior, 'natural');
    assert.is(lines[1].error.code, 'BAD_IMAGE');
    assert.match(lines[1].error.message, '2-cut.jpg');
  }));

test('a folder inside that cannot be read is named and does not stop the others: exit code 1', () =>
  withFolder(async (cwd) => {
    await put(cwd, 'in/a.png', await noisyPicture('png'));
    if (!(await makeUnreadable(join(cwd, 'in')))) return;
    const told = /^flow-denoise: in\/bad\ufffd: cannot be read \(ENOENT\)\. .*\n$/;
    // The second run finds nothing to do.
    for (const more of [['--dry-run'], [], []]) {
      const args = ['in', '-o', 'out', '--sigma', '25', '--quiet', ...SMALL, ...more];
      const { code, stderr } = await command(args, { cwd });
      assert.is(code, 1, stderr);
      assert.match(stderr, told);
    }
    assert.equal(await filesBelow(join(cwd, 'out')), ['a.png']);
  }));

test('a sigma that suits colour alone fails the grey pictures only', () =>
  withFolder(async (cwd) => {
    await put(
      cwd,
      'in/1-grey.png',
      await sharp(await noisyPicture('png'))
        .toColourspace('b-w')
        .png()
        .toBuffer(),
    );
    await put(cwd, 'in/2-colour.png', await noisyPicture('png'));
    const args = ['in', '-o', 'out', '--method', 'posterior-mean', '--quiet'];
    const { code, stderr } = await command([...args, '--sigma', '60'], { cwd });
    assert.is(code, 1);
    assert.match(
      stderr,
      /^flow-denoise: in\/1-grey\.png: Expected a number from 1\.443 to 57\.74 .* received 60;.*\n$/,
    );
    assert.equal(await filesBelow(join(cwd, 'out')), ['2-colour.png']);
    const none = await command([...args, '--sigma', '1'], { cwd });
    assert.is(none.code, 2);
    assert.match(
      none.stderr,
      /^flow-denoise: Expected a number from 2\.5 to 100 \(grey pictures: 1\.443 to 57\.74\)/,
    );
  }));

test('a sigma map or a noise profile that does not suit a picture fails that picture only', () =>
  withFolder(async (cwd) => {
    await put(cwd, 'in/a.png', await noisyPicture('png'));
    await put(cwd, 'in/b.png', await noisyPicture('png', { width: 64, height: 64 }));
    const grey = sharp(await noisyPicture('png')).toColourspace('b-w');
    await put(cwd, 'in/c.png', await grey.png().toBuffer());
    const map = { create: { width: 48, height: 40, channels: 3, background: '#202020' } } as const;
    await sharp(map).toColourspace('b-w').png().toFile(join(cwd, 'map.png'));
    const white = { level: [0.1], spectrum: [1, 1, 1, 1] };
    await put(cwd, 'grey.json', JSON.stringify({ brightness: [0.5], channels: [white] }));
    for (const [output, flags, failed, message, done] of [
      ['1', ['--sigma-map', 'map.png'], 1, /64 x 64 = 4096 numbers .* received 1920;/, ['a.png', 'c.png']],
      ['2', ['--noise', 'grey.json'], 2, /3 channels for a colour picture but received one of 1;/, ['c.png']],
    ] as const) {
      const { code, stderr } = await command(['in', '-o', output, '--quiet', ...SMALL, ...flags], { cwd });
      assert.is(code, 1, stderr);
      assert.match(stderr, /^flow-denoise: in\/[ab]\.png: Expected /);
      assert.match(stderr, message);
      assert.is(stderr.trim().split('\n').length, failed, stderr);
      assert.equal(await filesBelow(join(cwd, output)), done);
    }
  }));

test('--max-pixels refuses larger pictures', () =>
  withFolder(async (cwd) => {
    await put(cwd, 'a.png', await noisyPicture('png'));
    const args = ['a.png', '-o', 'out', '--sigma', '25', '--quiet', '--max-pixels', '1919', ...SMALL];
    const { code, stderr } = await command(args, { cwd });
    assert.is(code, 1);
    assert.match(stderr, /a\.png: .*1919/);
    assert.equal(await filesBelow(cwd), ['a.png']);
  }));

test('an output that cannot be written is one failed file', () =>
  withFolder(async (cwd) => {
    await put(cwd, 'in/a.png', await noisyPicture('png'));
    await put(cwd, 'in/sub/b.png', await noisyPicture('png'));
    await put(cwd, 'out/sub', 'a file where the folder should be');
    const { code, stderr } = await command(['in', '-o', 'out', '--sigma', '25', ...SMALL], { cwd });
    assert.is(code, 1, stderr);
    assert.match(stderr, /^flow-denoise: out\/sub\/b\.png: could not be written/m);
    assert.equal(await filesBelow(join(cwd, 'out')), ['a.png', 'sub']);
  }));

test('names print as one line each; what is no picture is asked for nothing, whatever it is called', () =>
  withFolder(async (cwd) => {
    await put(cwd, 'in/a\nb\u001b[31m.png', await noisyPicture('png', { width: 16, height: 16 }));
    await put(cwd, 'in/c\nd.png', '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"/>');
    const planned = await command(['in', '-o', 'out', '--sigma', '25', '--dry-run', ...SMALL], { cwd });
    assert.is(planned.code, 1, planned.stderr);
    assert.match(planned.stdout, /^in\/a\\nb\\u\{1b\}\[31m\.png -> \S+ {2}16 x 16, /m);
    assert.match(planned.stdout, /^in\/c\\nd\.png -> \S+ {2}refused: found an SVG drawing/m);
    const { code, stderr } = await command(['in', '-o', 'out', '--sigma', '25', ...SMALL], { cwd });
    assert.is(code, 1);
    assert.match(stderr, /^flow-denoise: in\/c\\nd\.png: found an SVG drawing/m);
    assert.match(stderr, /^in\/a\\nb\\u\{1b\}\[31m\.png -> out\/a\\nb\\u\{1b\}\[31m\.png {2}/m);
    assert.equal(await filesBelow(join(cwd, 'out')), ['a\nb\u001b[31m.png']);
  }));

test('DEBUG=flow-denoise shows the stack', () =>
  withFolder(async (cwd) => {
    await put(cwd, 'a.png', 'text');
    const { stderr } = await command(['a.png', '-o', 'out', '--sigma', '25', '--quiet'], {
      cwd,
      env: { DEBUG: 'flow-denoise' },
    });
    assert.match(stderr, /^\s+at /m);
  }));

test('an interrupt ends it with 130 within a tile, and leaves no temporary file', () =>
  withFolder(async (cwd) => {
    const large = await noisyPicture('png', { width: 1500, height: 1500 });
    for (const name of ['0', '1']) await put(cwd, `in/${name}.png`, await noisyPicture('png'));
    for (const name of ['2', '3', '4']) await put(cwd, `in/${name}.png`, large);
    let interrupted = 0;
    const { code, stderr } = await command(['in', '-o', 'out', '--sigma', '25', '--json', '--quiet'], {
      cwd,
      during: (child) => {
        child.stdout?.on('data', (text: Buffer) => {
          // A second later the large pictures are in work: minutes of it.
          if (text.includes('in/1.png')) setTimeout(() => child.kill('SIGINT'), 1000);
          interrupted = performance.now() + 1000;
        });
      },
    });
    const seconds = (performance.now() - interrupted) / 1000;
    assert.is(code, 130, stderr);
    assert.match(stderr, 'stopped');
    assert.ok(seconds < 10, `ended ${seconds.toFixed(1)} s after the interrupt`);
    assert.equal(await filesBelow(join(cwd, 'out')), ['0.png', '1.png']);
  }));

test.run();
