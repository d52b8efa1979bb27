// Where results go, and what is never lost on the way: what lies there, originals, bytes on a pipe.
import {
  chmod,
  mkdir,
  readdir,
  readFile,
  readlink,
  stat,
  symlink,
  utimes,
  writeFile,
} from 'node:fs/promises';
import { join } from 'node:path';
import sharp from 'sharp';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { replaceOriginal } from '#src/cli/run/in-place.js';
import { fixtureFolder } from '../../core/fixture.js';
import { noisyPicture, withFolder } from '../../plugin/pictures.js';
import { command, filesBelow } from '../command.js';

const PRIOR = ['--prior', fixtureFolder('conditioned'), '--threads', '1'];
const FAST = [...PRIOR, '--sigma', '25', '--method', 'posterior-mean', '--engine', 'onnx', '--quiet'];

async function inFolderOf(names: readonly string[], use: (cwd: string) => Promise<void>): Promise<void> {
  await withFolder(async (cwd) => {
    for (const [index, name] of names.entries()) {
      await mkdir(join(cwd, name, '..'), { recursive: true });
      const format = name.endsWith('.jpg') ? 'jpeg' : 'png';
      await writeFile(join(cwd, name), await noisyPicture(format, { seed: index + 1 }));
    }
    await use(cwd);
  });
}

