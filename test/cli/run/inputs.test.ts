import { link, mkdir, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { test } from 'uvu';
import * as assert from 'uvu/assert';
import { findInputs } from '#src/cli/run/inputs.js';
import { withFolder } from '../../plugin/pictures.js';

/** A folder with these (empty) files, made the current one. */
function inFolder(names: readonly string[], use: (folder: string) => Promise<void>): Promise<void> {
  return withFolder(async (folder) => {
    const before = process.cwd();
    for (const name of names) {
      await mkdir(dirname(join(folder, name)), { recursive: true });
      await writeFile(join(folder, name), '');
    }
    process.chdir(folder);
    try {
      await use(folder);
    } finally {
      process.chdir(before);
    }
  });
}

async function pairs(args: string[], output = 'out'): Promise<string[]> {
  return (await findInputs(args, { output })).jobs.map((job) => `${job.input} > ${job.output}`);
}

async function refusal(args: string[], output = 'out'): Promise<string> {
  const error = await findInputs(args, { output }).then(
    () => assert.unreachable(args.join(' ')),
    (reason: unknown) => reason,
  );
  return String(error);
}

const tree = [
  'p/a.png',
  'p/deep/b.JPG',
  'p/deep/notes.txt',
  'p/.hidden.png',
  'q/c.tiff',
  'x[1].png',
  'd.webp',
];

test('files keep their names, folders and globs their trees', () =>
  inFolder(tree, async (folder) => {
    assert.equal(await pairs(['d.webp', 'p/a.png']), ['d.webp > out/d.webp', 'p/a.png > out/a.png']);
    assert.equal(await pairs(['p']), ['p/a.png > out/a.png', 'p/deep/b.JPG > out/deep/b.JPG']);
    assert.equal(await pairs(['p/']), await pairs(['./p']));
    assert.equal(await pairs(['p/**/*.{png,JPG}']), await pairs(['p']));
    assert.equal(await pairs(['*/*.{png,tiff}']), ['p/a.png > out/p/a.png', 'q/c.tiff > out/q/c.tiff']);
    assert.equal(await pairs([join(folder, 'q')]), [`${folder}/q/c.tiff > out/c.tiff`]);
    assert.equal(await pairs([join(folder, 'q/*')]), [`${folder}/q/c.tiff > out/c.tiff`]);
  }));

test('every extension of a JPEG is taken from a folder', () =>
  inFolder(['j/a.jfif', 'j/b.JPE', 'j/c.jpeg', 'j/d.txt'], async () => {
    assert.equal(await pairs(['j']), [
      'j/a.jfif > out/a.jfif',
      'j/b.JPE > out/b.JPE',
      'j/c.jpeg > out/c.jpeg',
    ]);
    const { jobs } = await findInputs(['j/a.jfif'], { output: 'out', format: 'jpeg' });
    assert.is(jobs[0]?.output, 'out/a.jfif');
  }));

test('what exists is taken as it is written', () =>
  inFolder(tree, async () => {
    assert.equal(await pairs(['x[1].png']), ['x[1].png > out/x[1].png']);
    assert.equal(await pairs(['p/deep/notes.txt']), ['p/deep/notes.txt > out/notes.txt']);
  }));

test('one file named twice is one job', () =>
  inFolder(tree, async () => {
    assert.equal(await pairs(['p', 'p', 'p/a.png', './p/a.png']), [
      'p/a.png > out/a.png',
      'p/deep/b.JPG > out/deep/b.JPG',
    ]);
  }));

test('says what was not found', () =>
  inFolder([...tree, 'none/e.txt'], async () => {
    assert.match(await refusal(['nowhere']), 'No such file or folder: nowhere');
    assert.match(await refusal(['p', 'nowhere.png']), 'No such file or folder: nowhere.png');
    assert.match(await refusal(['none']), /No pictures found in none.*png jpg/);
    assert.match(await refusal(['*.gif']), 'No pictures found in *.gif');
    assert.equal((await findInputs(['p', 'none'], { output: 'out' })).notes, ['no pictures found in none']);
  }));

test('refuses to write over an input', () =>
  inFolder(tree, async (folder) => {
    assert.match(await refusal(['p'], 'p'), /would replace the input p\/a\.png/);
    assert.match(await refusal(['d.webp'], '.'), 'would replace the input d.webp');
    assert.match(await refusal(['d.webp'], folder), 'would replace the input d.webp');
    assert.match(await refusal(['p', 'd.webp'], 'p/../p'), 'would replace');
    await symlink('p', 'same');
    assert.match(await refusal(['p'], 'same'), 'would replace');
    await mkdir('linked');
    await link('d.webp', 'linked/d.webp');
    assert.match(await refusal(['d.webp'], 'linked'), 'would replace');
  }));

test('refuses two inputs for one output', () =>
  inFolder([...tree, 'q/a.png'], async () => {
    const message = await refusal(['p', 'q']);
    assert.match(message, /p\/a\.png and q\/a\.png would both be written to out\/a\.png/);
  }));

test('leaves out what an earlier run put into the tree', () =>
  inFolder([...tree, 'p/out/a.png'], async () => {
    assert.equal(await pairs(['p'], 'p/out'), ['p/a.png > p/out/a.png', 'p/deep/b.JPG > p/out/deep/b.JPG']);
    assert.equal(await pairs(['**/*.tiff', '**/a.png'], 'p/out'), [
      'p/a.png > p/out/p/a.png',
      'q/c.tiff > p/out/q/c.tiff',
    ]);
    assert.equal(await pairs(['q'], '.'), ['q/c.tiff > c.tiff']);
  }));

test('a folder that links to itself ends', () =>
  inFolder(['p/a.png', 'q/c.tiff'], async () => {
    await symlink('..', 'p/loop');
    await symlink('.', 'p/self');
    await symlink('nowhere.png', 'p/broken.png');
    assert.equal(await pairs(['p']), ['p/a.png > out/a.png']);
  }));

test('names with line breaks, quotes and signs of patterns are found, links followed', () =>
  inFolder(['p/a\nb.png', 'p/d\ne/\u001b[1m*.png', 'q/c.tiff', 'p/🌻 "x".jpg', 'p/.d/e.png'], async () => {
    await symlink('../q', 'p/q');
    assert.equal(await pairs(['p']), [
      'p/a\nb.png > out/a\nb.png',
      'p/d\ne/\u001b[1m*.png > out/d\ne/\u001b[1m*.png',
      'p/q/c.tiff > out/q/c.tiff',
      'p/🌻 "x".jpg > out/🌻 "x".jpg',
    ]);
  }));

test.run();