test('what is there is left, until it is to be replaced', () =>
  inFolderOf(['in/a.png', 'in/b.png'], async (cwd) => {
    await mkdir(join(cwd, 'out'));
    await writeFile(join(cwd, 'out/a.png'), 'old');
    const args = ['in', '-o', 'out', ...FAST.slice(0, -1)];
    const first = await command([...args, '--json'], { cwd });
    assert.is(first.code, 0, first.stderr);
    assert.match(first.stderr, /in\/a\.png -> out\/a\.png {2}left: already exists \(--overwrite/);
    assert.equal(
      first.stdout
        .trim()
        .split('\n')
        .map((line) => Object.keys(JSON.parse(line)).join()),
      ['input,output,skipped', 'input,output,report'],
    );
    assert.is(await readFile(join(cwd, 'out/a.png'), 'utf8'), 'old');
    const again = await command(args, { cwd });
    assert.is(again.code, 0);
    assert.not.match(again.stderr, / MP in /);
    const replaced = await command([...args, '--overwrite'], { cwd });
    assert.is(replaced.code, 0, replaced.stderr);
    assert.ok((await stat(join(cwd, 'out/a.png'))).size > 100);
  }));

test('a suffix: beside the original, in a folder, and not on its own results', () =>
  inFolderOf(['a.png', 'deep/b.tar.png'], async (cwd) => {
    const args = ['.', '--suffix', '-clean', ...FAST];
    const first = await command(args, { cwd });
    assert.is(first.code, 0, first.stderr);
    const expected = ['a-clean.png', 'a.png', 'deep/b.tar-clean.png', 'deep/b.tar.png'];
    assert.equal(await filesBelow(cwd), expected);
    const second = await command([...args.slice(0, -1), '--overwrite'], { cwd });
    assert.is(second.code, 0, second.stderr);
    assert.match(second.stderr, 'a-clean.png  left out: it is the result of another picture');
    assert.equal(await filesBelow(cwd), expected);
    assert.is((await command(['a.png', '-o', 'out', '--suffix', '_1', ...FAST], { cwd })).code, 0);
    assert.equal(await filesBelow(join(cwd, 'out')), ['a_1.png']);
  }));

test('a folder and a folder inside it: every output is written', () =>
  inFolderOf(['in/a.png', 'in/sub/b.png'], async (cwd) => {
    const { code, stderr } = await command(['in', 'in/sub', '-o', 'out', ...FAST.slice(0, -1)], { cwd });
    assert.is(code, 0, stderr);
    assert.equal(await filesBelow(join(cwd, 'out')), ['a.png', 'b.png', 'sub/b.png']);
  }));

test('another format goes under its extension; two pictures for one name are refused', () =>
  inFolderOf(['in/a.png', 'in/b.jpg'], async (cwd) => {
    const args = ['in', '-o', 'out', '--format', 'jpeg', '--quality', '70', ...FAST];
    const { code, stderr } = await command(args, { cwd });
    assert.is(code, 0, stderr);
    assert.equal(await filesBelow(join(cwd, 'out')), ['a.jpg', 'b.jpg']);
    assert.is((await sharp(join(cwd, 'out/a.jpg')).metadata()).format, 'jpeg');
    await writeFile(join(cwd, 'in/a.jpg'), await noisyPicture('jpeg'));
    const collision = await command(args, { cwd });
    assert.is(collision.code, 2);
    assert.match(collision.stderr, 'in/a.jpg and in/a.png would both be written to out/a.jpg');
  }));

test('in place: whole, with its permissions, its links and a backup', () =>
  inFolderOf(['a.png', 'far/b.png'], async (cwd) => {
    await chmod(join(cwd, 'a.png'), 0o640);
    await symlink('far/b.png', join(cwd, 'link.png'));
    const before = await readFile(join(cwd, 'a.png'));
    const args = ['a.png', 'link.png', 'far/b.png', '--in-place', ...FAST, '--backup'];
    const { code, stderr } = await command(args, { cwd });
    assert.is(code, 0, stderr);
    assert.equal(await filesBelow(cwd), ['a.png', 'a.png.orig', 'far/b.png', 'far/b.png.orig']);
    assert.is(await readlink(join(cwd, 'link.png')), 'far/b.png');
    assert.equal(await readFile(join(cwd, 'a.png.orig')), before);
    assert.not.equal(await readFile(join(cwd, 'a.png')), before);
    assert.is((await stat(join(cwd, 'a.png'))).mode & 0o777, 0o640);
    const once = await readFile(join(cwd, 'a.png'));
    const second = await command(args, { cwd });
    assert.is(second.code, 0, second.stderr);
    assert.equal(await readFile(join(cwd, 'a.png')), once);
    assert.equal(await readFile(join(cwd, 'a.png.orig')), before);
  }));

test('an original that changed while it was in work is left', () =>
  inFolderOf(['a.png'], async (cwd) => {
    const path = join(cwd, 'a.png');
    const before = await stat(path, { bigint: true });
    await utimes(path, new Date(), new Date(0));
    const { signal } = new AbortController();
    const error = await replaceOriginal(path, Buffer.from('new'), before, { backup: '.orig', signal }).catch(
      (reason: unknown) => reason,
    );
    assert.match(String(error), 'was changed while it was in work');
    assert.equal(await readdir(cwd), ['a.png']);
  }));

test('bytes in, bytes out', () =>
  inFolderOf(['a.png'], async (cwd) => {
    const input = await readFile(join(cwd, 'a.png'));
    const piped = await command(['-', ...FAST], { cwd, input });
    assert.is(piped.code, 0, piped.stderr);
    assert.is((await sharp(piped.bytes).metadata()).format, 'png');
    const named = await command(['a.png', '-o', '-', ...FAST, '--format', 'webp'], { cwd });
    assert.is((await sharp(named.bytes).metadata()).format, 'webp');
    const bad = await command(['-', ...FAST], { cwd, input: Buffer.from('not a picture') });
    assert.equal([bad.code, bad.stdout], [1, '']);
    assert.match(bad.stderr, /^flow-denoise: standard input: /);
    const large = await command(['-', ...FAST, '--max-bytes', '100'], { cwd, input });
    assert.equal([large.code, large.stdout], [1, '']);
    assert.match(large.stderr, /standard input: found more than 100 bytes/);
    assert.equal(await filesBelow(cwd), ['a.png']);
  }));

test('a dry run lists and writes nothing', () =>
  inFolderOf(['in/a.png', 'in/b.png', 'out/b.png'], async (cwd) => {
    const args = ['in', '-o', 'out', ...FAST, '--dry-run'];
    const { code, stdout, stderr } = await command(args, { cwd });
    assert.is(code, 0, stderr);
    const [first = '', second = ''] = stdout.split('\n');
    assert.match(first, /^in\/a\.png -> out\/a\.png {2}48 x 40, 0\.00 MP {2}about [\d.]+ s$/);
    assert.match(second, /^in\/b\.png -> out\/b\.png {2}left/);
    const json = await command([...args, '--json'], { cwd });
    const line = JSON.parse(String(json.stdout.split('\n')[0]));
    assert.equal([line.width, line.height, line.tiles], [48, 40, 1]);
    assert.equal(await filesBelow(join(cwd, 'out')), ['b.png']);
  }));

test('a cache keeps results between runs; larger files are refused', () =>
  inFolderOf(['a.png'], async (cwd) => {
    const args = ['a.png', '-o', 'out', ...FAST.slice(0, -1), '--overwrite', '--cache', 'kept'];
    assert.is((await command(args, { cwd })).code, 0);
    const before = await readFile(join(cwd, 'out/a.png'));
    const second = await command(args, { cwd });
    assert.match(second.stderr, 'a.png -> out/a.png  from the cache');
    assert.equal(await readFile(join(cwd, 'out/a.png')), before);
    const limited = await command(['a.png', '-o', 'out2', ...FAST, '--max-bytes', '10'], { cwd });
    assert.is(limited.code, 1);
    assert.match(limited.stderr, /a\.png: found \d+ bytes, expected at most 10/);
  }));

test('what does not go together is refused', () =>
  inFolderOf(['a.png', 'b.png'], async (cwd) => {
    const refusals: readonly (readonly [string, RegExp])[] = [
      ['a.png', /--output <folder>, --suffix <text> or --in-place/],
      ['a.png --in-place -o out', /either --in-place or --output, not both/],
      ['a.png --in-place --suffix x --overwrite', /either --in-place or --suffix, --overwrite, not both/],
      ['a.png --in-place --format webp', /either --in-place or --format, not both/],
      ['a.png -o out --backup', /--backup only with --in-place/],
      ['a.png --suffix a/b', /suffix/],
      ['a.png -o out --format gif', /format.*gif/],
      ['a.png -o out --quality 0', /quality/],
      ['a.png -o out --sigma-map b.png --cache', /Pass either --sigma-map or --cache, not both/],
      ['- --json', /no --json/],
      ['- -o out', /--output -.*received out/],
      ['- a.png', /one picture.*2 inputs/],
      ['a.png b.png -o -', /one picture.*2 inputs/],
    ];
    for (const [words, message] of refusals) {
      const { code, stdout, stderr } = await command(words.split(' '), { cwd });
      assert.is(code, 2, `${words}: ${stderr}`);
      assert.match(stderr, message);
      assert.is(stdout, '');
    }
    assert.equal(await filesBelow(cwd), ['a.png', 'b.png']);
  }));

test.run();
